// bench_storm: all sessions of a cluster are cut at once, and come back as phones do: how long until each is back and
// has what was sent meanwhile. With the limits that a deployed server has: who comes first is let in first, and the
// rest is told when to come again.
//
// All sockets of this process are shut down in one go, as by a switch that dies; or (--kill) the process of the first
// node is killed, at which all sessions are: then they go to the others. Right after, every second person sends a
// message to the next one. "Back" is a Hello answered, "current" that it has its message, or the tick of its own.
#include <sys/resource.h>
#include <sys/socket.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
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
  std::uint64_t nodes = 3;
  std::uint64_t sessions = 5000;
  std::uint64_t seconds_max = 60;
  bool kill = false;
  std::string folder;
  bool json = false;
};

struct Person {
  ConversationId conversation;
  bool sends = false;
  std::unique_ptr<LoadClient> client;
  bool was_cut = false;
  bool is_back = true;
  bool is_current = true;
};

class Storm {
 public:
  Storm(const Settings& settings, Servers& servers, const std::vector<client::Credentials>& users)
      : settings_(settings), servers_(servers), people_(users.size()) {
    // As core/client does by itself.
    const client::Config usual;
    const LoadClient::Retry retry{usual.retry_base, usual.retry_cap};
    for (std::size_t i = 0; i < users.size(); ++i) {
      Person& person = people_[i];
      person.conversation = ConversationId::direct(users[i].user, users[i ^ 1U].user);
      person.sends = i % 2 == 0;
      person.client = std::make_unique<LoadClient>(
          io_, servers.list(settings.kill ? 0 : i), users[i],
          [this, &person](LoadClient&, const client::Happening& happening) { hear(person, happening); }, retry);
    }
  }

  absl::Status run() {
    std::size_t started = 0;
    const auto begin = Clock::now();
    while (synced_ < people_.size()) {
      if (Clock::now() - begin > std::chrono::seconds(120)) {
        return absl::DeadlineExceededError(absl::StrCat(synced_, " of ", people_.size(), " devices came online"));
      }
      for (int i = 0; i < 10 && started < people_.size() && started - synced_ < 200; ++i) {
        people_[started++].client->start();
      }
      io_.run_for(std::chrono::milliseconds(5));
    }
    io_.run_for(std::chrono::seconds(2));
    refused_before_ = servers_.stat("session_refused");
    // Who was not let in at once has gone on to another node: it loses nothing when the first is killed.
    for (Person& person : people_) person.is_current = false;
    std::vector<std::uint64_t> cpu_us;
    for (std::size_t i = 0; i < servers_.size(); ++i) cpu_us.push_back(servers_.at(i).cpu_us());
    const std::uint64_t own_us = own_cpu_us();
    cut_at_ = Clock::now();
    if (settings_.kill) {
      servers_.at(0).kill_9();
    } else {
      cut_all();
    }
    for (Person& person : people_) {
      if (person.sends) person.client->send(person.conversation, "after the storm");
    }
    while ((current_ms_.size() < people_.size() || back_ms.size() < cut) &&
           Clock::now() - cut_at_ < std::chrono::seconds(settings_.seconds_max)) {
      io_.run_for(std::chrono::milliseconds(20));
    }
    for (std::size_t i = settings_.kill ? 1 : 0; i < servers_.size(); ++i) {
      server_cpu_ms += static_cast<double>(servers_.at(i).cpu_us() - cpu_us[i]) / 1e3;
    }
    generator_cpu_ms = static_cast<double>(own_cpu_us() - own_us) / 1e3;
    return absl::OkStatus();
  }

  std::size_t cut = 0;
  std::vector<double> back_ms;
  double server_cpu_ms = 0;  // from the cut until all are current
  double generator_cpu_ms = 0;

  [[nodiscard]] std::vector<double>& current_ms() { return current_ms_; }
  [[nodiscard]] std::int64_t refused() const {
    std::int64_t now = 0;
    for (std::size_t i = settings_.kill ? 1 : 0; i < servers_.size(); ++i) now += refused_at(i);
    return settings_.kill ? now : now - refused_before_;
  }

 private:
  void hear(Person& person, const client::Happening& happening) {
    if (std::holds_alternative<client::Synced>(happening)) {
      if (cut_at_ == Clock::time_point()) {
        ++synced_;
      } else if (!std::exchange(person.is_back, true)) {
        back_ms.push_back(since_cut_ms());
      }
    }
    if (std::holds_alternative<client::Disconnected>(happening) && cut_at_ != Clock::time_point() && !person.was_cut) {
      person.was_cut = true;
      person.is_back = false;
      ++cut;
    }
    const auto* received = std::get_if<client::Received>(&happening);
    const bool has_got_it =
        person.sends ? std::holds_alternative<client::SendAccepted>(happening) : received != nullptr;
    if (cut_at_ != Clock::time_point() && has_got_it && !std::exchange(person.is_current, true)) {
      current_ms_.push_back(since_cut_ms());
    }
  }

