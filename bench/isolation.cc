// bench_isolation: what one busy conversation does to the others of its shard, through a real chasquid with one shard.
//
// Pairs send one message at a time; beside them one conversation stands still, or takes so many sends a second, in
// turns, several times over: so that what else the machine does falls on both alike. Printed: p50 and p99 of the pairs,
// from send to `accepted`, without it and with it.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
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
  std::uint64_t pairs = 10;
  std::uint64_t hot_per_s = 1000;
  std::uint64_t pause_ms = 20;
  std::uint64_t turns = 5;
  std::uint64_t turn_ms = 2000;
  std::uint64_t text_bytes = 100;
  std::string folder;
  bool json = false;
};

class Run {
 public:
  Run(const Settings& settings, const Servers& servers, const std::vector<client::Credentials>& users)
      : settings_(settings), pacer_(io_), turn_timer_(io_) {
    for (std::size_t i = 0; i < users.size(); ++i) {
      auto& one = devices_.emplace_back(std::make_unique<Device>(io_));
      one->other = ConversationId::direct(users[i].user, users[i ^ 1U].user);
      one->client = std::make_unique<LoadClient>(io_, servers.list(0), users[i],
                                                 [this, i](LoadClient&, const client::Happening& h) { hear(i, h); });
    }
  }

