#include "sim/cli/options.h"

#include <CLI/CLI.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
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

bool parse_nodes(const std::string& range, PlanOverrides& overrides) {
  const std::size_t dots = range.find("..");
  std::uint32_t least = 0, most = 0;
  if (!absl::SimpleAtoi(range.substr(0, dots), &least)) return false;
  if (dots == std::string::npos) most = least;
  if (dots != std::string::npos && !absl::SimpleAtoi(range.substr(dots + 2), &most)) return false;
  overrides.nodes = least;
  if (dots != std::string::npos) overrides.nodes_most = most;
  return least >= 1 && least <= most && most <= 1'000;
}

// Up to a thousand million: nobody wants to type more.
std::uint64_t seed_of(const std::string& text) {
  return xxh3_64(text) % 1'000'000'000;
}

}  // namespace

std::string Options::replay_command(std::uint64_t seed) const {
  return absl::StrCat("chasqui-sim run ", plan_words(seed), how());
}

std::string Options::plan_words(std::uint64_t seed) const {
  std::string line = absl::StrCat("--seed ", seed);
  if (overrides.nodes) absl::StrAppend(&line, " --nodes ", *overrides.nodes);
  if (overrides.nodes_most) absl::StrAppend(&line, "..", *overrides.nodes_most);
  if (overrides.unconnected) absl::StrAppend(&line, " --unconnected");
  if (overrides.devices) absl::StrAppend(&line, " --devices ", *overrides.devices);
  if (overrides.seconds) absl::StrAppend(&line, " --seconds ", *overrides.seconds);
  if (overrides.points_off) absl::StrAppend(&line, " --points-off");
  if (overrides.plan_class) absl::StrAppend(&line, " --class ", word(*overrides.plan_class));
  return line;
}

std::string Options::how() const {
  std::string words;
#define CHASQUI_SIM_LIE(name, lie_word, meaning) \
  if (lie == Lie::name) absl::StrAppend(&words, " --lie ", lie_word);
  CHASQUI_SIM_LIES(CHASQUI_SIM_LIE)
#undef CHASQUI_SIM_LIE
  if (!canary.empty()) absl::StrAppend(&words, " --canary ", canary);
  if (devices_judge) absl::StrAppend(&words, " --devices-judge");
  return words;
}

WorldOptions Options::world_options() const {
  WorldOptions options;
  options.lie = lie;
  options.canary = canary;
  options.devices_judge = devices_judge;
  return options;
}

