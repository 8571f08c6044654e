// bench_group: what a message to a group costs, and how long it takes, through a real chasquid or a cluster of them
// (--nodes 3), all members online.
//
// One after the other, with the same servers: the groups are created; each group's first member sends with a window of
// unanswered messages (CPU per delivery, which is the server's own: one Received at one member who is not the sender);
// the same at 30 % of that rate, one message after the other (time from send to the last member's device); pairs of the
// same people talk 1:1 (the cost to compare with, in the same minute); and a member is removed.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <map>
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

using Clock = std::chrono::steady_clock;

struct Settings {
  std::uint64_t nodes = 1;
  std::uint64_t groups = 4;
  std::uint64_t members = 100;
  std::uint64_t window = 8;
  std::uint64_t text_bytes = 100;
  std::uint64_t warm_up_s = 2;
  std::uint64_t seconds = 5;
  std::string folder;
  bool json = false;
};

// From its send to the answer, and to the last of those who hear of it.
struct Step {
  double accepted_ms = 0;
  double told_ms = 0;
};

struct Load {
  double accepted_per_s = 0;
  double delivered_per_s = 0;
  double server_us_per_message = 0;
  double server_us_per_delivery = 0;
  double generator_us_per_delivery = 0;
};

struct Result {
  Step created;  // the slowest group
  Step said;     // the first message to all, of the first group
  Step removed;
  Load full;
  Load calm;  // at 30 % of it
  std::vector<double> last_member_ms;
  Load direct;
  std::int64_t memory_kib = 0;  // RSS of all servers, at the end
};

double ms_since(Clock::time_point then) {
  return std::chrono::duration<double, std::milli>(Clock::now() - then).count();
}

// A message under way to all members of a group.
struct Flight {
  Clock::time_point sent;
  std::uint64_t told = 0;
};

class Run {
 public:
  Run(const Settings& settings, Servers& servers, const std::vector<client::Credentials>& users)
      : settings_(settings), servers_(servers), timer_(io_), groups_(settings.groups) {
    for (std::size_t i = 0; i < users.size(); ++i) {
      clients_.push_back(std::make_unique<LoadClient>(
          io_, servers.list(i), users[i], [this, i](LoadClient&, const client::Happening& h) { hear(i, h); }));
    }
  }

  absl::StatusOr<Result> measure() {
    for (const auto& client : clients_) client->start();
    if (!wait([this] { return synced_ == clients_.size(); }, 60)) return late("all devices are online");
    if (absl::Status status = create(); !status.ok()) return status;
    if (absl::Status status = say_once(); !status.ok()) return status;
    result_.full = load(settings_.window, 0);
    const double rate = 0.3 * result_.full.accepted_per_s;
    is_timed_ = true;
    result_.calm = load(0, rate);
    is_timed_ = false;
    drain();
    result_.direct = direct();
    if (absl::Status status = remove(); !status.ok()) return status;
    result_.memory_kib = servers_.rss_kib();
    return result_;
  }

 private:
  struct Group {
    ConversationId id;
    std::map<std::uint64_t, Flight> flights;            // by seq
    std::map<OutboxSeq, Clock::time_point> unanswered;  // when they were sent
    std::uint64_t expected = 0;                         // how many hear of each event beside its sender
  };

  static absl::Status late(const std::string& what) {
    return absl::DeadlineExceededError(absl::StrCat("it was not so in time: ", what));
  }

  // Runs until that is so; false: it was not within so many seconds.
  template <class Condition>
  bool wait(const Condition& condition, std::int64_t seconds) {
    const auto until = Clock::now() + std::chrono::seconds(seconds);
    while (!condition() && Clock::now() < until) io_.run_for(std::chrono::milliseconds(2));
    return condition();
  }

  LoadClient& sender(std::size_t group) { return *clients_[group * settings_.members]; }

