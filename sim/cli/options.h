// What is asked of chasqui-sim on its command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/plan/plan_draw.h"
#include "sim/world.h"

namespace chasqui::sim {

struct Options {
  enum class Command : std::uint8_t { Run, Plan, Replay, Canaries, Marks } command = Command::Run;
  std::uint64_t first_seed = 0;
  std::uint64_t last_seed = 0;  // included
  bool many = false;            // --seeds
  PlanOverrides overrides;
  Lie lie = Lie::None;
  std::string canary;              // of run and replay; empty: none
  std::vector<std::string> names;  // of canaries: these; empty: all
  std::uint32_t some = 0;          // of canaries: so many, drawn from `from_text`; 0: all
  std::string from_text;
  std::uint64_t seeds_max = 300;  // of canaries: then it is not found
  std::string file;               // of replay
  bool json = false;
  bool trace = false;
  bool print_hash = false;
  bool keep_going = false;
  std::uint32_t jobs = 1;
  std::uint32_t wall_seconds = 0;  // with --seeds: no new seed is begun after this; 0: no limit

  // The options that make one seed run again as here.
  [[nodiscard]] std::string replay_command(std::uint64_t seed) const;
  [[nodiscard]] WorldOptions world_options() const;
};

// None: it has been answered (help, or an error on stderr), and `exit_code` says how.
[[nodiscard]] std::optional<Options> parse_options(int argc, char** argv, int& exit_code);

}  // namespace chasqui::sim
