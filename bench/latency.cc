// bench_latency: how long a 1:1 message takes, with fsync on: from send to `accepted`, and to the other device.
//
// A real chasquid, or a cluster of them (--nodes 3, on this one machine), two devices per pair at two nodes, one
// message of a pair under way at a time; one round of pairs after the other, since where a shard is led is a matter of
// chance. Beside the figures stand the disk's own fdatasync and a bare TCP ping-pong, measured in the same run: a
// message costs about one of the first and two of the second at one node, two and four more at three.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/harness/figures.h"
#include "bench/harness/load_client.h"
#include "bench/harness/servers.h"

namespace chasqui::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  std::uint64_t messages = 3000;
  std::uint64_t warm_up = 50;
  std::uint64_t nodes = 1;
  std::uint64_t pairs = 1;
  std::uint64_t rounds = 10;
  std::uint64_t text_bytes = 100;
  std::string folder;
  bool json = false;
};

struct Times {
  std::vector<double> accepted_us;
  std::vector<double> received_us;
};

// One pair, playing on until its messages are done.
class Pair {
 public:
  Pair(boost::asio::io_context& io, const Servers& servers, std::size_t place, const client::Credentials& a,
       const client::Credentials& b, const Settings& settings, Times& times, std::function<void()> done)
      : settings_(settings),
        times_(times),
        done_(std::move(done)),
        conversation_(ConversationId::direct(a.user, b.user)),
        a_(io, servers.list(place), a, [this](LoadClient&, const client::Happening& h) { hear_a(h); }),
        b_(io, servers.list(place + 1), b, [this](LoadClient&, const client::Happening& h) { hear_b(h); }) {
    a_.start();
    b_.start();
  }

 private:
  void send() {
    if (count_ == settings_.messages / settings_.rounds + settings_.warm_up) return done_();
    ++count_;
    waiting_for_ = 2;
    sent_at_ = Clock::now();
    a_.send(conversation_, std::string(settings_.text_bytes, 'x'));
  }

  void note(std::vector<double>& into) {
    if (count_ > settings_.warm_up) {
      into.push_back(std::chrono::duration<double, std::micro>(Clock::now() - sent_at_).count());
    }
    if (--waiting_for_ == 0) send();
  }

  void hear_a(const client::Happening& happening) {
    if (std::holds_alternative<client::Synced>(happening)) return begin();
    if (std::holds_alternative<client::SendAccepted>(happening)) note(times_.accepted_us);
  }

  void hear_b(const client::Happening& happening) {
    if (std::holds_alternative<client::Synced>(happening)) return begin();
    if (std::holds_alternative<client::Received>(happening)) note(times_.received_us);
  }

  void begin() {
    if (++synced_ == 2) send();
  }

  const Settings& settings_;
  Times& times_;
  std::function<void()> done_;
  ConversationId conversation_;
  std::uint64_t count_ = 0;
  int waiting_for_ = 0;
  int synced_ = 0;
  Clock::time_point sent_at_;
  LoadClient a_;
  LoadClient b_;
};

boost::json::object row(std::vector<double>& times) {
  return {{"p50_us", whole(percentile(times, 500))},
          {"p99_us", whole(percentile(times, 990))},
          {"p999_us", whole(percentile(times, 999))}};
}

void print_row(const char* name, std::vector<double>& times) {
  std::printf("%-26s p50 %8.0f us   p99 %8.0f us   p99.9 %8.0f us\n", name, percentile(times, 500),
              percentile(times, 990), percentile(times, 999));
}

absl::Status run(const Settings& settings) {
  const TemporaryFolder folder(settings.folder);
  Servers servers(folder.path(), {.nodes = settings.nodes});
  if (absl::Status started = servers.start(); !started.ok()) return started;
  const auto users = servers.provision(2 * settings.pairs * settings.rounds, "lat");
  if (!users.ok()) return users.status();

  const DiskFigures disk = fdatasync_figures(folder.path());
  const double ping_us = tcp_ping_pong_p50_us();
  Times times;
  for (std::uint64_t round = 0; round < settings.rounds; ++round) {
    boost::asio::io_context io(1);
    std::uint64_t done = 0;
    std::vector<std::unique_ptr<Pair>> pairs;
    for (std::uint64_t i = 0; i < settings.pairs; ++i) {
      const std::size_t first = 2 * (round * settings.pairs + i);
      pairs.push_back(
          std::make_unique<Pair>(io, servers, round, (*users)[first], (*users)[first + 1], settings, times, [&] {
            if (++done == settings.pairs) io.stop();
          }));
    }
    io.run_for(std::chrono::seconds(120));
    if (done < settings.pairs) return absl::DeadlineExceededError("the messages were not done within 120 s");
  }

  if (settings.json) {
    const boost::json::object object{{"bench", "latency"},
                                     {"machine", machine()},
                                     {"limits", "bench"},
                                     {"nodes", settings.nodes},
                                     {"pairs", settings.pairs},
                                     {"load_average", load_average()},
                                     {"messages", settings.messages},
                                     {"text_bytes", settings.text_bytes},
                                     {"fdatasync_p50_us", whole(disk.in_place_p50_us)},
                                     {"fdatasync_growing_p50_us", whole(disk.growing_p50_us)},
                                     {"tcp_ping_pong_p50_us", whole(ping_us)},
                                     {"accepted", row(times.accepted_us)},
                                     {"received", row(times.received_us)}};
    std::printf("%s\n", boost::json::serialize(object).c_str());
    return absl::OkStatus();
  }
  std::printf("machine                    %s, load average %s\nlimits profile             bench\n", machine().c_str(),
              load_average().c_str());
  std::printf("nodes                      %llu\n", static_cast<unsigned long long>(settings.nodes));
  std::printf(
      "load                       %llu pairs at a time, %llu messages of %llu bytes in all of each, one at a time\n",
      static_cast<unsigned long long>(settings.pairs), static_cast<unsigned long long>(settings.messages),
      static_cast<unsigned long long>(settings.text_bytes));
  std::printf(
      "fdatasync of this disk     p50 %8.0f us in place, %.0f us growing a file\nbare TCP ping-pong         p50 %8.0f "
      "us\n",
      disk.in_place_p50_us, disk.growing_p50_us, ping_us);
  print_row("send -> accepted", times.accepted_us);
  print_row("send -> other device", times.received_us);
  return absl::OkStatus();
}

}  // namespace
}  // namespace chasqui::bench

int main(int argc, char** argv) {
  chasqui::bench::Settings settings;
  CLI::App app("latency of a 1:1 message through a real chasquid, fsync on");
  app.add_option("--nodes", settings.nodes, "1, or a cluster of 3 to 9 processes (1)");
  app.add_option("--messages", settings.messages, "measured, in all rounds (3000)");
  app.add_option("--rounds", settings.rounds, "one after the other, each of other people (10)");
  app.add_option("--pairs", settings.pairs, "at the same time (1)");
  app.add_option("--bytes", settings.text_bytes, "of text (100)");
  app.add_option("--folder", settings.folder, "where the server's data are put, for the disk that it is on");
  app.add_flag("--json", settings.json, "one JSON object");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = chasqui::bench::run(settings);
  if (!status.ok()) std::fprintf(stderr, "bench_latency: %s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
