// bench_idle: the CPU that servers take while nobody says anything: a cluster's heartbeats for each shard, and sessions
// that only stand. Measured by the processes' own CPU clocks, for each number of shards with servers of its own.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "bench/harness/figures.h"
#include "bench/harness/load_client.h"
#include "bench/harness/servers.h"

namespace chasqui::bench {
namespace {

struct Settings {
  std::uint64_t nodes = 3;
  std::vector<std::uint64_t> shards{64, 1024};
  std::uint64_t sessions = 0;
  std::uint64_t settle_s = 10;
  std::uint64_t seconds = 20;
  std::string folder;
  bool json = false;
};

absl::StatusOr<double> percent_of_a_core(const Settings& settings, std::uint64_t shards) {
  const TemporaryFolder folder(settings.folder);
  Servers servers(folder.path(), {.nodes = settings.nodes, .shards = shards});
  if (absl::Status started = servers.start(); !started.ok()) return started;
  boost::asio::io_context io(1);
  std::vector<std::unique_ptr<LoadClient>> clients;
  std::uint64_t synced = 0;
  if (settings.sessions > 0) {
    const auto users = servers.provision(settings.sessions, "idle");
    if (!users.ok()) return users.status();
    for (std::size_t i = 0; i < users->size(); ++i) {
      clients.push_back(std::make_unique<LoadClient>(io, servers.list(i), (*users)[i],
                                                     [&](LoadClient&, const client::Happening& happening) {
                                                       if (std::holds_alternative<client::Synced>(happening)) ++synced;
                                                     }));
      clients.back()->start();
    }
  }
  const auto run_for = [&](std::uint64_t seconds) {
    const auto guard = boost::asio::make_work_guard(io);
    io.restart();
    io.run_for(std::chrono::seconds(seconds));
  };
  run_for(settings.settle_s);
  if (synced < settings.sessions) {
    return absl::DeadlineExceededError(absl::StrCat(synced, " of ", settings.sessions, " devices came online"));
  }
  const std::uint64_t before = servers.cpu_us();
  const auto since = std::chrono::steady_clock::now();
  run_for(settings.seconds);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
  return static_cast<double>(servers.cpu_us() - before) / 1e4 / seconds;
}

absl::Status run(const Settings& settings) {
  boost::json::array rows;
  if (!settings.json) {
    std::printf("machine                    %s, load average %s\n", machine().c_str(), load_average().c_str());
    std::printf("load                       none; %llu nodes, %llu sessions that only stand, %llu s\n",
                static_cast<unsigned long long>(settings.nodes), static_cast<unsigned long long>(settings.sessions),
                static_cast<unsigned long long>(settings.seconds));
  }
  for (const std::uint64_t shards : settings.shards) {
    const auto percent = percent_of_a_core(settings, shards);
    if (!percent.ok()) return percent.status();
    rows.push_back({{"shards", shards}, {"percent_of_a_core", *percent}});
    if (!settings.json) {
      std::printf("%6llu shards              %.2f %% of a core, all servers together\n",
                  static_cast<unsigned long long>(shards), *percent);
      std::fflush(stdout);
    }
  }
  if (settings.json) {
    const boost::json::object object{{"bench", "idle"},
                                     {"machine", machine()},
                                     {"load_average", load_average()},
                                     {"limits", "bench"},
                                     {"nodes", settings.nodes},
                                     {"sessions", settings.sessions},
                                     {"seconds", settings.seconds},
                                     {"idle", rows}};
    std::printf("%s\n", boost::json::serialize(object).c_str());
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace chasqui::bench

int main(int argc, char** argv) {
  chasqui::bench::Settings settings;
  CLI::App app("CPU of servers while nobody says anything");
  app.add_option("--nodes", settings.nodes, "1, or a cluster of 3 to 9 processes (3)");
  app.add_option("--shards", settings.shards, "one run for each number (64 1024)");
  app.add_option("--sessions", settings.sessions, "logged in, and silent (0)");
  app.add_option("--settle", settings.settle_s, "seconds before it is measured (10)");
  app.add_option("--seconds", settings.seconds, "measured (20)");
  app.add_option("--folder", settings.folder, "where the servers' data are put, for the disk that it is on");
  app.add_flag("--json", settings.json, "one JSON object");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = chasqui::bench::run(settings);
  if (!status.ok()) std::fprintf(stderr, "bench_idle: %s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
