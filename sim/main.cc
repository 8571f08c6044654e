// chasqui-sim: runs the production core in a simulated world. docs/simulator.md.
//
// Exit codes: 0 every run was ok; 1 one was not; 2 usage; 3 it could not be run.
#include <google/protobuf/stubs/logging.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>

#include "sim/cli/canaries.h"
#include "sim/cli/diverging.h"
#include "sim/cli/histories.h"
#include "sim/cli/marks.h"
#include "sim/cli/options.h"
#include "sim/cli/seeds.h"
#include "sim/cli/shrinking.h"
#include "sim/explain/why.h"
#include "sim/plan/plan_text.h"
#include "sim/report/regression.h"
#include "sim/report/report.h"

namespace chasqui::sim {
namespace {

int run_plan(const Options& options, const Plan& plan, const std::string& replay) {
  WorldOptions world_options = options.world_options();
  if (options.trace) {
    world_options.trace = [](Time at, const std::string& line) {
      std::fprintf(stderr, "%12.6f  %s\n", static_cast<double>(at) / 1e9, line.c_str());
    };
  }
  HistoryFile history;
  if (!options.history.empty() && !history.open(options.history, settle_bound_of(plan), replay)) return 3;
  history.watch(world_options);
  const auto begun = std::chrono::steady_clock::now();
  const Report report = World(plan, world_options).run();
  const auto wall = std::chrono::steady_clock::now() - begun;
  if (!history.close(report)) return 3;
  const auto wall_ns = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count());
  if (options.print_hash) {
    std::printf("%s\n", report.hash.hex().c_str());
  } else {
    const std::string text =
        options.json ? report_json(plan, report, wall_ns, replay) : report_text(plan, report, wall_ns, replay);
    std::fputs(text.c_str(), stdout);
  }
  return report.verdict.outcome == Outcome::Ok ? 0 : 1;
}

// Of the file, or of the seed if there is no file.
std::optional<Plan> plan_of(const Options& options) {
  if (options.file.empty()) return draw_plan(options.first_seed, options.overrides);
  std::ifstream file(options.file);
  std::ostringstream text;
  text << file.rdbuf();
  auto plan = parse_any_plan(text.str());
  if (plan.ok()) return *std::move(plan);
  std::fprintf(stderr, "%s: %s\n", options.file.c_str(), std::string(plan.status().message()).c_str());
  return std::nullopt;
}

int print_hashes(const Options& options) {
  for (const std::uint64_t seed : options.seeds) {
    const Report report = World(draw_plan(seed, options.overrides), options.world_options()).run();
    std::printf("%llu %s\n", static_cast<unsigned long long>(seed), report.hash.hex().c_str());
  }
  return 0;
}

// Replays them all. 0: every one passes and reaches what it must.
int run_regressions(const Options& options) {
  int failed = 0;
  for (const std::string& path : options.files) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    const auto regression = parse_regression(text.str());
    // Said first: a plan that ends the process is known as well.
    std::printf("%s: ", path.c_str());
    std::fflush(stdout);
    const std::string why = regression.ok()
                                ? failing(*regression, World(regression->plan, options.world_options()).run())
                                : std::string(regression.status().message());
    std::printf("%s\n", why.empty() ? "ok" : why.c_str());
    if (why.empty()) continue;
    ++failed;
    if (regression.ok())
      std::printf("  %s\n  replay: chasqui-sim replay %s\n", regression->story.c_str(), path.c_str());
  }
  std::printf("%zu regressions, %d failed\n", options.files.size(), failed);
  return failed == 0 ? 0 : 1;
}

int run(int argc, char** argv) {
  google::protobuf::SetLogHandler(nullptr);  // as in chasquid: what a client sends wrong is answered, not printed
  int exit_code = 0;
  const auto options = parse_options(argc, argv, exit_code);
  if (!options) return exit_code;
  if (options->command == Options::Command::Canaries) return run_canaries(*options);
  if (options->command == Options::Command::Marks) return run_marks(*options);
  if (options->command == Options::Command::Judge) return run_judge(*options);
  if (options->many) return run_seeds(*options);
  if (options->command == Options::Command::Regressions) return run_regressions(*options);
  if (options->command == Options::Command::Hashes) return print_hashes(*options);
  if (options->command == Options::Command::Diverge) return run_diverge(*options);
  const std::optional<Plan> plan = plan_of(*options);
  if (!plan) return 2;
  switch (options->command) {
    case Options::Command::Plan: std::fputs(print_plan(*plan).c_str(), stdout); return 0;
    case Options::Command::Replay:
      return run_plan(*options, *plan, "chasqui-sim replay " + options->file + options->how());
    case Options::Command::Run: return run_plan(*options, *plan, options->replay_command(options->first_seed));
    case Options::Command::Shrink: return run_shrink(*options, *plan);
    case Options::Command::Records: return run_records(*options, *plan);
    case Options::Command::Canaries:
    case Options::Command::Marks:
    case Options::Command::Hashes:
    case Options::Command::Diverge:
    case Options::Command::Judge:
    case Options::Command::Regressions: break;
    case Options::Command::Why: std::fputs(explain(*plan, options->world_options()).c_str(), stdout); return 0;
  }
  return 3;
}

}  // namespace
}  // namespace chasqui::sim

int main(int argc, char** argv) {
  return chasqui::sim::run(argc, argv);
}
