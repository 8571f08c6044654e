// Makes a failing plan smaller, as long as the same invariant fails (SIMULATION.md section 5).
//
// Cut after the violation; whole kinds of items, whole devices, then ddmin over the items (Zeller and Hildebrandt,
// "Simplifying and Isolating Failure-Inducing Input", 2002); fewer nodes, shards, devices and seconds; usual limits and
// quiet knobs; round numbers; again until nothing helps. Noise is drawn by (seed, concern, entity, n), so an item less
// leaves all other draws as they were.
//
// What is tried is decided here, how it is run by whoever calls: in processes of their own (cli/), or at once (tests).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "sim/plan/plan.h"
#include "sim/world.h"

namespace chasqui::sim {

// How a run ended, as far as shrinking has to know.
struct Failure {
  Outcome outcome = Outcome::Ok;
  int invariant = 0;  // of the first violation; 0: none
  Time at = 0;        // of the first violation; 0: none, it may have been at any time
  std::string what;

  [[nodiscard]] bool same_as(const Failure& other) const {
    return outcome == other.outcome && invariant == other.invariant;
  }
  [[nodiscard]] bool is_failure() const { return outcome != Outcome::Ok && outcome != Outcome::Vacuous; }
  [[nodiscard]] std::string text() const;  // "violated I1"
};
[[nodiscard]] Failure failure_of(const Report& report);

// Where candidates are run. Counts its runs, and finds none any more once they, or the time for them, are used up.
class Trials {
 public:
  using Make = std::function<std::optional<Plan>(std::size_t)>;  // none: there is nothing to try at this number
  struct Found {
    std::size_t number = 0;
    Plan plan;
    Failure failure;
  };
  Trials() = default;
  Trials(const Trials&) = delete;
  Trials& operator=(const Trials&) = delete;
  virtual ~Trials() = default;

  // The lowest of the candidates from..count-1 that fails like `wanted`, whatever order they are run in.
  [[nodiscard]] virtual std::optional<Found> first(const Failure& wanted, std::size_t from, std::size_t count,
                                                   const Make& make) = 0;
  [[nodiscard]] virtual bool used_up() const = 0;
};

struct Shrunk {
  Plan plan;
  Failure failure;
};

// `failure`: how `plan` is known to fail.
[[nodiscard]] Shrunk shrink(Plan plan, Failure failure, Trials& trials);

}  // namespace chasqui::sim
