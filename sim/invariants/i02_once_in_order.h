// I2. An application sees each seq once, ascending; one sender's messages in the order of sending.
//
// After a phone crash it may be shown again what its journal did not know as shown, and nothing below; likewise when
// the journal was replaced. Then what it sends from there on is as another sender's: the order of sending is that of
// one life of the journal, which begins with what waits in it. (A phone that is reinstalled, sends, and is restored
// from a backup that holds an older message sends that one later. What had been seen by then stands where an earlier
// life put it: one that was refused there, and waits in the backup, may come behind what was sent after it.)
#pragma once

#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/hash_index.h"
#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class OnceInOrder : public Invariant {
 public:
  OnceInOrder() : Invariant(2, "once, in order") {}
  void see(Time at, const Fact& fact) override;

 private:
  void put_in_order(const MessageSent& sent);
  void forget_place(const RefusalHeard& refusal);
  void know_as_shown(std::uint32_t device, const std::vector<std::pair<ConversationId, Seq>>& shown);

  HashIndex<std::uint32_t, HashIndex<ConversationId, Seq>> last_;  // by device: seen by the application that runs now
  using Sender = std::pair<std::uint32_t, std::uint32_t>;          // a device, and which life of its journal
  HashIndex<std::uint32_t, std::uint32_t> life_;
  [[nodiscard]] bool is_of_an_earlier_life(const Sender& sender, const EventSeen& seen) const;
  std::map<ConversationId, Seq> top_;                      // that anybody has seen
  std::map<Sender, std::map<ConversationId, Seq>> begun_;  // by life, but a device's first: what that was then
  // Whose each text is and its number in the order of sending, in its conversation; of those accepted or not.
  HashIndex<std::pair<ConversationId, std::uint64_t>, std::vector<std::pair<Sender, std::uint64_t>>> order_;
  HashIndex<std::pair<ConversationId, Sender>, std::uint64_t> sent_count_;
  // What anyone has seen of a sender's in a conversation: number in the order of sending by seq.
  HashIndex<std::pair<ConversationId, Sender>, absl::btree_map<std::uint64_t, std::uint64_t>> placed_;
  HashIndex<std::tuple<std::uint32_t, ConversationId, OutboxSeq>, std::uint64_t> texts_;  // their hashes
};

}  // namespace chasqui::sim
