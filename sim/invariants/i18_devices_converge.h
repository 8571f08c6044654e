// I18, as far as it goes: once all has settled, each device of a user hides from its person what that user has hidden,
// on whichever device, and nothing else.
#pragma once

#include "absl/strings/str_cat.h"
#include "core/base/seq_ranges.h"
#include "sim/invariants/invariant.h"
#include "sim/model/model.h"

namespace chasqui::sim {

class DevicesConverge : public Invariant {
 public:
  explicit DevicesConverge(const Model& model) : Invariant(18, "devices converge"), model_(model) {}
  void see(Time at, const Fact& fact) override {
    const auto* listed = std::get_if<HiddenListed>(&fact);
    if (listed == nullptr) return;
    const SeqRanges ranges = SeqRanges::from(listed->ranges).value_or(SeqRanges());
    for (Seq seq(1); seq <= listed->up_to; seq = seq.next()) {
      const bool is_hidden = model_.is_hidden(listed->user, listed->conversation, seq);
      check(ranges.contains(seq) == is_hidden, at, [&] {
        return absl::StrCat("device ", listed->device, " ", is_hidden ? "shows " : "hides ", listed->conversation.hex(),
                            " seq ", seq.value(), ", which its user has", is_hidden ? "" : " not", " hidden");
      });
    }
  }
  [[nodiscard]] bool needed() const override { return false; }  // where nobody hides anything
  [[nodiscard]] bool tapped() const override { return true; }

 private:
  const Model& model_;
};

}  // namespace chasqui::sim