  [[nodiscard]] double since_cut_ms() const {
    return std::chrono::duration<double, std::milli>(Clock::now() - cut_at_).count();
  }

  // Every TCP socket of this process: whoever is at its other end hears that it is over, and so do we.
  static void cut_all() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      const int fd = std::atoi(entry.path().filename().c_str());
      int kind = 0;
      socklen_t size = sizeof kind;
      if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &kind, &size) == 0 && kind == AF_INET) ::shutdown(fd, SHUT_RDWR);
    }
  }

  [[nodiscard]] std::int64_t refused_at(std::size_t place) const {
    const std::string stats = servers_.at(place).stats();
    const std::string key = "\"session_refused\":";
    const std::size_t at = stats.find(key);
    return at == std::string::npos ? 0 : std::strtoll(stats.c_str() + at + key.size(), nullptr, 10);
  }

  const Settings& settings_;
  Servers& servers_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::vector<Person> people_;
  std::size_t synced_ = 0;
  std::int64_t refused_before_ = 0;
  Clock::time_point cut_at_;
  std::vector<double> current_ms_;
};

absl::Status run(const Settings& settings) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < settings.sessions + 200) {
    files.rlim_cur = std::min<rlim_t>(files.rlim_max, settings.sessions + 200);
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  const TemporaryFolder folder(settings.folder);
  Servers servers(folder.path(), {.nodes = settings.nodes, .limits = "default"});
  if (absl::Status started = servers.start(); !started.ok()) return started;
  const auto users = servers.provision(settings.sessions / 2 * 2, "storm");
  if (!users.ok()) return users.status();
  Storm storm(settings, servers, *users);
  if (absl::Status status = storm.run(); !status.ok()) return status;
  std::vector<double>& back = storm.back_ms;
  std::vector<double>& current = storm.current_ms();
  const bool all = current.size() == users->size() && back.size() == storm.cut;
  if (settings.json) {
    const boost::json::object object{{"bench", "storm"},
                                     {"machine", machine()},
                                     {"load_average", load_average()},
                                     {"limits", "default"},
                                     {"nodes", settings.nodes},
                                     {"sessions", users->size()},
                                     {"cut", settings.kill ? "kill -9 of their node" : "their sockets"},
                                     {"refused_and_told_when", storm.refused()},
                                     {"servers_cpu_ms", whole(storm.server_cpu_ms)},
                                     {"generator_cpu_ms", whole(storm.generator_cpu_ms)},
                                     {"were_cut", storm.cut},
                                     {"back", back.size()},
                                     {"current", current.size()},
                                     {"back_p50_ms", whole(percentile(back, 500))},
                                     {"back_last_ms", whole(percentile(back, 1000))},
                                     {"current_p50_ms", whole(percentile(current, 500))},
                                     {"current_last_ms", whole(percentile(current, 1000))}};
    std::printf("%s\n", boost::json::serialize(object).c_str());
  } else {
    std::printf("machine                    %s, load average %s\nlimits profile             default\n",
                machine().c_str(), load_average().c_str());
    std::printf("sessions                   %zu at %llu nodes, %zu of them cut at once: %s\n", users->size(),
                static_cast<unsigned long long>(settings.nodes), storm.cut,
                settings.kill ? "kill -9 of their node" : "all their sockets");
    std::printf("admission                  %lld Hellos refused, and told when to come again\n",
                static_cast<long long>(storm.refused()));
    std::printf("CPU until all are current  servers %.0f ms, generator %.0f ms\n", storm.server_cpu_ms,
                storm.generator_cpu_ms);
    std::printf("back                       %zu, p50 %.0f ms, p99 %.0f ms, last %.0f ms\n", back.size(),
                percentile(back, 500), percentile(back, 990), percentile(back, 1000));
    std::printf("current                    %zu, p50 %.0f ms, p99 %.0f ms, last %.0f ms\n", current.size(),
                percentile(current, 500), percentile(current, 990), percentile(current, 1000));
  }
  if (!all) return absl::DeadlineExceededError("not all are back and current");
  return absl::OkStatus();
}

}  // namespace
}  // namespace chasqui::bench

int main(int argc, char** argv) {
  chasqui::bench::Settings settings;
  CLI::App app("all sessions of a cluster are cut at once, and come back");
  app.add_option("--nodes", settings.nodes, "a cluster of 3 to 9 processes (3)");
  app.add_option("--sessions", settings.sessions, "in pairs (5000)");
  app.add_option("--seconds", settings.seconds_max, "that they are waited for (60)");
  app.add_flag("--kill", settings.kill, "kill -9 of the one node where all are, instead of a cut");
  app.add_option("--folder", settings.folder, "where the servers' data are put, for the disk that it is on");
  app.add_flag("--json", settings.json, "one JSON object");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = chasqui::bench::run(settings);
  if (!status.ok()) std::fprintf(stderr, "bench_storm: %s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
