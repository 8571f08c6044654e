#include "sim/cli/canaries.h"

#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "absl/strings/str_cat.h"
#include "sim/canaries/canaries.h"
#include "sim/cli/cpu_limit.h"
#include "sim/draw.h"

namespace chasqui::sim {
namespace {

constexpr int determinism = 30;

// What became of a run: the number of the invariant that noticed, or one of these.
constexpr int nobody = 0;
constexpr int by_crash = 100;  // an assertion, a signal; that is I28's
// A child says it by its exit code, above those that a library may choose.
constexpr int told = 128;

PlanOverrides where_it_shows(const Canary& canary, PlanOverrides overrides) {
  if (canary.plans == "cluster" && !overrides.nodes) {
    overrides.nodes = 3;
    overrides.nodes_most = 5;
  }
  return overrides;
}

Report run_with(const Canary& canary, std::uint64_t seed, const PlanOverrides& overrides) {
  WorldOptions options;
  options.canary = canary.name;
  std::copy_if(canary.trips.begin(), canary.trips.end(), std::back_inserter(options.only),
               [](int id) { return id != 0; });
  return World(draw_plan(seed, overrides), options).run();
}

// Memory that nobody has written differs between the two runs.
[[noreturn]] void be_child(const Canary& canary, std::uint64_t seed, const PlanOverrides& overrides) {
  limit_cpu(seed_cpu_seconds_max);
  const bool twice = std::find(canary.trips.begin(), canary.trips.end(), determinism) != canary.trips.end();
  if (twice) ::mallopt(M_PERTURB, 0x55);
  const Report report = run_with(canary, seed, overrides);
  if (twice) {
    ::mallopt(M_PERTURB, 0xAA);
    if (run_with(canary, seed, overrides).hash != report.hash) ::_exit(told + determinism);
  }
  ::_exit(told + (report.verdict.outcome == Outcome::Violated ? report.verdict.violations.front().number : nobody));
}

int run_seed(const Canary& canary, std::uint64_t seed, const PlanOverrides& overrides) {
  std::fflush(stdout);
  const pid_t pid = ::fork();
  if (pid < 0) return -1;
  if (pid == 0) {
    if (std::freopen("/dev/null", "w", stderr) == nullptr)
      ::_exit(by_crash);  // an assertion's words: it is meant to fail
    be_child(canary, seed, overrides);
  }
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid) return -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) >= told) return WEXITSTATUS(status) - told;
  return ended_by_cpu_limit(status) ? nobody : by_crash;
}

// In a process of its own: its children's CPU time is the canary's.
[[noreturn]] void hunt(const Canary& canary, const Options& options) {
  const PlanOverrides overrides = where_it_shows(canary, options.overrides);
  int found = nobody;
  std::uint64_t seed = options.first_seed;
  std::uint64_t runs = 0;
  for (; runs < options.seeds_max; ++seed) {
    ++runs;
    found = run_seed(canary, seed, overrides);
    if (found == by_crash && std::find(canary.trips.begin(), canary.trips.end(), 28) == canary.trips.end()) {
      std::printf("%2d %-22s seed %llu: the run crashed, and that is not what it should trip\n", canary.number,
                  std::string(canary.name).c_str(), static_cast<unsigned long long>(seed));
    } else if (found != nobody) {
      break;
    }
  }
  struct rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  const double cpu = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                     static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  const bool caught = found > nobody && found != by_crash;
  const std::string what = caught              ? absl::StrCat("I", found)
                           : found == by_crash ? std::string("I28")
                                               : std::string("NOT FOUND");
  std::printf("%2d %-22s %-9s %5llu seeds %8.1f s of CPU  chasqui-sim run --seed %llu%s --canary %s\n", canary.number,
              std::string(canary.name).c_str(), what.c_str(), static_cast<unsigned long long>(runs), cpu,
              static_cast<unsigned long long>(found == nobody ? options.first_seed : seed),
              canary.plans == "cluster" ? " --nodes 3..5" : "", std::string(canary.name).c_str());
  std::fflush(stdout);
  ::_exit(found == nobody ? 1 : 0);
}

// `some` of them, drawn from a word: another commit tries others.
std::vector<const Canary*> chosen(const Options& options) {
  std::vector<const Canary*> all;
  for (const Canary& canary : canaries()) {
    const bool named = std::find(options.names.begin(), options.names.end(), canary.name) != options.names.end();
    // A commit's draw has to end in time; nightly runs all.
    const bool wanted = options.names.empty() && !(options.some > 0 && canary.rare);
    if (wanted || named) all.push_back(&canary);
  }
  const std::uint64_t word = points::id_of(options.from_text);
  for (std::size_t i = 0; options.some > 0 && i + 1 < all.size(); ++i) {
    const std::uint64_t bits = draw(word, Concern::Plan, i, all.size());
    std::swap(all[i], all[i + below(bits, all.size() - i)]);
  }
  if (options.some > 0 && all.size() > options.some) all.resize(options.some);
  return all;
}

}  // namespace

int run_canaries(const Options& options) {
  int result = 0;
  std::size_t running = 0;
  const std::vector<const Canary*> all = chosen(options);
  if (all.empty()) {
    std::fprintf(stderr, "chasqui-sim: no canary of that name; `chasqui-sim canaries` without names runs all\n");
    return 2;
  }
  const auto reap = [&] {
    int status = 0;
    if (::wait(&status) < 0) return;
    --running;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) result = 1;
  };
  for (const Canary* canary : all) {
    if (running >= options.jobs) reap();
    std::fflush(stdout);
    const pid_t pid = ::fork();
    if (pid < 0) return 3;
    if (pid == 0) hunt(*canary, options);
    ++running;
  }
  while (running > 0) reap();
  std::printf("%zu canaries: %s\n", all.size(), result == 0 ? "each was found" : "NOT all were found");
  return result;
}

}  // namespace chasqui::sim