  // False: not all came online, or the hot conversation got nowhere.
  bool measure() {
    for (const auto& device : devices_) device->client->start();
    io_.run_for(std::chrono::milliseconds(2 * settings_.turns * settings_.turn_ms + 30'000));
    return is_done_ && hot_accepted_ > 0;
  }

  std::vector<double> without_us;
  std::vector<double> with_us;
  [[nodiscard]] double hot_per_s() const {
    return 1e3 * static_cast<double>(hot_accepted_) / static_cast<double>(settings_.turns * settings_.turn_ms);
  }

 private:
  struct Device {
    explicit Device(boost::asio::io_context& io) : pause(io) {}
    std::unique_ptr<LoadClient> client;
    ConversationId other;
    Clock::time_point sent;
    boost::asio::steady_timer pause;
  };

  void hear(std::size_t who, const client::Happening& happening) {
    if (std::holds_alternative<client::Synced>(happening)) {
      if (++synced_ == devices_.size()) begin();
    } else if (std::holds_alternative<client::SendAccepted>(happening)) {
      if (who < 2) {
        ++hot_accepted_;
        return;
      }
      Device& device = *devices_[who];
      const double us = std::chrono::duration<double, std::micro>(Clock::now() - device.sent).count();
      if (is_settled()) (is_hot_ ? with_us : without_us).push_back(us);
      device.pause.expires_after(std::chrono::milliseconds(settings_.pause_ms));
      device.pause.async_wait([this, who](boost::system::error_code error) {
        if (!error) send(who);
      });
    }
  }

  // The first tenth of a turn belongs to neither.
  [[nodiscard]] bool is_settled() const {
    return !is_done_ && Clock::now() - turn_began_ > std::chrono::milliseconds(settings_.turn_ms / 10);
  }

  void send(std::size_t who) {
    Device& device = *devices_[who];
    device.sent = Clock::now();
    device.client->send(device.other, std::string(settings_.text_bytes, 'x'));
  }

  void begin() {
    for (std::size_t who = 2; who < devices_.size(); who += 2) send(who);
    turn();
    due_ = Clock::now();
    pace();
  }

  void turn() {
    if (turn_ == 2 * settings_.turns) {
      is_done_ = true;
      return io_.stop();
    }
    is_hot_ = turn_++ % 2 == 1;
    turn_began_ = Clock::now();
    turn_timer_.expires_after(std::chrono::milliseconds(settings_.turn_ms));
    turn_timer_.async_wait([this](boost::system::error_code error) {
      if (!error) turn();
    });
  }

  // Both sides of the hot conversation send in turn. What is late is made up for.
  void pace() {
    pacer_.expires_at(due_);
    pacer_.async_wait([this](boost::system::error_code error) {
      if (error) return;
      if (is_hot_) send(hot_sent_++ % 2);
      due_ += std::chrono::microseconds(1'000'000 / settings_.hot_per_s);
      pace();
    });
  }

  const Settings& settings_;
  boost::asio::io_context io_{1};
  boost::asio::steady_timer pacer_;
  boost::asio::steady_timer turn_timer_;
  std::vector<std::unique_ptr<Device>> devices_;  // the first two are the hot conversation's
  std::size_t synced_ = 0;
  std::uint64_t turn_ = 0;
  Clock::time_point turn_began_;
  bool is_hot_ = false;
  bool is_done_ = false;
  Clock::time_point due_;
  std::uint64_t hot_sent_ = 0;
  std::uint64_t hot_accepted_ = 0;
};

absl::Status run(const Settings& settings) {
  const TemporaryFolder folder(settings.folder);
  Servers servers(folder.path(), {.nodes = 1, .shards = 1});
  if (absl::Status started = servers.start(); !started.ok()) return started;
  const auto users = servers.provision(2 * (settings.pairs + 1), "iso");
  if (!users.ok()) return users.status();
  const DiskFigures disk = fdatasync_figures(folder.path());
  Run measured(settings, servers, *users);
  if (!measured.measure()) return absl::DeadlineExceededError("not all devices came online, or nothing was accepted");

  const double without_p99 = percentile(measured.without_us, 990);
  const double with_p99 = percentile(measured.with_us, 990);
  if (settings.json) {
    const boost::json::object object{{"bench", "isolation"},
                                     {"machine", machine()},
                                     {"limits", "bench"},
                                     {"load_average", load_average()},
                                     {"pairs", settings.pairs},
                                     {"fdatasync_p50_us", whole(disk.in_place_p50_us)},
                                     {"hot_accepted_per_s", whole(measured.hot_per_s())},
                                     {"without_p50_us", whole(percentile(measured.without_us, 500))},
                                     {"without_p99_us", whole(without_p99)},
                                     {"with_p50_us", whole(percentile(measured.with_us, 500))},
                                     {"with_p99_us", whole(with_p99)},
                                     {"p99_ratio", with_p99 / without_p99}};
    std::printf("%s\n", boost::json::serialize(object).c_str());
    return absl::OkStatus();
  }
  std::printf("machine                    %s, load average %s\nlimits profile             bench\n", machine().c_str(),
              load_average().c_str());
  std::printf(
      "load                       %llu pairs of one shard, a message each %llu ms; %llu turns of %llu ms each\n",
      static_cast<unsigned long long>(settings.pairs), static_cast<unsigned long long>(settings.pause_ms),
      static_cast<unsigned long long>(settings.turns), static_cast<unsigned long long>(settings.turn_ms));
  std::printf("fdatasync of this disk     p50 %8.0f us in place, %.0f us growing a file\n", disk.in_place_p50_us,
              disk.growing_p50_us);
  std::printf("without                    p50 %8.0f us   p99 %8.0f us   of %zu messages\n",
              percentile(measured.without_us, 500), without_p99, measured.without_us.size());
  std::printf("beside %5.0f sends/s       p50 %8.0f us   p99 %8.0f us   of %zu messages\n", measured.hot_per_s(),
              percentile(measured.with_us, 500), with_p99, measured.with_us.size());
  std::printf("p99 with to without        %.2f\n", with_p99 / without_p99);
  return absl::OkStatus();
}

}  // namespace
}  // namespace chasqui::bench

int main(int argc, char** argv) {
  chasqui::bench::Settings settings;
  CLI::App app("what a busy conversation does to the others of its shard, through a real chasquid, fsync on");
  app.add_option("--pairs", settings.pairs, "beside the busy one (10)");
  app.add_option("--hot", settings.hot_per_s, "sends a second into the busy conversation (1000)")
      ->check(CLI::Range(1, 100'000));
  app.add_option("--pause", settings.pause_ms, "of a pair between its messages, ms (20)");
  app.add_option("--turns", settings.turns, "without it and with it (5)");
  app.add_option("--turn", settings.turn_ms, "length of a turn, ms (2000)");
  app.add_option("--bytes", settings.text_bytes, "of text (100)");
  app.add_option("--folder", settings.folder, "where the server's data are put, for the disk that it is on");
  app.add_flag("--json", settings.json, "one JSON object");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = chasqui::bench::run(settings);
  if (!status.ok()) std::fprintf(stderr, "bench_isolation: %s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