  void hear(std::size_t who, const client::Happening& happening) {
    if (std::holds_alternative<client::Synced>(happening)) {
      ++synced_;
    } else if (const auto* accepted = std::get_if<client::SendAccepted>(&happening)) {
      ++accepted_;
      if (!accepted->conversation.is_group()) {
        if (direct_window_) clients_[who]->send(accepted->conversation, text());
        return;
      }
      const std::size_t at = who / settings_.members;
      Group& group = groups_[at];
      const auto sent = group.unanswered.extract(accepted->outbox_seq);
      if (!sent.empty()) {
        group.flights[accepted->seq.value()].sent = sent.mapped();
        last_accepted_ms_ = ms_since(sent.mapped());
        settle(group, accepted->seq.value());
      }
      if (refills_) say(at);
    } else if (const auto* received = std::get_if<client::Received>(&happening)) {
      if (UserId(received->event.sender()) == clients_[who]->me().user) return;
      ++delivered_;
      if (!received->conversation.is_group()) return;
      Group& group = groups_[who / settings_.members];
      ++group.flights[received->event.seq()].told;
      settle(group, received->event.seq());
    }
  }

  void settle(Group& group, std::uint64_t seq) {
    const auto it = group.flights.find(seq);
    if (it->second.told < group.expected || it->second.sent == Clock::time_point()) return;
    last_told_ms_ = ms_since(it->second.sent);
    if (is_timed_) result_.last_member_ms.push_back(last_told_ms_);
    group.flights.erase(it);
  }

  [[nodiscard]] std::string text() const { return std::string(settings_.text_bytes, 'x'); }

  void say(std::size_t group) {
    const auto now = Clock::now();
    groups_[group].unanswered[sender(group).send(groups_[group].id, text())] = now;
  }

  [[nodiscard]] bool all_told() const {
    for (const Group& group : groups_) {
      if (!group.unanswered.empty() || !group.flights.empty()) return false;
    }
    return true;
  }

  absl::Status create() {
    for (std::size_t at = 0; at < groups_.size(); ++at) {
      Group& group = groups_[at];
      group.id = sender(at).draw_group();
      group.expected = settings_.members - 1;
      client::GroupChange change;
      change.mutable_create()->set_title("bench");
      for (std::size_t i = 1; i < settings_.members; ++i) {
        change.mutable_create()->add_members(clients_[at * settings_.members + i]->me().user.value());
      }
      group.unanswered[sender(at).change(group.id, change)] = Clock::now();
      if (!wait([this] { return all_told(); }, 30)) return late("a group is created, and all its members know");
      result_.created.accepted_ms = std::max(result_.created.accepted_ms, last_accepted_ms_);
      result_.created.told_ms = std::max(result_.created.told_ms, last_told_ms_);
    }
    return absl::OkStatus();
  }

  absl::Status say_once() {
    say(0);
    if (!wait([this] { return all_told(); }, 30)) return late("a message has reached all members");
    result_.said = {last_accepted_ms_, last_told_ms_};
    return absl::OkStatus();
  }

  absl::Status remove() {
    client::GroupChange change;
    change.mutable_remove()->set_user(clients_[settings_.members - 1]->me().user.value());
    groups_[0].unanswered[sender(0).change(groups_[0].id, change)] = Clock::now();
    if (!wait([this] { return all_told(); }, 30)) return late("a removal is known to all, whom it concerns included");
    result_.removed = {last_accepted_ms_, last_told_ms_};
    return absl::OkStatus();
  }

  // A window of unanswered messages in each group, or so many messages a second in all.
  Load load(std::uint64_t window, double per_s) {
    refills_ = window > 0;
    for (std::size_t at = 0; at < groups_.size(); ++at) {
      for (std::uint64_t i = 0; i < window; ++i) say(at);
    }
    io_.restart();
    due_ = Clock::now();
    if (per_s > 0) paced(std::chrono::duration<double>(1 / per_s));
    io_.run_for(std::chrono::seconds(settings_.warm_up_s));
    const Load measured = measure_load();
    refills_ = false;
    timer_.cancel();
    paced_ = false;
    drain();
    return measured;
  }

