#include "sim/invariants/i23_settles.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void Settles::see(Time at, const Fact& fact) {
  if (const auto* healed = std::get_if<Healed>(&fact)) {
    healed_ = at;
    bound_ += healed->backlog;
  } else if (std::holds_alternative<Settled>(fact)) {
    if (judged_) return;
    judged_ = true;
    check(healed_ >= 0 && at - healed_ <= bound_, at,
          [&] { return absl::StrCat("it took ", (at - healed_) / millisecond, " ms after healing to settle"); });
  } else if (const auto* late = std::get_if<NotSettled>(&fact)) {
    if (judged_) return;
    judged_ = true;
    check(false, at, [&] {
      return absl::StrCat((at - healed_) / millisecond, " ms after healing still missing: ", late->missing);
    });
  }
}

void Settles::finish(Time at) {
  if (healed_ < 0 || judged_) return;
  judged_ = true;
  check(false, at, [&] { return absl::StrCat("nobody said whether the run had settled"); });
}

}  // namespace chasqui::sim
