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
  enum class Command : std::uint8_t {
    Run,
    Plan,
    Replay,
    Canaries,
    Marks,
    Shrink,
    Why,
    Diverge,
    Records,
    Hashes,
    Regressions,
    Judge
  } command = Command::Run;
  std::uint64_t first_seed = 0;
  std::uint64_t last_seed = 0;  // included
  bool many = false;            // --seeds
  PlanOverrides overrides;
  Lie lie = Lie::None;
  std::string canary;              // of run and replay; empty: none
  std::vector<std::string> names;  // of canaries: these; empty: all
  std::uint32_t some = 0;          // of canaries: so many, drawn from `from_text`; 0: all
  std::string from_text;
  std::uint64_t seeds_max = 300;     // of canaries: then it is not found
  std::string file;                  // of replay, and of those that explain a plan; empty: the seed's
  std::string out;                   // of shrink
  std::vector<std::string> files;    // of regressions and judge
  std::string history;               // of run and replay: where the history goes; empty: nowhere
  bool devices_judge = false;        // of run and replay: only by what devices saw, as `judge` will
  std::vector<std::uint64_t> seeds;  // of hashes, in their order
  std::string against;               // of diverge: another chasqui-sim; empty: this one
  std::uint64_t perturb = 0;         // WorldOptions::perturb; of diverge: in the second run only
  std::uint64_t from_record = 0;     // of records: all from here to there; 0: checkpoints only
  std::uint64_t to_record = 0;
  bool json = false;
  bool trace = false;
  bool print_hash = false;
  bool keep_going = false;
  std::uint32_t jobs = 1;          // 0: as many as there are cores
  std::uint32_t wall_seconds = 0;  // with --seeds: no new seed is begun after this; 0: no limit

  // How a world is run, whatever its plan; and the same as options of the command line, each behind a space.
  [[nodiscard]] WorldOptions world_options() const;
  [[nodiscard]] std::string how() const;
  // The options that make one seed run again as here.
  [[nodiscard]] std::string replay_command(std::uint64_t seed) const;
  [[nodiscard]] std::string plan_words(
      std::uint64_t seed) const;  // "--seed 7 --nodes 1": what is drawn, not how it is run
};

// None: it has been answered (help, or an error on stderr), and `exit_code` says how.
[[nodiscard]] std::optional<Options> parse_options(int argc, char** argv, int& exit_code);

}  // namespace chasqui::sim
