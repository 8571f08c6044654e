#include "sim/cli/shrinking.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "sim/cli/children.h"
#include "sim/plan/plan_text.h"

namespace chasqui::sim {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t runs_max = 2'000;
constexpr unsigned run_wall_seconds_max = 120;  // of the first one; others get what is left

// Up to `jobs` candidates at once; the lowest that fails as wanted wins, so the result does not depend on `jobs`.
class ForkedTrials : public Trials {
 public:
  ForkedTrials(WorldOptions options, std::uint32_t jobs, std::uint32_t wall_seconds)
      : options_(std::move(options)), jobs_(jobs), begun_(Clock::now()), wall_seconds_(wall_seconds) {}

  std::optional<Found> first(const Failure& wanted, std::size_t from, std::size_t count, const Make& make) override {
    if (used_up()) return std::nullopt;
    Children children(options_, wall_seconds_ + 1);
    std::map<std::size_t, Plan> plans;
    std::optional<Found> best;
    std::size_t next = from;
    while (next < count || children.running() > 0) {
      if (next < count && children.running() < jobs_ && !best && !used_up()) {
        auto plan = make(next);
        // A step that is no step, or that leads where the plan would not be read again.
        if (plan && parse_plan(print_plan(*plan)).ok()) {
          if (!children.start(next, *plan)) return std::nullopt;
          ++runs_;
          plans.emplace(next, *std::move(plan));
        }
        ++next;
        continue;
      }
      if (children.running() == 0) break;
      const Children::Ran ran = children.wait();
      auto plan = plans.extract(ran.number);
      if (!ran.failure.same_as(wanted)) {
        if (ran.failure.is_failure() && ran.failure.outcome != Outcome::Undecided) keep(ran.failure, plan.mapped());
        continue;
      }
      if (best && best->number < ran.number) continue;
      best = Found{static_cast<std::size_t>(ran.number), std::move(plan.mapped()), ran.failure};
      children.stop_above(ran.number);
    }
    return best;
  }

  bool used_up() const override { return runs_ >= runs_max || seconds() > wall_seconds_; }

  double seconds() const { return std::chrono::duration<double>(Clock::now() - begun_).count(); }
  std::uint64_t runs() const { return runs_; }

  // Other failures met on the way, each with the smallest plan that showed it.
  struct Finding {
    Failure failure;
    Plan plan;
  };
  const std::map<std::string, Finding>& findings() const { return findings_; }

 private:
  void keep(const Failure& failure, const Plan& plan) {
    const auto [it, added] = findings_.try_emplace(failure.text(), Finding{failure, plan});
    if (!added && plan.items.size() < it->second.plan.items.size()) it->second = {failure, plan};
  }

  WorldOptions options_;
  std::uint32_t jobs_;
  Clock::time_point begun_;
  std::uint32_t wall_seconds_;
  std::uint64_t runs_ = 0;
  std::map<std::string, Finding> findings_;
};

std::string with_head(const std::string& head, const Plan& plan) {
  return absl::StrCat("# ", head, "\n", print_plan(plan));
}

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (file.good()) return true;
  std::fprintf(stderr, "%s cannot be written\n", path.c_str());
  return false;
}

}  // namespace

int run_shrink(const Options& options, Plan plan) {
  const WorldOptions world = options.world_options();
  const auto cores = static_cast<std::uint32_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  Children children(world, run_wall_seconds_max);
  if (!children.start(0, plan)) {
    std::perror("fork");
    return 3;
  }
  const Children::Ran original = children.wait();
  const Failure& failure = original.failure;
  if (!failure.is_failure()) {
    std::fprintf(stderr, "the plan does not fail (%s): there is nothing to shrink\n", failure.text().c_str());
    return 1;
  }
  ForkedTrials trials(world, options.jobs > 0 ? options.jobs : cores,
                      options.wall_seconds > 0 ? options.wall_seconds : 60);
  const Plan before = plan;
  const Shrunk shrunk = shrink(std::move(plan), failure, trials);
  std::fprintf(
      stderr,
      "%s: %zu items -> %zu, %zu devices -> %zu, nodes %u -> %u, shards %u -> %u, %u s -> %u s; %llu runs in %.1f s\n"
      "  %s\n",
      failure.text().c_str(), before.items.size(), shrunk.plan.items.size(), before.owners.size(),
      shrunk.plan.owners.size(), before.nodes, shrunk.plan.nodes, before.shards, shrunk.plan.shards, before.seconds,
      shrunk.plan.seconds, static_cast<unsigned long long>(trials.runs()), trials.seconds(),
      shrunk.failure.what.c_str());
  const std::string how = options.how();
  const std::string text = with_head(
      absl::StrCat(shrunk.failure.text(), how.empty() ? "" : " with", how, ": ", shrunk.failure.what), shrunk.plan);
  for (const auto& [name, finding] : trials.findings()) {
    std::string path =
        absl::StrCat(options.out, ".", finding.failure.invariant > 0 ? "I" : word(finding.failure.outcome));
    if (finding.failure.invariant > 0) absl::StrAppend(&path, finding.failure.invariant);
    std::fprintf(stderr, "another failure was met on the way: %s: %s\n", name.c_str(), finding.failure.what.c_str());
    if (options.out.empty()) {
      std::fprintf(stderr, "  with -o FILE its plan is kept\n");
    } else if (write_file(path, with_head(absl::StrCat(name, ": ", finding.failure.what), finding.plan))) {
      std::fprintf(stderr, "  its plan: %s\n", path.c_str());
    }
  }
  if (options.out.empty()) {
    std::fputs(text.c_str(), stdout);
    return 0;
  }
  if (!write_file(options.out, text)) return 3;
  std::fprintf(stderr, "replay: chasqui-sim replay %s%s\n", options.out.c_str(), how.c_str());
  return 0;
}

}  // namespace chasqui::sim
