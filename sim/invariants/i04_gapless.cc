#include "sim/invariants/i04_gapless.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void Gapless::see(Time at, const Fact& fact) {
  const auto* seen = std::get_if<EventSeen>(&fact);
  if (seen == nullptr) return;
  Seq& head = head_[{seen->device, seen->conversation}];
  check(seen->seq <= head.next(), at, [&] {
    return absl::StrCat("device ", seen->device, " was shown ", seen->conversation.hex(), " seq ", seen->seq.value(),
                        ", but has seen only up to ", head.value());
  });
  if (seen->seq > head) head = seen->seq;
}

}  // namespace chasqui::sim
