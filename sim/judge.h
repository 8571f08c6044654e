// All invariants at once, and the verdict.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/bounds.h"
#include "sim/invariants/i01_kept.h"
#include "sim/invariants/invariant.h"

namespace chasqui::sim {

// `vacuous`: under 20 accepted messages, so nothing was shown. `undecided`: it was stopped. Neither counts as passed.
// `crashed` is said by whoever ran the seed in a process of its own.
enum class Outcome : std::uint8_t { Ok, Violated, Stuck, Vacuous, Undecided, Crashed };
[[nodiscard]] const char* word(Outcome outcome);

struct Verdict {
  Outcome outcome = Outcome::Ok;
  std::vector<Violation> violations;  // in the order of their time
  // "ok", "violated I1", ...
  [[nodiscard]] std::string text() const;
};

class Judge {
 public:
  static constexpr std::uint64_t accepted_least = 20;

  // `settle_bound`: I23's. `only`: numbers of the invariants that judge; empty: all.
  // `limits`, `shards`: those of the nodes.
  explicit Judge(Time settle_bound, const std::vector<int>& only = {}, const Limits& limits = {},
                 std::uint32_t shards = 1);

  void see(Time at, const Fact& fact);
  // What has not arrived yet; empty: nothing.
  [[nodiscard]] std::string missing() const { return kept_->missing(); }
  [[nodiscard]] std::uint64_t most_missing() const { return kept_->most_missing(); }
  [[nodiscard]] bool has_violations() const;
  [[nodiscard]] std::uint64_t accepted() const { return kept_->accepted(); }
  [[nodiscard]] Verdict finish(Time at, bool stuck);
  [[nodiscard]] const std::vector<std::unique_ptr<Invariant>>& invariants() const { return invariants_; }

 private:
  [[nodiscard]] bool judges(const Invariant& invariant) const;

  std::vector<std::unique_ptr<Invariant>> invariants_;
  std::vector<int> only_;
  Kept* kept_;
};

}  // namespace chasqui::sim
