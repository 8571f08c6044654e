#include "sim/cli/marks.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "sim/plan/marks.h"

namespace chasqui::sim {
namespace {

struct Reached {
  std::uint64_t seeds = 0;
  std::uint64_t times = 0;
  std::uint64_t first = 0;
};

// A child writes one number for each known mark.
[[noreturn]] void be_child(const Options& options, std::uint64_t seed, int pipe) {
  WorldOptions world = options.world_options();
  const Report report = World(draw_plan(seed, options.overrides), world).run();
  std::vector<std::uint64_t> times;
  for (const std::string_view name : known_marks()) {
    const auto it = report.marks.find(std::string(name));
    times.push_back(it == report.marks.end() ? 0 : it->second);
  }
  const std::size_t bytes = times.size() * sizeof(std::uint64_t);
  ::_exit(::write(pipe, times.data(), bytes) == static_cast<ssize_t>(bytes) ? 0 : 3);
}

}  // namespace

int run_marks(const Options& options) {
  const std::size_t count = known_marks().size();
  std::vector<Reached> reached(count);
  std::deque<std::pair<std::uint64_t, int>> running;
  std::uint64_t crashed = 0;
  const auto reap = [&] {
    const auto [seed, pipe] = running.front();
    running.pop_front();
    std::vector<std::uint64_t> times(count);
    const std::size_t bytes = count * sizeof(std::uint64_t);
    const bool whole = ::read(pipe, times.data(), bytes) == static_cast<ssize_t>(bytes);
    ::close(pipe);
    if (!whole) ++crashed;
    for (std::size_t i = 0; i < count && whole; ++i) {
      if (times[i] == 0) continue;
      if (reached[i].seeds++ == 0) reached[i].first = seed;
      reached[i].times += times[i];
    }
  };
  for (std::uint64_t seed = options.first_seed; seed <= options.last_seed; ++seed) {
    if (running.size() >= options.jobs) reap();
    int pipe[2];
    if (::pipe(pipe) != 0) return 3;
    const pid_t pid = ::fork();
    if (pid < 0) return 3;
    if (pid == 0) be_child(options, seed, pipe[1]);
    ::close(pipe[1]);
    running.emplace_back(seed, pipe[0]);
  }
  while (!running.empty()) reap();
  while (::wait(nullptr) > 0) {
  }
  std::printf("%-22s %8s %10s  %s\n", "mark", "seeds", "times", "first");
  bool all = true;
  for (std::size_t i = 0; i < count; ++i) {
    const Reached& mark = reached[i];
    const std::string why(why_unreached(known_marks()[i]));
    all = all && (mark.seeds > 0 || !why.empty());
    std::printf("%-22s %8llu %10llu  ", std::string(known_marks()[i]).c_str(),
                static_cast<unsigned long long>(mark.seeds), static_cast<unsigned long long>(mark.times));
    if (mark.seeds > 0) std::printf("--seed %llu\n", static_cast<unsigned long long>(mark.first));
    if (mark.seeds == 0) std::printf("never%s%s\n", why.empty() ? "" : ": ", why.c_str());
  }
  if (crashed > 0) std::printf("%llu seeds did not end\n", static_cast<unsigned long long>(crashed));
  return all ? 0 : 1;
}

}  // namespace chasqui::sim