std::optional<Options> parse_options(int argc, char** argv, int& exit_code) {
  Options options;
  std::string seeds, plan_class, lie, nodes;
  std::uint32_t devices = 0, seconds = 0, count = 300, shrink_jobs = 0;
  CLI::App app("chasqui-sim: the production core in a simulated world. One seed gives one run, byte for byte.");
  app.require_subcommand(1);
  const auto drawn = [&](CLI::App* sub, const char* seed = "--seed") {
    sub->add_option(seed, options.first_seed, "the seed (default 0)");
    sub->add_option("--nodes", nodes, "of one cluster: N, or A..B of which each seed draws; default: drawn");
    sub->add_flag("--unconnected", options.overrides.unconnected, "each node stands alone, a cluster of its own");
    sub->add_option("--devices", devices, "default: drawn, 2 to 100")->check(CLI::Range(2, 100'000));
    sub->add_option("--seconds", seconds, "of workload and faults, before all heals; default: drawn, 60 to 200")
        ->check(CLI::Range(1, 86'400));
    sub->add_flag("--points-off", options.overrides.points_off,
                  "nothing rare is made to happen, no fault is aimed: so that a core without points runs alike");
    sub->add_option("--class", plan_class, "calm, single, swarm, hostile or beyond; default: drawn, and never beyond")
        ->check(CLI::IsMember({"calm", "single", "swarm", "hostile", "beyond"}));
  };
  const auto lying = [&](CLI::App* sub) {
    sub->add_option("--lie", lie, lies_help);
    sub->add_option("--canary", options.canary, "switch a bug of the core on: `chasqui-sim canaries` lists them");
  };
  const auto running = [&](CLI::App* sub) {
    sub->add_flag("--json", options.json, "one JSON object for each seed");
    sub->add_flag("--trace", options.trace, "one line for each step, frame and fault, on stderr");
    sub->add_flag("--print-hash", options.print_hash,
                  "the trace hash and nothing else; with many seeds: SEED HASH of each");
    lying(sub);
  };
  CLI::App* run = app.add_subcommand("run", "draw a plan from a seed and run it");
  drawn(run);
  running(run);
  run->add_option("--seeds", seeds, "A..B, both included: many seeds, each in a process of its own");
  run->add_option("--from-text", options.from_text,
                  "--count seeds from one on that this text gives, e.g. the hash of a commit");
  run->add_option("--count", count, "with --from-text (default 300)")->check(CLI::Range(1, 1'000'000));
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
  // A plan from a file, or a seed's.
  const auto explaining = [&](CLI::App* sub) {
    sub->add_option("file", options.file, "the plan; none: that of --seed")->check(CLI::ExistingFile);
    drawn(sub);
    lying(sub);
  };
  CLI::App* shrink = app.add_subcommand("shrink", "make a failing plan smaller, as long as the same invariant fails");
  explaining(shrink);
  shrink->add_option("-o,--out", options.out, "where the smaller plan goes; none: stdout");
  shrink->add_option("-j,--jobs", shrink_jobs, "processes at a time; default: as many as cores")
      ->check(CLI::Range(1, 1'024));
  shrink->add_option("--wall-seconds", options.wall_seconds, "begin no new run after this (default 60)");
  CLI::App* why = app.add_subcommand("why", "the events that led to a violation, instead of the whole log");
  explaining(why);
  CLI::App* diverge = app.add_subcommand("diverge", "run a seed twice, and find the first event that differs");
  drawn(diverge, "--seed,seed");
  diverge->add_option("--against", options.against, "the second run is another program's")->check(CLI::ExistingFile);
  diverge->add_option("--perturb", options.perturb,
                      "the second run has another byte in record N: a test of diverge itself");
  lying(diverge);
  CLI::App* records = app.add_subcommand("records", "what diverge compares: checkpoints of the trace hash, or records");
  explaining(records);
  records->add_option("--from", options.from_record, "the first record, from 1 on; none: checkpoints");
  records->add_option("--to", options.to_record, "the last one; with its bytes if it is the only one");
  records->add_option("--perturb", options.perturb);
  CLI::App* regressions =
      app.add_subcommand("regressions", "replay plans that must pass, and reach what they are there for");
  regressions->add_option("files", options.files, "tests/regressions/*.txt")->required()->check(CLI::ExistingFile);
  CLI::App* hashes =
      app.add_subcommand("hashes", "run seeds one after the other in this one process: SEED HASH of each");
  hashes->add_option("seeds", options.seeds, "in the order in which they are run")->required();
  hashes->add_option("--seconds", seconds, "as for run")->check(CLI::Range(1, 86'400));
  hashes->add_option("--devices", devices, "as for run")->check(CLI::Range(2, 100'000));
  hashes->add_flag("--points-off", options.overrides.points_off, "as for run");
  lying(hashes);
  CLI::App* judge = app.add_subcommand("judge", "judge histories, of a run or of real processes (docs/history.md)");
  judge->add_option("files", options.files, "one JSON line for each fact")->required()->check(CLI::ExistingFile);
  for (CLI::App* sub : {run, replay}) {
    sub->add_option("--history", options.history, "write what devices did and saw, for `judge` (docs/history.md)");
    sub->add_flag("--devices-judge", options.devices_judge,
                  "only by what devices saw, as `judge` does: no judge sees into nodes");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  const auto refuse = [&](const std::string& reason) {
    exit_code = app.exit(CLI::ValidationError(reason)) == 0 ? 0 : 2;
    return std::nullopt;
  };
  const std::pair<const CLI::App*, Options::Command> commands[] = {{run, Options::Command::Run},
                                                                   {plan, Options::Command::Plan},
                                                                   {replay, Options::Command::Replay},
                                                                   {hunt, Options::Command::Canaries},
                                                                   {marks, Options::Command::Marks},
                                                                   {shrink, Options::Command::Shrink},
                                                                   {why, Options::Command::Why},
                                                                   {diverge, Options::Command::Diverge},
                                                                   {records, Options::Command::Records},
                                                                   {hashes, Options::Command::Hashes},
                                                                   {regressions, Options::Command::Regressions},
                                                                   {judge, Options::Command::Judge}};
  for (const auto& [sub, command] : commands) {
    if (*sub) options.command = command;
  }
  if (*hunt && options.first_seed == 0) options.first_seed = 1;
  if (!options.canary.empty() && canary_named(options.canary) == nullptr) {
    return refuse("--canary: there is no canary '" + options.canary + "'");
  }
  if (!nodes.empty() && !parse_nodes(nodes, options.overrides))
    return refuse("--nodes: N, or A..B with A <= B, from 1 to 1,000");
  if (devices > 0) options.overrides.devices = devices;
  if (seconds > 0) options.overrides.seconds = seconds;
  if (plan_class == "calm") options.overrides.plan_class = PlanClass::Calm;
  if (plan_class == "single") options.overrides.plan_class = PlanClass::Single;
  if (plan_class == "swarm") options.overrides.plan_class = PlanClass::Swarm;
  if (plan_class == "hostile") options.overrides.plan_class = PlanClass::Hostile;
  if (plan_class == "beyond") options.overrides.plan_class = PlanClass::Beyond;
  options.last_seed = options.first_seed;
  if (options.command == Options::Command::Shrink) options.jobs = shrink_jobs;
  options.many = *run && (!seeds.empty() || !options.from_text.empty());
  if (*run && !options.from_text.empty()) {
    options.first_seed = seed_of(options.from_text);
    options.last_seed = options.first_seed + count - 1;
  }
  if (!seeds.empty() && !parse_seeds(seeds, options))
    return refuse("--seeds: A..B with A <= B, both included, e.g. 1..100");
  if (options.many && !options.history.empty()) return refuse("--history: of one run; with --seed, not --seeds");
  options.lie = lie_named(lie);
  if (!lie.empty() && options.lie == Lie::None) return refuse("--lie: there is no lie '" + lie + "'");
  return options;
}

}  // namespace chasqui::sim
