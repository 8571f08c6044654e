// Plans run in processes of their own: a crash takes one run only, nothing outlives a run, and cores are used.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>

#include "sim/shrink/shrink.h"

namespace chasqui::sim {

class Children {
 public:
  // One run: what it showed, and what it cost.
  struct Ran {
    std::uint64_t number = 0;
    Failure failure;
    std::uint64_t events = 0;
    std::uint64_t accepted = 0;
  };

  // `wall_seconds_max`: for one run; a longer one is undecided. 0: no limit.
  Children(WorldOptions options, unsigned wall_seconds_max);
  ~Children();
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  // `number` names the run to the caller. False: no process could be made.
  [[nodiscard]] bool start(std::uint64_t number, const Plan& plan);
  [[nodiscard]] std::size_t running() const { return children_.size(); }
  // The next one that ends; running() > 0.
  [[nodiscard]] Ran wait();
  // Those with a higher number: nobody waits for them any more.
  void stop_above(std::uint64_t number);

 private:
  struct Child {
    std::uint64_t number = 0;
    int pipe = -1;
  };
  [[noreturn]] void be_child(const Plan& plan, int pipe) const;

  WorldOptions options_;
  unsigned wall_seconds_max_;
  std::map<pid_t, Child> children_;
};

}  // namespace chasqui::sim
