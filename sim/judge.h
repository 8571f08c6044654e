// All invariants at once, and the verdict.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/bounds.h"
#include "sim/cluster_shape.h"
#include "sim/invariants/i01_kept.h"
#include "sim/invariants/i07_everyone_told.h"
#include "sim/invariants/invariant.h"
#include "sim/model/model.h"

namespace chasqui::sim {

// `vacuous`: under 20 accepted messages, or an invariant that had nothing to compare, so nothing was shown.
// `undecided`: it was stopped. Neither counts as passed. `crashed` is said by whoever ran the seed in a process of its
// own.
enum class Outcome : std::uint8_t { Ok, Violated, Stuck, Vacuous, Undecided, Crashed };
[[nodiscard]] const char* word(Outcome outcome);

// How a run, or the history of one, ended.
enum class Ending : std::uint8_t {
  Over,     // what must hold at the end may be judged
  Stuck,    // something spun
  Stopped,  // before its time, e.g. at a violation; or nobody wrote an end
};
[[nodiscard]] const char* word(Ending ending);

struct Verdict {
  Outcome outcome = Outcome::Ok;
  std::vector<Violation> violations;  // in the order of their time
  std::string why = {};               // it is vacuous
  // "ok", "violated I1", ...
  [[nodiscard]] std::string text() const;
};

// What the facts tell of: nodes too, or devices only, as in a history of real processes.
enum class Sight : std::uint8_t { All, Devices };

class Judge {
 public:
  static constexpr std::uint64_t accepted_least = 20;

  // `settle_bound`: I23's. `only`: numbers of the invariants that judge; empty: all.
  // `limits`, `shards`: those of the nodes. `shape`: of their cluster, if they are one.
  explicit Judge(Time settle_bound, const std::vector<int>& only = {}, Sight sight = Sight::All,
                 const Limits& limits = {}, std::uint32_t shards = 1, const ClusterShape& shape = {});

  void see(Time at, const Fact& fact);
  // What has not arrived yet; empty: nothing.
  [[nodiscard]] std::string missing() const { return kept_->missing(); }
  [[nodiscard]] std::uint64_t most_missing() const { return kept_->most_missing(); }
  // Whether an auditor that was told so much has not heard yet of all that I7 promises it.
  [[nodiscard]] bool audit_lacks(std::uint64_t audit, const std::map<ConversationId, Seq>& known) const {
    return told_->lacks(audit, known);
  }
  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] bool has_violations() const { return violations_ > 0; }
  [[nodiscard]] std::uint64_t accepted() const { return kept_->accepted(); }
  [[nodiscard]] Verdict finish(Time at, Ending ending);
  [[nodiscard]] const std::vector<std::unique_ptr<Invariant>>& invariants() const { return invariants_; }

 private:
  [[nodiscard]] bool judges(const Invariant& invariant) const;

  Model model_;  // fed before they see what it was fed with
  std::vector<std::unique_ptr<Invariant>> invariants_;
  std::vector<int> only_;
  Sight sight_;
  Kept* kept_;
  const EveryoneTold* told_;
  std::uint64_t violations_ = 0;  // of those that judge
};

}  // namespace chasqui::sim