  void paced(std::chrono::duration<double> gap) {
    paced_ = true;
    timer_.expires_at(due_);
    timer_.async_wait([this, gap](boost::system::error_code error) {
      if (error || !paced_) return;
      say(turn_++ % groups_.size());
      due_ += std::chrono::duration_cast<Clock::duration>(gap);
      paced(gap);
    });
  }

  Load measure_load() {
    const std::uint64_t accepted = accepted_;
    const std::uint64_t delivered = delivered_;
    const std::uint64_t server_us = servers_.cpu_us();
    const std::uint64_t own_us = own_cpu_us();
    const auto since = Clock::now();
    io_.run_for(std::chrono::seconds(settings_.seconds));
    const double seconds = ms_since(since) / 1e3;
    const auto messages = static_cast<double>(accepted_ - accepted);
    const auto deliveries = static_cast<double>(delivered_ - delivered);
    const auto spent = static_cast<double>(servers_.cpu_us() - server_us);
    return {messages / seconds, deliveries / seconds, spent / messages, spent / deliveries,
            static_cast<double>(own_cpu_us() - own_us) / deliveries};
  }

  void drain() {
    (void)wait([this] { return all_told(); }, 30);
  }

  Load direct() {
    direct_window_ = true;
    const std::size_t pairs = std::min<std::size_t>(clients_.size() / 2, 50);
    for (std::size_t i = 0; i < 2 * pairs; ++i) {
      const ConversationId both = ConversationId::direct(clients_[i]->me().user, clients_[i ^ 1U]->me().user);
      for (std::uint64_t n = 0; n < 16; ++n) clients_[i]->send(both, text());
    }
    io_.restart();
    io_.run_for(std::chrono::seconds(settings_.warm_up_s));
    const Load measured = measure_load();
    direct_window_ = false;
    io_.run_for(std::chrono::milliseconds(500));
    return measured;
  }

  const Settings& settings_;
  Servers& servers_;
  boost::asio::io_context io_{1};
  boost::asio::steady_timer timer_;
  std::vector<std::unique_ptr<LoadClient>> clients_;
  std::vector<Group> groups_;
  std::size_t synced_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t delivered_ = 0;
  double last_accepted_ms_ = 0;
  double last_told_ms_ = 0;
  bool refills_ = false;
  bool direct_window_ = false;
  bool is_timed_ = false;
  bool paced_ = false;
  Clock::time_point due_;
  std::uint64_t turn_ = 0;
  Result result_;
};

