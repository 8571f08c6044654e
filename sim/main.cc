// chasqui-sim: runs the production core in a simulated world. docs/simulator.md.
//
// Exit codes: 0 every run was ok; 1 one was not; 2 usage; 3 it could not be run.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "sim/cli/canaries.h"
#include "sim/cli/marks.h"
#include "sim/cli/options.h"
#include "sim/cli/seeds.h"
#include "sim/plan/plan_text.h"
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
  const auto begun = std::chrono::steady_clock::now();
  const Report report = World(plan, world_options).run();
  const auto wall = std::chrono::steady_clock::now() - begun;
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

int replay_file(const Options& options) {
  std::ifstream file(options.file);
  std::ostringstream text;
  text << file.rdbuf();
  const auto plan = parse_plan(text.str());
  if (!plan.ok()) {
    std::fprintf(stderr, "%s: %s\n", options.file.c_str(), std::string(plan.status().message()).c_str());
    return 2;
  }
  return run_plan(options, *plan, "chasqui-sim replay " + options.file);
}

int run(int argc, char** argv) {
  int exit_code = 0;
  const auto options = parse_options(argc, argv, exit_code);
  if (!options) return exit_code;
  switch (options->command) {
    case Options::Command::Plan:
      std::fputs(print_plan(draw_plan(options->first_seed, options->overrides)).c_str(), stdout);
      return 0;
    case Options::Command::Replay: return replay_file(*options);
    case Options::Command::Canaries: return run_canaries(*options);
    case Options::Command::Marks: return run_marks(*options);
    case Options::Command::Run: break;
  }
  if (options->many) return run_seeds(*options);
  return run_plan(*options, draw_plan(options->first_seed, options->overrides),
                  options->replay_command(options->first_seed));
}

}  // namespace
}  // namespace chasqui::sim

int main(int argc, char** argv) {
  return chasqui::sim::run(argc, argv);
}
