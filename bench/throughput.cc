// bench_throughput: accepted 1:1 messages per second of a real chasquid, or of a cluster of them on this one machine
// (--nodes 3), and what each costs in CPU, summed over all servers.
//
// Pairs of devices send to each other, each with a window of unanswered messages; every message is also delivered to
// and acked by its recipient. Measured over a window after a warm-up, by the processes' own CPU clocks; the median
// of three runs by messages per second, each with servers of its own. Generator and server share the machine: the
// generator's CPU is printed, too.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <boost/asio/steady_timer.hpp>
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
  std::uint64_t nodes = 1;
  std::uint64_t pairs = 50;
  std::uint64_t window = 16;
  std::uint64_t text_bytes = 100;
  std::uint64_t warm_up_s = 2;
  std::uint64_t seconds = 5;
  std::uint64_t runs = 3;
  std::string folder;
  bool json = false;
};

struct Result {
  double accepted_per_s = 0;
  double received_per_s = 0;
  double server_cpu_us = 0;     // per accepted message
  double generator_cpu_us = 0;  // likewise
  double server_cores = 0;
};

class Run {
 public:
  Run(const Settings& settings, const Servers& servers, const std::vector<client::Credentials>& users)
      : settings_(settings), servers_(servers), timer_(io_) {
    for (std::size_t i = 0; i < users.size(); ++i) {
      const client::Credentials& other = users[i ^ 1U];
      const ConversationId conversation = ConversationId::direct(users[i].user, other.user);
      clients_.push_back(std::make_unique<LoadClient>(
          io_, servers.list(i), users[i],
          [this, conversation](LoadClient& me, const client::Happening& h) { hear(me, conversation, h); }));
    }
  }

  absl::StatusOr<Result> measure() {
    for (const auto& client : clients_) client->start();
    io_.run_for(std::chrono::seconds(30 + settings_.warm_up_s + settings_.seconds));
    if (result_.accepted_per_s == 0) {
      return absl::DeadlineExceededError(absl::StrCat(synced_, " of ", clients_.size(), " devices came online"));
    }
    return result_;
  }

 private:
  void hear(LoadClient& me, const ConversationId& conversation, const client::Happening& happening) {
    if (std::holds_alternative<client::SendAccepted>(happening)) {
      ++accepted_;
      send(me, conversation);
    } else if (const auto* received = std::get_if<client::Received>(&happening)) {
      if (UserId(received->event.sender()) != me.me().user) ++received_;
    } else if (std::holds_alternative<client::Synced>(happening)) {
      for (std::uint64_t i = 0; i < settings_.window; ++i) send(me, conversation);
      if (++synced_ == clients_.size()) warm_up();
    }
  }

  void send(LoadClient& me, const ConversationId& conversation) {
    me.send(conversation, std::string(settings_.text_bytes, 'x'));
  }

  void warm_up() {
    timer_.expires_after(std::chrono::seconds(settings_.warm_up_s));
    timer_.async_wait([this](boost::system::error_code) { begin(); });
  }

  void begin() {
    const std::uint64_t accepted = accepted_;
    const std::uint64_t received = received_;
    const std::uint64_t server_us = servers_.cpu_us();
    const std::uint64_t own_us = own_cpu_us();
    const auto since = std::chrono::steady_clock::now();
    timer_.expires_after(std::chrono::seconds(settings_.seconds));
    timer_.async_wait([=, this](boost::system::error_code) {
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
      const auto messages = static_cast<double>(accepted_ - accepted);
      const auto server_spent = static_cast<double>(servers_.cpu_us() - server_us);
      result_ = {messages / seconds, static_cast<double>(received_ - received) / seconds, server_spent / messages,
                 static_cast<double>(own_cpu_us() - own_us) / messages, server_spent / 1e6 / seconds};
      io_.stop();
    });
  }

  const Settings& settings_;
  const Servers& servers_;
  boost::asio::io_context io_{1};
  boost::asio::steady_timer timer_;
  std::vector<std::unique_ptr<LoadClient>> clients_;
  std::size_t synced_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t received_ = 0;
  Result result_;
};

