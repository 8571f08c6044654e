// A cluster of processes to do harm to, and devices that go on chatting: on loopback here, in namespaces by network.h.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bench/harness/server_process.h"
#include "tests/cluster/node_process.h"
#include "tests/cluster/phones.h"
#include "tests/e2e/cluster_world.h"

namespace chasqui::cluster {

inline std::uint64_t environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

// Where a node is reached, and from where it runs.
struct Place {
  std::string client_address;  // HOST:PORT
  std::string peer_address;
  std::string network;     // file of its network namespace, or empty
  std::string extra;       // more lines at the file's top
  std::string in_cluster;  // more lines of [cluster]
  bool faulty_disk = false;
  std::vector<std::string> others =
      {};  // what it calls the peer of each place, its own is not read; empty: their addresses
};

class Cluster {
 public:
  static constexpr std::uint64_t shards = 48;

  static std::vector<Place> on_loopback(std::size_t count) {
    std::vector<Place> places(count);
    for (Place& place : places) {
      place.client_address = absl::StrCat("127.0.0.1:", e2e::free_port());
      place.peer_address = absl::StrCat("127.0.0.1:", e2e::free_port());
    }
    return places;
  }

  Cluster(std::string folder, std::vector<Place> places) : folder_(std::move(folder)), places_(std::move(places)) {
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const std::string directory = absl::StrCat(folder_, "/node-", i + 1);
      std::filesystem::create_directories(directory);
      std::ofstream(directory + "/chasquid.toml")
          << "listen = \"" << places_[i].client_address << "\"\n"
          << places_[i].extra << "[log]\nformat = \"text\"\n"
          << "[node]\nid = " << i + 1 << "\nshards = " << shards << "\n[cluster]\nid = \"test\"\n"
          << "nodes_per_process = 1\npeers = [" << peers_as_known_to(i) << "]\n"
          << places_[i].in_cluster;
      nodes_.push_back(std::make_unique<NodeProcess>(directory, places_[i].network, places_[i].faulty_disk));
    }
  }

  // Before there is any load: waits.
  void start_all() {
    for (const auto& node : nodes_) node->spawn();
    const auto until = Clock::now() + std::chrono::seconds(60);
    for (const auto& node : nodes_) {
      while (!node->is_ready() && Clock::now() < until) ::usleep(20'000);
      ASSERT_TRUE(node->is_ready()) << node->last_words();
    }
  }
  // Users PREFIX0 .. by the first node's admin socket; retried until all shards have leaders.
  [[nodiscard]] std::vector<client::Credentials> provision(std::size_t count) {
    std::vector<client::Credentials> users;
    for (int attempt = 1; attempt <= 10 && users.size() < count; ++attempt) {
      users.clear();
      const e2e::Ran ran = nodes_[0]->admin({"provision", absl::StrCat(count), absl::StrCat("p", attempt, "x")});
      for (const auto line : absl::StrSplit(ran.out, '\n', absl::SkipEmpty())) {
        const std::vector<std::string> words = absl::StrSplit(line, ' ');
        std::uint64_t user = 0;
        std::uint64_t device = 0;
        if (words.size() != 4 || !absl::SimpleAtoi(words[1], &user) || !absl::SimpleAtoi(words[2], &device)) {
          ADD_FAILURE() << "provision: " << ran.out << ran.err;
          return {};
        }
        users.push_back({UserId(user), DeviceId(device), absl::HexStringToBytes(words[3]), words[0]});
      }
      if (users.size() < count) ::usleep(500'000);
    }
    return users;
  }
  // All servers, those from the node of this place on first.
  [[nodiscard]] std::string urls(std::size_t first) const {
    std::string all;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      absl::StrAppend(&all, all.empty() ? "" : ",", "http://", places_[(first + i) % places_.size()].client_address);
    }
    return all;
  }

  [[nodiscard]] std::uint16_t client_port(std::size_t place) const {
    const std::string& address = places_[place].client_address;
    return static_cast<std::uint16_t>(std::strtoul(address.c_str() + address.rfind(':') + 1, nullptr, 10));
  }

  [[nodiscard]] static std::vector<std::string> peer_addresses(const std::vector<Place>& places) {
    std::vector<std::string> all;
    for (const Place& place : places) all.push_back(place.peer_address);
    return all;
  }

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] NodeProcess& node(std::size_t place) { return *nodes_[place]; }
  [[nodiscard]] bool all_ready() {
    for (const auto& node : nodes_) {
      if (!node->is_ready()) return false;
    }
    return true;
  }
  // A number in the stats of its admin socket, by its name there; -1: it does not answer.
  [[nodiscard]] std::int64_t stat(std::size_t place, const std::string& name) {
    const std::string stats = nodes_[place]->admin({"stats"}).out;
    const std::string key = absl::StrCat("\"", name, "\":");
    const std::size_t at = stats.find(key);
    return at == std::string::npos ? -1 : std::strtoll(stats.c_str() + at + key.size(), nullptr, 10);
  }
  [[nodiscard]] std::string last_words() const {
    std::string all;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      absl::StrAppend(&all, "node ", i + 1, " (", nodes_[i]->log_path(), "):\n", nodes_[i]->last_words(), "\n");
    }
    return all;
  }

 private:
  [[nodiscard]] std::string peers_as_known_to(std::size_t place) const {
    const std::vector<std::string>& others = places_[place].others;
    std::string peers;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const std::string& address = i == place || others.empty() ? places_[i].peer_address : others[i];
      absl::StrAppend(&peers, "{node = ", i + 1, ", address = \"", address, "\"}, ");
    }
    return peers;
  }

  std::string folder_;
  std::vector<Place> places_;
  std::vector<std::unique_ptr<NodeProcess>> nodes_;
};

