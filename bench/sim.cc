// How fast the simulator is: 1 node, 16 shards, 100 devices, swarm faults; hash and judges on.
//
// The figure that counts is events per second and core; how many times faster than life follows from it and from how
// much happens in a simulated second, so both are printed (SIMULATION.md section 7). Each run is the same plan.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "sim/plan/plan_draw.h"
#include "sim/world.h"

namespace {

using chasqui::sim::Outcome;
using chasqui::sim::Plan;
using chasqui::sim::Report;

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Measured {
  Report report;
  double wall = 0, cpu = 0;  // seconds, medians
};

Measured measure(const Plan& plan, std::uint32_t runs) {
  Measured measured;
  std::vector<double> walls, cpus;
  for (std::uint32_t run = 0; run < runs; ++run) {
    const double cpu = cpu_seconds();
    const auto begun = std::chrono::steady_clock::now();
    measured.report = chasqui::sim::World(plan, {}).run();
    walls.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
    cpus.push_back(cpu_seconds() - cpu);
  }
  measured.wall = median(walls);
  measured.cpu = median(cpus);
  return measured;
}

void print(const Plan& plan, const Measured& measured, std::uint32_t runs) {
  const Report& report = measured.report;
  const double simulated = static_cast<double>(report.simulated) / 1e9;
  const auto events = static_cast<double>(report.events);
  std::printf("plan       seed %llu, 1 node, %u shards, %zu devices, swarm: %zu items, %llu crashes, %llu breaks\n",
              static_cast<unsigned long long>(plan.seed), plan.shards, plan.owners.size(), plan.items.size(),
              static_cast<unsigned long long>(report.crashes), static_cast<unsigned long long>(report.breaks));
  std::printf("verdict    %s, %llu accepted, %llu delivered\n", report.verdict.text().c_str(),
              static_cast<unsigned long long>(report.accepted), static_cast<unsigned long long>(report.delivered));
  std::printf("density    %.0f events per simulated second (%.0f steps of the node)\n", events / simulated,
              static_cast<double>(report.steps) / simulated);
  std::printf("speed      %.0f times life: %.0f s in %.2f s of wall time, %.2f s of CPU (median of %u runs)\n",
              simulated / measured.wall, simulated, measured.wall, measured.cpu, runs);
  std::printf("event      %.0f ns of CPU, %.0f events a second\n\n", measured.cpu * 1e9 / events,
              events / measured.wall);
}

// Who writes less: of every `each` messages one is written.
Plan thinned(Plan plan, std::uint32_t each) {
  std::uint64_t sends = 0;
  std::erase_if(plan.items, [&](const chasqui::sim::Item& item) {
    return item.kind == chasqui::sim::ItemKind::Send && sends++ % each != 0;
  });
  return plan;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 7;
  std::uint32_t seconds = 600, devices = 100, shards = 16, runs = 5, each = 3;
  CLI::App app("How fast the simulator is: 1 node, swarm faults, hash and judges on.");
  app.add_option("--seed", seed, "of the plan");
  app.add_option("--seconds", seconds, "simulated, before all heals")->check(CLI::Range(1, 86'400));
  app.add_option("--devices", devices)->check(CLI::Range(2, 100'000));
  app.add_option("--shards", shards)->check(CLI::Range(1, 4'096));
  app.add_option("--runs", runs, "the median counts")->check(CLI::Range(1, 1'000));
  app.add_option("--each", each, "the second plan keeps one of so many messages: about 400 events a simulated second")
      ->check(CLI::Range(1, 1'000));
  CLI11_PARSE(app, argc, argv);

  Plan plan = chasqui::sim::draw_plan(
      seed, {.nodes = 1, .devices = devices, .seconds = seconds, .plan_class = chasqui::sim::PlanClass::Swarm});
  plan.shards = shards;
  const Plan quiet = thinned(plan, each);
  const Measured busy_run = measure(plan, runs);
  print(plan, busy_run, runs);
  const Measured quiet_run = measure(quiet, runs);
  print(quiet, quiet_run, runs);
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  std::printf("memory     %.0f MB at most\n", static_cast<double>(used.ru_maxrss) / 1024);
  std::printf("compiler   %s, %s\n", CHASQUI_COMPILER, CHASQUI_FLAGS);
  const bool ok = busy_run.report.verdict.outcome == Outcome::Ok && quiet_run.report.verdict.outcome == Outcome::Ok;
  return ok ? 0 : 1;
}