void print(const Settings& settings, const DiskFigures& disk, Result& result) {
  const double ratio = result.full.server_us_per_delivery / result.direct.server_us_per_message;
  if (settings.json) {
    const boost::json::object object{{"bench", "group"},
                                     {"machine", machine()},
                                     {"limits", "bench"},
                                     {"nodes", settings.nodes},
                                     {"load_average", load_average()},
                                     {"groups", settings.groups},
                                     {"members", settings.members},
                                     {"window", settings.window},
                                     {"text_bytes", settings.text_bytes},
                                     {"fdatasync_p50_us", whole(disk.in_place_p50_us)},
                                     {"created_ms", result.created.told_ms},
                                     {"said_to_all_ms", result.said.told_ms},
                                     {"removed_ms", result.removed.told_ms},
                                     {"accepted_per_s", whole(result.full.accepted_per_s)},
                                     {"delivered_per_s", whole(result.full.delivered_per_s)},
                                     {"server_cpu_us_per_delivery", result.full.server_us_per_delivery},
                                     {"generator_cpu_us_per_delivery", result.full.generator_us_per_delivery},
                                     {"calm_accepted_per_s", whole(result.calm.accepted_per_s)},
                                     {"calm_server_cpu_us_per_delivery", result.calm.server_us_per_delivery},
                                     {"last_member_p50_ms", percentile(result.last_member_ms, 500)},
                                     {"last_member_p99_ms", percentile(result.last_member_ms, 990)},
                                     {"direct_server_cpu_us_per_message", result.direct.server_us_per_message},
                                     {"delivery_to_direct", ratio},
                                     {"server_rss_kib", result.memory_kib}};
    std::printf("%s\n", boost::json::serialize(object).c_str());
    return;
  }
  std::printf("machine                    %s, load average %s\nlimits profile             bench\n", machine().c_str(),
              load_average().c_str());
  std::printf("nodes                      %llu\n", static_cast<unsigned long long>(settings.nodes));
  std::printf("load                       %llu groups of %llu, one sender each, %llu bytes a message\n",
              static_cast<unsigned long long>(settings.groups), static_cast<unsigned long long>(settings.members),
              static_cast<unsigned long long>(settings.text_bytes));
  std::printf("fdatasync of this disk     p50 %8.0f us in place, %.0f us growing a file\n", disk.in_place_p50_us,
              disk.growing_p50_us);
  const auto step = [](const char* name, const Step& one) {
    std::printf("%-26s accepted after %8.1f ms, known to the last after %8.1f ms\n", name, one.accepted_ms,
                one.told_ms);
  };
  step("creation (the slowest)", result.created);
  step("one message to all", result.said);
  step("a removal", result.removed);
  const auto row = [](const char* name, const Load& load) {
    std::printf("%-26s accepted %7.0f /s   delivered %8.0f /s   servers %6.2f us CPU a delivery   generator %6.2f us\n",
                name, load.accepted_per_s, load.delivered_per_s, load.server_us_per_delivery,
                load.generator_us_per_delivery);
  };
  row("full load", result.full);
  row("at 30 % of that", result.calm);
  std::printf("to the last member         p50 %8.2f ms   p99 %8.2f ms   of %zu messages, at 30 %%\n",
              percentile(result.last_member_ms, 500), percentile(result.last_member_ms, 990),
              result.last_member_ms.size());
  std::printf("1:1, the same people       accepted %7.0f /s   servers %6.2f us CPU a message\n",
              result.direct.accepted_per_s, result.direct.server_us_per_message);
  std::printf("a delivery costs           %.3f of a 1:1 message\nmemory of the servers      %lld KiB (RSS)\n", ratio,
              static_cast<long long>(result.memory_kib));
}

absl::Status run(const Settings& settings) {
  const TemporaryFolder folder(settings.folder);
  Servers servers(folder.path(), {.nodes = settings.nodes});
  if (absl::Status started = servers.start(); !started.ok()) return started;
  const auto users = servers.provision(settings.groups * settings.members, "grp");
  if (!users.ok()) return users.status();
  const DiskFigures disk = fdatasync_figures(folder.path());
  auto result = Run(settings, servers, *users).measure();
  if (!result.ok()) return result.status();
  print(settings, disk, *result);
  return absl::OkStatus();
}

}  // namespace
}  // namespace chasqui::bench

int main(int argc, char** argv) {
  chasqui::bench::Settings settings;
  CLI::App app("cost and latency of messages to groups through a real chasquid, fsync on, all members online");
  app.add_option("--nodes", settings.nodes, "1, or a cluster of 3 to 9 processes (1)");
  app.add_option("--groups", settings.groups, "at the same time (4)");
  app.add_option("--members", settings.members, "of each (100)")->check(CLI::Range(2, 1024));
  app.add_option("--window", settings.window, "unanswered messages of each group (8)");
  app.add_option("--bytes", settings.text_bytes, "of text (100)");
  app.add_option("--seconds", settings.seconds, "measured, of each load (5)");
  app.add_option("--folder", settings.folder, "where the server's data are put, for the disk that it is on");
  app.add_flag("--json", settings.json, "one JSON object");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = chasqui::bench::run(settings);
  if (!status.ok()) std::fprintf(stderr, "bench_group: %s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
