#include "bench/harness/servers.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"

namespace chasqui::bench {
namespace {

constexpr auto leads_max = std::chrono::seconds(60);

std::int64_t number_in(const std::string& stats, const std::string& name) {
  const std::string key = absl::StrCat("\"", name, "\":");
  const std::size_t at = stats.find(key);
  return at == std::string::npos ? -1 : std::strtoll(stats.c_str() + at + key.size(), nullptr, 10);
}

}  // namespace

Servers::Servers(const std::string& folder, const Options& options) : options_(options) {
  const std::string program = program_folder() + "/chasquid";
  std::string peers;
  for (std::uint64_t node = 1; node <= options.nodes && options.nodes > 1; ++node) {
    absl::StrAppend(&peers, "{node = ", node, ", address = \"127.0.0.1:", free_port(), "\"}, ");
  }
  for (std::uint64_t node = 1; node <= options.nodes; ++node) {
    const std::string own = absl::StrCat(folder, "/node-", node);
    std::filesystem::create_directories(own);
    std::string config = absl::StrCat("listen = \"127.0.0.1:", free_port(), "\"\n[log]\nformat = \"text\"\n",
                                      "[node]\nid = ", node, "\nshards = ", options.shards, "\n");
    if (options.nodes > 1) {
      absl::StrAppend(&config, "[cluster]\nid = \"bench\"\nnodes_per_process = 1\npeers = [", peers, "]\n");
    }
    all_.push_back(std::make_unique<ServerProcess>(program, own + "/data", options.limits, config));
  }
}

absl::Status Servers::start() {
  for (const auto& server : all_) {
    if (absl::Status spawned = server->spawn(); !spawned.ok()) return spawned;
  }
  for (const auto& server : all_) {
    if (absl::Status ready = server->wait_until_ready(); !ready.ok()) return ready;
  }
  const auto until = std::chrono::steady_clock::now() + leads_max;
  while (!each_leads_its_part()) {
    if (std::chrono::steady_clock::now() > until) {
      return absl::DeadlineExceededError("the nodes do not come to lead their parts of the shards");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return absl::OkStatus();
}

bool Servers::each_leads_its_part() const {
  const auto part = static_cast<std::int64_t>(options_.shards / options_.nodes);
  return std::all_of(all_.begin(), all_.end(),
                     [&](const auto& server) { return number_in(server->stats(), "shards_led") >= part; });
}

absl::StatusOr<std::vector<client::Credentials>> Servers::provision(std::uint64_t count,
                                                                    const std::string& prefix) const {
  return all_.front()->provision(count, prefix);
}

net::ServerList Servers::list(std::size_t first) const {
  std::string urls;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    absl::StrAppend(&urls, urls.empty() ? "" : ",", all_[(first + i) % all_.size()]->endpoint().url());
  }
  const auto list = net::parse_servers(urls);
  CHASQUI_ASSERT(list.ok(), "the servers' own addresses are URLs");
  return *list;
}

std::uint64_t Servers::cpu_us() const {
  std::uint64_t sum = 0;
  for (const auto& server : all_) sum += server->cpu_us();
  return sum;
}

std::int64_t Servers::rss_kib() const {
  std::int64_t pages = 0;
  for (const auto& server : all_) {
    std::ifstream statm(absl::StrCat("/proc/", server->pid(), "/statm"));
    std::int64_t size = 0;
    std::int64_t resident = 0;
    if (statm >> size >> resident) pages += resident;
  }
  return pages * (::sysconf(_SC_PAGESIZE) / 1024);
}

std::int64_t Servers::stat(const std::string& name) const {
  std::int64_t sum = 0;
  for (const auto& server : all_) {
    const std::int64_t one = number_in(server->stats(), name);
    if (one < 0) return -1;
    sum += one;
  }
  return sum;
}

}  // namespace chasqui::bench