absl::StatusOr<Result> one_run(const Settings& settings, DiskFigures& disk) {
  const TemporaryFolder folder(settings.folder);
  Servers servers(folder.path(), {.nodes = settings.nodes});
  if (absl::Status started = servers.start(); !started.ok()) return started;
  const auto users = servers.provision(2 * settings.pairs, "thr");
  if (!users.ok()) return users.status();
  disk = fdatasync_figures(folder.path());
  return Run(settings, servers, *users).measure();
}

absl::Status run(const Settings& settings) {
  DiskFigures disk;
  std::vector<Result> results;
  for (std::uint64_t i = 0; i < settings.runs; ++i) {
    auto result = one_run(settings, disk);
    if (!result.ok()) return result.status();
    results.push_back(*result);
  }
  std::sort(results.begin(), results.end(),
            [](const Result& a, const Result& b) { return a.accepted_per_s < b.accepted_per_s; });
  const Result& median = results[results.size() / 2];
  if (settings.json) {
    const boost::json::object object{{"bench", "throughput"},
                                     {"machine", machine()},
                                     {"limits", "bench"},
                                     {"nodes", settings.nodes},
                                     {"load_average", load_average()},
                                     {"devices", 2 * settings.pairs},
                                     {"window", settings.window},
                                     {"text_bytes", settings.text_bytes},
                                     {"runs", settings.runs},
                                     {"fdatasync_p50_us", whole(disk.in_place_p50_us)},
                                     {"fdatasync_growing_p50_us", whole(disk.growing_p50_us)},
                                     {"tcp_ping_pong_p50_us", whole(tcp_ping_pong_p50_us())},
                                     {"accepted_per_s", whole(median.accepted_per_s)},
                                     {"received_per_s", whole(median.received_per_s)},
                                     {"server_cpu_us_per_message", whole(median.server_cpu_us)},
                                     {"server_cpu_percent_of_a_core", whole(100 * median.server_cores)},
                                     {"generator_cpu_us_per_message", whole(median.generator_cpu_us)}};
    std::printf("%s\n", boost::json::serialize(object).c_str());
    return absl::OkStatus();
  }
  std::printf("machine                    %s, load average %s\nlimits profile             bench\n", machine().c_str(),
              load_average().c_str());
  std::printf("nodes                      %llu\n", static_cast<unsigned long long>(settings.nodes));
  std::printf("load                       %llu devices in pairs, %llu unanswered messages of %llu bytes each\n",
              static_cast<unsigned long long>(2 * settings.pairs), static_cast<unsigned long long>(settings.window),
              static_cast<unsigned long long>(settings.text_bytes));
  std::printf(
      "fdatasync of this disk     p50 %8.0f us in place, %.0f us growing a file\nbare TCP ping-pong         p50 %8.0f "
      "us\n",
      disk.in_place_p50_us, disk.growing_p50_us, tcp_ping_pong_p50_us());
  for (const Result& result : results) {
    std::printf(
        "%s accepted %8.0f /s   delivered %8.0f /s   servers %6.1f us CPU a message (%.2f cores)   generator %6.1f "
        "us\n",
        &result == &median ? "median of the runs      " : "                        ", result.accepted_per_s,
        result.received_per_s, result.server_cpu_us, result.server_cores, result.generator_cpu_us);
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace chasqui::bench

int main(int argc, char** argv) {
  chasqui::bench::Settings settings;
  CLI::App app("accepted 1:1 messages per second of a real chasquid, and their CPU");
  app.add_option("--nodes", settings.nodes, "1, or a cluster of 3 to 9 processes (1)");
  app.add_option("--pairs", settings.pairs, "of devices (50)");
  app.add_option("--window", settings.window, "unanswered messages of each device (16)");
  app.add_option("--bytes", settings.text_bytes, "of text (100)");
  app.add_option("--seconds", settings.seconds, "measured (5)");
  app.add_option("--runs", settings.runs, "of which the median is printed (3)");
  app.add_option("--folder", settings.folder, "where the server's data are put, for the disk that it is on");
  app.add_flag("--json", settings.json, "one JSON object");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = chasqui::bench::run(settings);
  if (!status.ok()) std::fprintf(stderr, "bench_throughput: %s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
