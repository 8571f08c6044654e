// A cluster of real processes on loopback, each with its configuration, its log and its peer port.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/harness/server_process.h"
#include "tests/e2e/program.h"

namespace chasqui::e2e {

using bench::free_port;

class ClusterWorld : public ::testing::Test {
 protected:
  static constexpr const char* password = "correct horse battery";

  // Nodes 1..count; `extra`: more lines of [cluster].
  void make(std::uint64_t count, const std::string& extra = "nodes_per_process = 1\n") {
    std::string peers;
    for (std::uint64_t node = 1; node <= count; ++node) {
      client_ports.push_back(free_port());
      peer_ports.push_back(free_port());
      absl::StrAppend(&peers, "{node = ", node, ", address = \"127.0.0.1:", peer_ports.back(), "\"}, ");
    }
    for (std::uint64_t node = 1; node <= count; ++node) {
      std::filesystem::create_directory(directory(node));
      std::ofstream(directory(node) + "/chasquid.toml")
          << "listen = \"127.0.0.1:" << client_ports[node - 1] << "\"\n[log]\nformat = \"text\"\n[node]\nid = " << node
          << "\nshards = 16\n[cluster]\nid = \"test\"\npeers = [" << peers << "]\n"
          << extra;
    }
    servers.resize(count);
  }
  void start(std::uint64_t node) {
    servers[node - 1] = std::make_unique<Program>(
        std::vector<std::string>{CHASQUI_BIN_DIR "/chasquid", "--config", directory(node) + "/chasquid.toml",
                                 "--data-dir", directory(node) + "/data", "--limits", "bench"});
  }
  [[nodiscard]] bool is_ready(std::uint64_t node, int timeout_ms = 30'000) const {
    return eventually([&] { return std::filesystem::exists(directory(node) + "/data/listen"); }, timeout_ms);
  }
  void start_all() {
    for (std::uint64_t node = 1; node <= servers.size(); ++node) start(node);
    for (std::uint64_t node = 1; node <= servers.size(); ++node) ASSERT_TRUE(is_ready(node)) << log(node);
  }
  void kill_9(std::uint64_t node) {
    servers[node - 1].reset();  // SIGKILL, and waits
    std::filesystem::remove(directory(node) + "/data/listen");
  }

  [[nodiscard]] std::string directory(std::uint64_t node) const { return absl::StrCat(folder.path(), "/node-", node); }
  // What it has written to its log so far.
  [[nodiscard]] std::string log(std::uint64_t node) const {
    return servers[node - 1] ? servers[node - 1]->errors_so_far() : "it does not run";
  }
  [[nodiscard]] std::string stats(std::uint64_t node) const {
    return run({CHASQUI_BIN_DIR "/chasquid", "admin", "--data-dir", directory(node) + "/data", "stats"}).out;
  }
  [[nodiscard]] std::string url(std::uint64_t node) const {
    return absl::StrCat("http://127.0.0.1:", client_ports[node - 1]);
  }
  [[nodiscard]] std::string urls(std::uint64_t first) const {
    std::string all;
    for (std::uint64_t i = 0; i < servers.size(); ++i) {
      absl::StrAppend(&all, all.empty() ? "" : ",", url((first - 1 + i) % servers.size() + 1));
    }
    return all;
  }
  [[nodiscard]] Ran chasqui(const std::string& who, const std::string& at, const std::vector<std::string>& rest,
                            const std::string& input = "") const {
    std::vector<std::string> words{CHASQUI_BIN_DIR "/chasqui", "--home", folder.path() + "/" + who};
    if (!at.empty()) words.insert(words.end(), {"--server", at});
    words.insert(words.end(), rest.begin(), rest.end());
    return run(words, input);
  }
  void register_user(const std::string& who, const std::string& at) const {
    const Ran ran = chasqui(who, at, {"register", who, "--password-file", "-"}, std::string(password) + "\n");
    ASSERT_EQ(ran.exit_code, 0) << ran.err;
  }
  template <class Condition>
  [[nodiscard]] static bool eventually(Condition condition, int timeout_ms = 10'000) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= until) return false;
      ::usleep(20'000);
    }
    return true;
  }

  bench::TemporaryFolder folder;
  std::vector<std::uint16_t> client_ports;
  std::vector<std::uint16_t> peer_ports;
  std::vector<std::unique_ptr<Program>> servers;  // node - 1
};

}  // namespace chasqui::e2e
