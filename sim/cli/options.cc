#include "sim/cli/options.h"

#include <CLI/CLI.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "sim/canaries/canaries.h"

namespace chasqui::sim {
namespace {

constexpr const char* lies_help =
#define CHASQUI_SIM_LIE(name, word, meaning) "\n  " word ": " meaning
    "let the world break its own contract, to see that the judges notice:" CHASQUI_SIM_LIES(CHASQUI_SIM_LIE);
#undef CHASQUI_SIM_LIE

bool parse_seeds(const std::string& range, Options& options) {
  const std::size_t dots = range.find("..");
  if (dots == std::string::npos) return false;
  return absl::SimpleAtoi(range.substr(0, dots), &options.first_seed) &&
         absl::SimpleAtoi(range.substr(dots + 2), &options.last_seed) && options.first_seed <= options.last_seed;
}

}  // namespace

std::string Options::replay_command(std::uint64_t seed) const {
  std::string line = absl::StrCat("chasqui-sim run --seed ", seed);
  if (overrides.nodes) absl::StrAppend(&line, " --nodes ", *overrides.nodes);
  if (overrides.devices) absl::StrAppend(&line, " --devices ", *overrides.devices);
  if (overrides.seconds) absl::StrAppend(&line, " --seconds ", *overrides.seconds);
  if (overrides.points_off) absl::StrAppend(&line, " --points-off");
  if (overrides.plan_class) absl::StrAppend(&line, " --class ", word(*overrides.plan_class));
#define CHASQUI_SIM_LIE(name, lie_word, meaning) \
  if (lie == Lie::name) absl::StrAppend(&line, " --lie ", lie_word);
  CHASQUI_SIM_LIES(CHASQUI_SIM_LIE)
#undef CHASQUI_SIM_LIE
  if (!canary.empty()) absl::StrAppend(&line, " --canary ", canary);
  return line;
}

WorldOptions Options::world_options() const {
  WorldOptions options;
  options.lie = lie;
  options.canary = canary;
  return options;
}

std::optional<Options> parse_options(int argc, char** argv, int& exit_code) {
  Options options;
  std::string seeds, plan_class, lie;
  std::uint32_t nodes = 0, devices = 0, seconds = 0;
  CLI::App app("chasqui-sim: the production core in a simulated world. One seed gives one run, byte for byte.");
  app.require_subcommand(1);
  const auto drawn = [&](CLI::App* sub) {
    sub->add_option("--seed", options.first_seed, "the seed (default 0)");
    sub->add_option("--nodes", nodes, "unconnected nodes; default: drawn")->check(CLI::Range(1, 1'000));
    sub->add_option("--devices", devices, "default: drawn, 2 to 100")->check(CLI::Range(2, 100'000));
    sub->add_option("--seconds", seconds, "of workload and faults, before all heals; default: drawn, 60 to 200")
        ->check(CLI::Range(1, 86'400));
    sub->add_flag("--points-off", options.overrides.points_off,
                  "nothing rare is made to happen, no fault is aimed: so that a core without points runs alike");
    sub->add_option("--class", plan_class, "calm, single or swarm; default: drawn")
        ->check(CLI::IsMember({"calm", "single", "swarm"}));
  };
  const auto running = [&](CLI::App* sub) {
    sub->add_flag("--json", options.json, "one JSON object for each seed");
    sub->add_flag("--trace", options.trace, "one line for each step, frame and fault, on stderr");
    sub->add_flag("--print-hash", options.print_hash, "the trace hash and nothing else");
    sub->add_option("--lie", lie, lies_help);
    sub->add_option("--canary", options.canary, "switch a bug of the core on: `chasqui-sim canaries` lists them");
  };
  CLI::App* run = app.add_subcommand("run", "draw a plan from a seed and run it");
  drawn(run);
  running(run);
  run->add_option("--seeds", seeds, "A..B, both included: many seeds, each in a process of its own");
  run->add_flag("--keep-going", options.keep_going, "with --seeds: do not stop at the first that fails");
  run->add_option("-j,--jobs", options.jobs, "with --seeds: processes at a time")->check(CLI::Range(1, 1'024));
  run->add_option("--wall-seconds", options.wall_seconds, "with --seeds: begin no new seed after this");
  CLI::App* plan = app.add_subcommand("plan", "print the plan of a seed as text");
  drawn(plan);
  CLI::App* replay = app.add_subcommand("replay", "run a plan from a file, as `plan` prints it");
  replay->add_option("file", options.file, "the plan")->required()->check(CLI::ExistingFile);
  running(replay);
  CLI::App* hunt = app.add_subcommand("canaries", "switch bugs on, one by one, until their invariant notices");
  hunt->add_option("names", options.names, "these; default: all");
  hunt->add_option("--seed", options.first_seed, "the first seed (default 1)");
  hunt->add_option("--seeds-max", options.seeds_max, "of each; then it is not found (default 300)");
  hunt->add_option("--some", options.some, "so many, drawn from --from-text");
  hunt->add_option("--from-text", options.from_text, "e.g. a commit's hash");
  hunt->add_option("-j,--jobs", options.jobs, "processes at a time")->check(CLI::Range(1, 1'024));
  CLI::App* marks = app.add_subcommand("marks", "which rare branches of the core which seeds have reached");
  drawn(marks);
  marks->add_option("--seeds", seeds, "A..B, both included");
  marks->add_option("-j,--jobs", options.jobs, "processes at a time")->check(CLI::Range(1, 1'024));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  const auto refuse = [&](const std::string& why) {
    exit_code = app.exit(CLI::ValidationError(why)) == 0 ? 0 : 2;
    return std::nullopt;
  };
  options.command = *run     ? Options::Command::Run
                    : *plan  ? Options::Command::Plan
                    : *hunt  ? Options::Command::Canaries
                    : *marks ? Options::Command::Marks
                             : Options::Command::Replay;
  if (*hunt && options.first_seed == 0) options.first_seed = 1;
  if (!options.canary.empty() && canary_named(options.canary) == nullptr) {
    return refuse("--canary: there is no canary '" + options.canary + "'");
  }
  if (nodes > 0) options.overrides.nodes = nodes;
  if (devices > 0) options.overrides.devices = devices;
  if (seconds > 0) options.overrides.seconds = seconds;
  if (plan_class == "calm") options.overrides.plan_class = PlanClass::Calm;
  if (plan_class == "single") options.overrides.plan_class = PlanClass::Single;
  if (plan_class == "swarm") options.overrides.plan_class = PlanClass::Swarm;
  options.last_seed = options.first_seed;
  options.many = !seeds.empty();
  if (options.many && !parse_seeds(seeds, options))
    return refuse("--seeds: A..B with A <= B, both included, e.g. 1..100");
  options.lie = lie_named(lie);
  if (!lie.empty() && options.lie == Lie::None) return refuse("--lie: there is no lie '" + lie + "'");
  return options;
}

}  // namespace chasqui::sim
