// What is unread in each conversation, as this device knows it.
//
// Two pairs of numbers that only grow, each merged by max (client.proto, IndexEntry): what the server says, in whatever
// order and however often; events, each of which knows how many messages there are up to it; and what is read here,
// until the server says the same. Of this user's own messages the server alone says that they are not unread: their
// events raise nothing, so that a count is never too high for a moment.
//
// Bounds: as many conversations as the inbox has.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/ids.h"
#include "core/base/index_marks.h"
#include "core/client/client.h"
#include "proto/client.pb.h"

namespace chasqui::client {

class Unread {
 public:
  // What to tell the application, if what is unread has changed.
  [[nodiscard]] std::optional<UnreadMoved> merge(const ConversationId& conversation, const Counts& counts);
  [[nodiscard]] std::optional<UnreadMoved> on_event(const ConversationId& conversation, const Event& event, bool is_own,
                                                    bool is_repeated = false);
  // All up to `seq` was read here. Known at once if that is the last event there is here.
  [[nodiscard]] std::optional<UnreadMoved> on_read(const ConversationId& conversation, Seq seq);
  void forget_all();  // a restored server: its counts may be lower now

  [[nodiscard]] Counts of(const ConversationId& conversation) const;
  void replay(const ConversationId& conversation, const JournalCounts& record);
  // What the journal lacks of it; nullopt: nothing. It is to be journaled before the index's version is at which it was
  // said, since it is not said again.
  [[nodiscard]] std::optional<JournalRecord> take_unrecorded(const ConversationId& conversation);
  [[nodiscard]] JournalRecord record(const ConversationId& conversation) const;
  [[nodiscard]] std::vector<ConversationId> conversations() const;

 private:
  struct Lane {
    Counts counts;
    Counts recorded;  // in the journal
    Seq last;         // the highest event that came
    std::uint64_t messages_at_last = 0;
  };
  [[nodiscard]] static std::optional<UnreadMoved> moved(const ConversationId& conversation, const Counts& before,
                                                        const Counts& now);
  absl::btree_map<ConversationId, Lane> lanes_;
};

}  // namespace chasqui::client
