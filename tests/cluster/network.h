// A network of its own for a cluster: a bridge, each node in a namespace with its own address, and the clients in one.
//
// Links are cut by nft in the namespace of whoever must not hear, and slowed by tc; nobody sees an error, packets are
// just gone. Names carry the pid; all goes with the object, and what a killed test left goes at the next start. Needs
// root, ip, nft and tc.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/e2e/program.h"

namespace chasqui::cluster {

class Network {
 public:
  explicit Network(std::size_t nodes) {
    remove_orphans();
    make_namespace("bridge");
    ip({"-n", name("bridge"), "link", "add", "br0", "type", "bridge"});
    ip({"-n", name("bridge"), "link", "set", "br0", "up"});
    for (std::size_t i = 0; i < nodes; ++i) {
      plug_in(node(i), address(i));
      nft(i, {"add", "table", "ip", "chaos"});
      nft(i, {"add", "chain", "ip", "chaos", "input", "{ type filter hook input priority 0 ; policy accept ; }"});
    }
    plug_in("clients", absl::StrCat(subnet, ".200"));
  }
  ~Network() {
    for (const std::string& part : parts_) (void)e2e::run({ip_path, "netns", "del", name(part)});
  }
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  [[nodiscard]] static std::string address(std::size_t place) { return absl::StrCat(subnet, ".", place + 1); }
  // The file of a node's namespace.
  [[nodiscard]] std::string file(std::size_t place) const { return absl::StrCat("/run/netns/", name(node(place))); }
  [[nodiscard]] std::string clients_file() const { return absl::StrCat("/run/netns/", name("clients")); }

  // `deaf` hears nothing of `from` from now on; the other direction is another call.
  void cut(std::size_t deaf, std::size_t from) const { drop(deaf, address(from)); }
  void cut_clients(std::size_t deaf) const { drop(deaf, absl::StrCat(subnet, ".200")); }
  void heal(std::size_t place) {
    const e2e::Ran rules =
        e2e::run({ip_path, "netns", "exec", name(node(place)), nft_path, "list", "chain", "ip", "chaos", "input"});
    for (const auto part : absl::StrSplit(rules.out, "counter packets ")) {
      std::uint64_t packets = 0;
      if (absl::SimpleAtoi(part.substr(0, part.find(' ')), &packets)) dropped_packets_ += packets;
    }
    nft(place, {"flush", "chain", "ip", "chaos", "input"});
  }
  // By all cuts that are healed: that they cut at all.
  [[nodiscard]] std::uint64_t dropped_packets() const { return dropped_packets_; }
  // What leaves the node, all together; 0: as fast as it can.
  void limit_kbit(std::size_t place, std::uint64_t kbit) const {
    std::vector<std::string> words{tc_path, "-n",  name(node(place)), "qdisc", kbit == 0 ? "del" : "replace", "dev",
                                   "eth0",  "root"};
    if (kbit != 0) {
      const std::string rate = absl::StrCat(kbit, "kbit");
      words.insert(words.end(), {"tbf", "rate", rate, "burst", "16kb", "latency", "400ms"});
    }
    must(words);
  }

 private:
  static constexpr const char* ip_path = "/usr/sbin/ip";
  static constexpr const char* nft_path = "/usr/sbin/nft";
  static constexpr const char* tc_path = "/usr/sbin/tc";
  static constexpr const char* subnet = "10.213.77";
  static constexpr const char* prefix = "chasqui-";

  [[nodiscard]] static std::string node(std::size_t place) { return absl::StrCat("node", place + 1); }
  [[nodiscard]] static std::string name(const std::string& part) { return absl::StrCat(prefix, ::getpid(), "-", part); }
  static void must(const std::vector<std::string>& words) {
    const e2e::Ran ran = e2e::run(words);
    EXPECT_EQ(ran.exit_code, 0) << absl::StrJoin(words, " ") << ": " << ran.out << ran.err;
  }
  static void ip(std::vector<std::string> words) {
    words.insert(words.begin(), ip_path);
    must(words);
  }
  static void nft(std::size_t place, const std::vector<std::string>& rest) {
    std::vector<std::string> words{ip_path, "netns", "exec", name(node(place)), nft_path};
    words.insert(words.end(), rest.begin(), rest.end());
    must(words);
  }
  static void drop(std::size_t deaf, const std::string& from) {
    nft(deaf, {"add", "rule", "ip", "chaos", "input", "ip", "saddr", from, "counter", "drop"});
  }
  void make_namespace(const std::string& part) {
    parts_.push_back(part);
    ip({"netns", "add", name(part)});
    ip({"-n", name(part), "link", "set", "lo", "up"});
  }
  void plug_in(const std::string& part, const std::string& with_address) {
    make_namespace(part);
    const std::string bridge = name("bridge");
    ip({"-n", bridge, "link", "add", part, "type", "veth", "peer", "name", "eth0", "netns", name(part)});
    ip({"-n", bridge, "link", "set", part, "master", "br0", "up"});
    ip({"-n", name(part), "addr", "add", with_address + "/24", "dev", "eth0"});
    ip({"-n", name(part), "link", "set", "eth0", "up"});
  }
  // Of tests that were killed: nobody has their pid any more.
  static void remove_orphans() {
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator("/run/netns", none)) {
      const std::string found = entry.path().filename().string();
      const std::vector<std::string> words = absl::StrSplit(found, '-');
      int pid = 0;
      if (!found.starts_with(prefix) || words.size() != 3 || !absl::SimpleAtoi(words[1], &pid)) continue;
      if (::kill(pid, 0) != 0 && errno == ESRCH) ip({"netns", "del", found});
    }
  }

  std::vector<std::string> parts_;
  std::uint64_t dropped_packets_ = 0;
};

// This thread's new sockets are in that namespace while the object lives.
class InNetwork {
 public:
  explicit InNetwork(const std::string& file) : before_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_EQ(::setns(fd, CLONE_NEWNET), 0) << file;
    ::close(fd);
  }
  ~InNetwork() {
    EXPECT_EQ(::setns(before_, CLONE_NEWNET), 0);
    ::close(before_);
  }
  InNetwork(const InNetwork&) = delete;
  InNetwork& operator=(const InNetwork&) = delete;

 private:
  int before_;
};

}  // namespace chasqui::cluster
