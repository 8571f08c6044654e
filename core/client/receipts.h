// What others have of what this user sent: their delivered and read marks, merged by max.
//
// After a connection the marks of those conversations are asked where something of this user's own may still be unread;
// in a direct conversation that is known, in a group it is always asked. Bounds: 1,024 members of a conversation,
// 65,536 marks in all; what is above is told each time it comes, since nobody remembers that it came before.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/ids.h"
#include "core/client/client.h"
#include "proto/client.pb.h"

namespace chasqui::client {

class Receipts {
 public:
  static constexpr std::uint64_t members_max = 1024;
  static constexpr std::uint64_t marks_max = 65'536;

  explicit Receipts(UserId self) : self_(self) {}

  // An event of this user's own stands at `seq`. True if that is news.
  bool on_own_event(const ConversationId& conversation, Seq seq);
  // The marks of a member; what to tell the application, if anything grew.
  [[nodiscard]] std::optional<MarksMoved> merge(const ConversationId& conversation, UserId user, Seq delivered,
                                                Seq read);
  [[nodiscard]] Seq own(const ConversationId& conversation) const;  // the last event of this user's own; 0: none
  void forget_all();                                                // a restored server: marks may be lower now
  [[nodiscard]] UserId self() const { return self_; }

  // Conversations whose marks are to be asked at a new connection, 64 at a time.
  void on_connected();
  [[nodiscard]] std::vector<ConversationId> next_to_ask();
  void ask_again(const std::vector<ConversationId>& conversations);

  void replay(const ConversationId& conversation, const JournalMarks& record);
  void describe(const ConversationId& conversation, JournalMarks& record) const;
  [[nodiscard]] std::vector<ConversationId> conversations() const;

 private:
  struct Lane {
    Seq own;       // the last event of this user's own
    Seq own_read;  // of a direct conversation: up to where the other side has read, as far as the journal knows
    absl::btree_map<UserId, std::pair<Seq, Seq>> marks;  // delivered, read
  };
  [[nodiscard]] bool is_settled(const ConversationId& conversation, const Lane& lane) const;

  UserId self_;
  absl::btree_map<ConversationId, Lane> lanes_;
  std::deque<ConversationId> to_ask_;
  std::uint64_t marks_ = 0;
};

}  // namespace chasqui::client
