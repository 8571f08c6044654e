// I17. Once all has settled each device counts as unread what the model does: messages and mentions. What was withheld
// from its user is neither, what a stranger asks for is as anything else. On the way a count is never more than what
// there is (a count below 0 would be a very large one), and nothing in a group that the user is merely invited into.
// (After a block one that was withheld may be counted for a moment: until it is heard how many were.)
#pragma once

#include "absl/strings/str_cat.h"
#include "sim/invariants/invariant.h"
#include "sim/model/model.h"

namespace chasqui::sim {

class CountsRight : public Invariant {
 public:
  explicit CountsRight(const Model& model) : Invariant(17, "counts are right"), model_(model) {}
  void see(Time at, const Fact& fact) override {
    const auto* heard = std::get_if<CountsHeard>(&fact);
    if (heard == nullptr) return;
    const auto says = [heard] {
      return absl::StrCat("device ", heard->device, " of user ", heard->user.value(), " counts ", heard->unread,
                          " unread messages and ", heard->mentions, " mentions in ", heard->conversation.hex(), ": ");
    };
    if (!heard->at_end) {
      const bool has_part = model_.has_part(heard->conversation, heard->user);
      const std::uint64_t most = has_part ? model_.head(heard->conversation).value() : 0;
      check(heard->unread <= most && heard->mentions <= most, at,
            [&] { return absl::StrCat(says(), "for them there are ", most, " events at most"); });
      return;
    }
    const Model::Unread right = model_.unread(heard->conversation, heard->user);
    check(right == Model::Unread{heard->unread, heard->mentions}, at,
          [&] { return absl::StrCat(says(), "there are ", right.messages, " and ", right.mentions); });
  }
  [[nodiscard]] bool needed() const override { return false; }  // where everybody has just read when the run ends
  [[nodiscard]] bool tapped() const override { return true; }

 private:
  const Model& model_;
};

}  // namespace chasqui::sim
