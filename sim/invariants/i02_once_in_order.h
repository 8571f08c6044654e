// I2. An application sees each seq once, ascending; one sender's messages in the order of sending.
//
// After a phone crash it may be shown again what its journal did not know as shown, and nothing below.
#pragma once

#include <map>
#include <set>
#include <string>

#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class OnceInOrder : public Invariant {
 public:
  OnceInOrder() : Invariant(2, "once, in order") {}
  void see(Time at, const Fact& fact) override;

 private:
  std::map<std::pair<std::uint32_t, ConversationId>, Seq> last_;  // seen by the application that runs now
  // The number in the order of sending of each text, in its conversation; of those accepted or not.
  std::map<std::pair<ConversationId, std::uint64_t>, std::pair<std::uint32_t, std::uint64_t>> order_;
  std::map<std::pair<std::uint32_t, ConversationId>, std::uint64_t> sent_count_;
  struct Viewed {
    Seq seq;
    std::uint64_t order = 0;
  };
  // By conversation and sending device: the latest of its messages by seq that anyone has seen.
  std::map<std::pair<ConversationId, std::uint32_t>, std::map<std::uint64_t, std::uint64_t>> placed_;
};

}  // namespace chasqui::sim