// Kills, pauses and restarts of one node at a time, drawn from a seed, while the phones' loop runs.
class Chaos {
 public:
  Chaos(Cluster& cluster, Phones& phones, std::uint64_t seed) : cluster_(cluster), phones_(phones), random_(seed) {}

  std::uint64_t draw(std::uint64_t from, std::uint64_t to) { return from + random_() % (to - from + 1); }

  void kill(std::size_t place) {
    cluster_.node(place).kill_9();
    phones_.note(static_cast<std::uint32_t>(place), "killed");
  }
  void start(std::size_t place) {
    cluster_.node(place).spawn();
    phones_.note(static_cast<std::uint32_t>(place), "started");
  }
  // SIGTERM: it hands over what it leads, and says goodbye.
  void stop(std::size_t place) {
    cluster_.node(place).signal(SIGTERM);
    phones_.note(static_cast<std::uint32_t>(place), "stopping");
    EXPECT_TRUE(phones_.run_until([&] { return !cluster_.node(place).is_running(); }, std::chrono::seconds(15)))
        << "it does not stop: " << cluster_.node(place).last_words();
    EXPECT_EQ(cluster_.node(place).ended_with(), 0) << cluster_.node(place).last_words();
    phones_.note(static_cast<std::uint32_t>(place), "stopped");
  }
  void wait_until_ready(std::size_t place) {
    ASSERT_TRUE(phones_.run_until([&] { return cluster_.node(place).is_ready(); }, std::chrono::seconds(30)))
        << "node " << place + 1 << " is not ready: " << cluster_.node(place).last_words();
  }
  void pause(std::size_t place, Clock::duration time) {
    cluster_.node(place).signal(SIGSTOP);
    phones_.note(static_cast<std::uint32_t>(place), "paused");
    phones_.run_for(time);
    cluster_.node(place).signal(SIGCONT);
    phones_.note(static_cast<std::uint32_t>(place), "resumed");
  }

  // One fault of those that a process knows, and its end.
  void one_fault() {
    const std::size_t place = draw(0, cluster_.size() - 1);
    switch (draw(0, 2)) {
      case 0:
        kill(place);
        phones_.run_for(milliseconds(draw(0, 3'000)));
        start(place);
        ++kills;
        return wait_until_ready(place);
      case 1: ++pauses; return pause(place, milliseconds(draw(1'000, draw(0, 2) == 0 ? 20'000 : 5'000)));
      default:
        ++stops;
        stop(place);
        start(place);
        return wait_until_ready(place);
    }
  }

  int kills = 0;
  int pauses = 0;
  int stops = 0;

 private:
  Cluster& cluster_;
  Phones& phones_;
  std::mt19937_64 random_;
};

// Where a test's history goes: $CHASQUI_HISTORY, else beside the build's programs.
inline std::string history_path(const std::string& name) {
  const char* path = std::getenv("CHASQUI_HISTORY");
  return path != nullptr ? path : absl::StrCat(CHASQUI_BIN_DIR, "/../", name, "_history.jsonl");
}

}  // namespace chasqui::cluster
