// "Delete for me": what this user has hidden from themselves, in each conversation, on any device.
//
// What is hidden here is hidden at once, kept in the journal, and said to the server until it has confirmed it. What
// was hidden on another device is learnt by a count in the index that only grows: whoever knows a lower one asks. Both
// are merged as sets, so they may be said, lost and repeated in any order.
#pragma once

#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/base/seq_ranges.h"
#include "core/client/journal.h"
#include "proto/client.pb.h"

namespace chasqui::client {

class Hidden {
 public:
  explicit Hidden(Journal& journal) : journal_(journal) {}

  // ResourceExhausted: hidden_ranges_max stretches are hidden there.
  absl::Status hide(const ConversationId& conversation, std::uint64_t first, std::uint64_t last);
  [[nodiscard]] bool is_hidden(const ConversationId& conversation, Seq seq) const;
  [[nodiscard]] bool is_confirmed(const ConversationId& conversation, Seq seq) const;
  [[nodiscard]] SeqRanges all(const ConversationId& conversation) const;

  // The index says how often something was hidden there.
  void note(const ConversationId& conversation, std::uint64_t hides);
  void on_history_restored();  // a restored server may have lost some: all is said again

  // One request at a time; then on_answer(), on_error() or on_connection_lost() follows.
  struct Request {
    ConversationId conversation;
    std::optional<HideEvents> hide;  // nullopt: it asks what is hidden there
  };
  [[nodiscard]] std::optional<Request> next_request(MonoTime now);
  // False: malformed. `is_news`: something more is hidden now.
  [[nodiscard]] bool on_answer(const ConversationId& conversation, const HiddenEvents& events, bool& is_news);
  void on_error(const ConversationId& conversation, bool is_final, MonoTime retry_at);
  void on_connection_lost() { is_asking_ = false; }
  // Something was hidden elsewhere that is not known here yet: until then the index is not taken whole.
  [[nodiscard]] bool is_lacking() const { return lacking_ > 0; }
  [[nodiscard]] MonoTime next_deadline() const;

  absl::Status replay(const ConversationId& conversation, const JournalHidden& record);
  void compact(std::vector<JournalRecord>& out) const;

 private:
  struct Lane {
    std::uint64_t hides = 0;  // at which `known` is all that the server knew
    SeqRanges known;
    SeqRanges wanted;  // not confirmed yet
    bool lacks = false;
    std::uint64_t noted = 0;  // since it was asked for last
  };
  [[nodiscard]] JournalRecord record(const ConversationId& conversation, const Lane& lane) const;

  Journal& journal_;
  absl::btree_map<ConversationId, Lane> lanes_;
  void know(Lane& lane, bool lacks);
  bool is_asking_ = false;
  std::size_t lacking_ = 0;  // lanes
  bool may_want_ = true;     // some lane may have something to say or to ask
  MonoTime retry_at_{};
};

}  // namespace chasqui::client
