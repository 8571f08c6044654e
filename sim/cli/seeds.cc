#include "sim/cli/seeds.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>

#include "sim/cli/cpu_limit.h"
#include "sim/report/report.h"

namespace chasqui::sim {
namespace {

using Clock = std::chrono::steady_clock;

// What a child tells its parent; plain bytes, one write.
struct Told {
  Outcome outcome = Outcome::Crashed;
  PlanClass plan_class = PlanClass::Calm;
  Time simulated = 0;
  std::uint64_t events = 0;
  std::uint64_t accepted = 0;
  std::uint64_t delivered = 0;
  char hash[33] = "";
  char verdict[32] = "crashed";
  char what[400] = "";
};

struct Child {
  std::uint64_t seed = 0;
  int pipe = -1;
};

[[noreturn]] void be_child(const Options& options, std::uint64_t seed, int pipe) {
  limit_cpu(seed_cpu_seconds_max);
  const auto begun = Clock::now();
  const Plan plan = draw_plan(seed, options.overrides);
  const Report report = World(plan, options.world_options()).run();
  Told told;
  told.outcome = report.verdict.outcome;
  told.plan_class = plan.plan_class;
  told.simulated = report.simulated;
  told.events = report.events;
  told.accepted = report.accepted;
  told.delivered = report.delivered;
  std::snprintf(told.hash, sizeof told.hash, "%s", report.hash.hex().c_str());
  std::snprintf(told.verdict, sizeof told.verdict, "%s", report.verdict.text().c_str());
  const bool violated = !report.verdict.violations.empty();
  std::snprintf(told.what, sizeof told.what, "%s",
                violated ? report.verdict.violations.front().what.c_str() : report.verdict.why.c_str());
  if (options.json) {
    const auto wall = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begun).count();
    const std::string line = report_json(plan, report, static_cast<std::uint64_t>(wall), options.replay_command(seed));
    (void)!::write(STDOUT_FILENO, line.data(), line.size());
  }
  (void)!::write(pipe, &told, sizeof told);
  ::_exit(0);
}

// Waits for one of the children, and reads what it told.
std::pair<std::uint64_t, Told> reap(std::map<pid_t, Child>& children) {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, 0);
    const auto it = children.find(pid);
    if (it == children.end()) continue;
    const Child child = it->second;
    children.erase(it);
    Told told;
    if (::read(child.pipe, &told, sizeof told) != static_cast<ssize_t>(sizeof told)) {
      told = Told();
      if (ended_by_cpu_limit(status)) {
        told.outcome = Outcome::Undecided;
        std::snprintf(told.verdict, sizeof told.verdict, "%s", word(told.outcome));
        std::snprintf(told.what, sizeof told.what, "not over after %u s of CPU", seed_cpu_seconds_max);
        ::close(child.pipe);
        return {child.seed, told};
      }
      std::snprintf(told.what, sizeof told.what, "the process ended with %s %d: its stderr says more",
                    WIFSIGNALED(status) ? "signal" : "status",
                    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    ::close(child.pipe);
    return {child.seed, told};
  }
}

}  // namespace

int run_seeds(const Options& options) {
  const auto begun = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begun).count(); };
  std::map<pid_t, Child> children;
  std::map<std::uint64_t, Told> failed;
  std::map<std::string, std::uint64_t> verdicts;
  std::uint64_t done = 0, events = 0, accepted = 0, delivered = 0;
  double simulated = 0;
  std::uint64_t next = options.first_seed;
  bool more = true;
  const auto out_of_time = [&] { return options.wall_seconds > 0 && elapsed() > options.wall_seconds; };
  while (more || !children.empty()) {
    more = more && next <= options.last_seed && (failed.empty() || options.keep_going) && !out_of_time();
    if (more && children.size() < options.jobs) {
      int pipe[2];
      if (::pipe(pipe) != 0) {
        std::perror("pipe");
        return 3;
      }
      std::fflush(stdout);
      const pid_t pid = ::fork();
      if (pid < 0) {
        std::perror("fork");
        return 3;
      }
      if (pid == 0) {
        ::close(pipe[0]);
        be_child(options, next, pipe[1]);
      }
      ::close(pipe[1]);
      children[pid] = {next, pipe[0]};
      if (next++ == options.last_seed) more = false;
      continue;
    }
    if (children.empty()) break;
    const auto [seed, told] = reap(children);
    ++done;
    ++verdicts[told.verdict];
    simulated += static_cast<double>(told.simulated) / 1e9;
    events += told.events;
    accepted += told.accepted;
    delivered += told.delivered;
    if (options.print_hash) std::printf("%llu %s\n", static_cast<unsigned long long>(seed), told.hash);
    if (told.outcome == Outcome::Ok) continue;
    failed[seed] = told;
    std::fprintf(options.json || options.print_hash ? stderr : stdout, "seed %llu (%s): %s  %s\n  replay: %s\n",
                 static_cast<unsigned long long>(seed), word(told.plan_class), told.verdict, told.what,
                 options.replay_command(seed).c_str());
  }
  FILE* out = options.json || options.print_hash ? stderr : stdout;
  std::fprintf(out, "%llu of %llu seeds run:", static_cast<unsigned long long>(done),
               static_cast<unsigned long long>(options.last_seed - options.first_seed + 1));
  for (const auto& [verdict, count] : verdicts) {
    std::fprintf(out, " %llu %s", static_cast<unsigned long long>(count), verdict.c_str());
  }
  std::fprintf(out,
               "\n%.0f s simulated in %.1f s of wall time: %.0f times; %llu events, %llu accepted, %llu delivered\n",
               simulated, elapsed(), simulated / std::max(1e-6, elapsed()), static_cast<unsigned long long>(events),
               static_cast<unsigned long long>(accepted), static_cast<unsigned long long>(delivered));
  if (failed.empty()) return done > 0 ? 0 : 3;
  std::fprintf(out, "first failing seed: %llu (%s)\nreplay: %s\n",
               static_cast<unsigned long long>(failed.begin()->first), failed.begin()->second.verdict,
               options.replay_command(failed.begin()->first).c_str());
  return 1;
}

}  // namespace chasqui::sim
