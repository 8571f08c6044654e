#include "sim/invariants/i16_real_time.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void RealTime::see(Time at, const Fact& fact) {
  if (const auto* sent = std::get_if<MessageSent>(&fact)) {
    floor_[{sent->device, sent->conversation, sent->number}] = accepted_[sent->conversation];
  } else if (const auto* heard = std::get_if<AcceptedHeard>(&fact)) {
    const Seq* floor = floor_.find({heard->device, heard->conversation, heard->number});
    if (floor == nullptr) return;  // I1's matter
    check(heard->seq > *floor, at, [&] {
      return absl::StrCat(heard->conversation.hex(), ": seq ", heard->seq.value(), " was sent by device ",
                          heard->device, " when seq ", floor->value(), " was already accepted");
    });
    Seq& accepted = accepted_[heard->conversation];
    if (heard->seq > accepted) accepted = heard->seq;
    floor_.erase({heard->device, heard->conversation, heard->number});
  }
}

}  // namespace chasqui::sim
