// Chaos in a network of its own: nodes with mutual TLS in namespaces, clients in another one; links are cut both ways,
// one way or in part, and slowed, and processes die meanwhile. Whatever was accepted is there once and in order.
//
// $CHASQUI_CHAOS_SECONDS (60) is how long, $CHASQUI_CHAOS_NODES (3) how many, $CHASQUI_SEED repeats the draws. Needs
// root.
#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>

#include "absl/strings/str_join.h"
#include "tests/cluster/cluster.h"
#include "tests/cluster/network.h"

namespace chasqui::cluster {
namespace {

constexpr std::size_t devices = 30;

std::vector<Place> places_in(const Network& network, std::size_t nodes, const std::string& folder) {
  std::vector<std::string> numbers;
  for (std::size_t i = 0; i < nodes; ++i) numbers.push_back(absl::StrCat(i + 1));
  const std::string certificates = folder + "/certs";
  const e2e::Ran made = e2e::run({CHASQUI_BIN_DIR "/chasqui", "cluster", "init-certs", "--cluster", "test", "--node",
                                  absl::StrJoin(numbers, ","), "--out", certificates});
  EXPECT_EQ(made.exit_code, 0) << made.out << made.err;
  std::vector<Place> places;
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::string own = absl::StrCat(certificates, "/node-", i + 1);
    places.push_back({Network::address(i) + ":8080", Network::address(i) + ":7400", network.file(i),
                      "insecure = true\nallow_root = true\n",
                      absl::StrCat("certificate = \"", own, ".pem\"\nkey = \"", own, ".key\"\nca = \"", certificates,
                                   "/ca.pem\"\n")});
  }
  return places;
}

// Faults of the network beside those of processes.
class NetworkChaos : public Chaos {
 public:
  NetworkChaos(Cluster& cluster, Phones& phones, std::uint64_t seed, Network& network)
      : Chaos(cluster, phones, seed), network_(network), phones_(phones), nodes_(cluster.size()) {}

  void one() {
    const std::size_t a = draw(0, nodes_ - 1);
    const std::size_t b = (a + draw(1, nodes_ - 1)) % nodes_;
    const auto time = milliseconds(draw(1'000, 10'000));
    switch (draw(0, 7)) {
      case 0:  // all others reach both
        network_.cut(a, b);
        network_.cut(b, a);
        return wait(a, b, absl::StrCat("cut from node ", b), time);
      case 1: network_.cut(a, b); return wait(a, b, absl::StrCat("deaf to node ", b), time);
      case 2:  // whose clients still reach it
        isolate(a);
        return wait_all(a, "isolated from all nodes", time);
      case 3:
        isolate(a);
        network_.cut_clients(a);
        return wait_all(a, "isolated from all", time);
      case 4: {  // deaf: it speaks, and hears nobody
        for (std::size_t other = 0; other < nodes_; ++other) {
          if (other != a) network_.cut(a, other);
        }
        return wait_all(a, "deaf to all nodes", time);
      }
      case 5:
        network_.limit_kbit(a, draw(500, 5'000));
        note(a, "slowed");
        phones_.run_for(time);
        network_.limit_kbit(a, 0);
        ++cuts;
        return note(a, "at full speed");
      default: return one_fault();
    }
  }

  int cuts = 0;

 private:
  void note(std::size_t place, const std::string& step) { phones_.note(static_cast<std::uint32_t>(place), step); }
  void isolate(std::size_t a) {
    for (std::size_t other = 0; other < nodes_; ++other) {
      if (other == a) continue;
      network_.cut(a, other);
      network_.cut(other, a);
    }
  }
  void wait(std::size_t a, std::size_t b, const std::string& step, Clock::duration time) {
    note(a, step);
    phones_.run_for(time);
    network_.heal(a);
    network_.heal(b);
    ++cuts;
    note(a, "healed");
  }
  void wait_all(std::size_t a, const std::string& step, Clock::duration time) {
    note(a, step);
    phones_.run_for(time);
    for (std::size_t i = 0; i < nodes_; ++i) network_.heal(i);
    ++cuts;
    note(a, "healed");
  }

  Network& network_;
  Phones& phones_;
  std::size_t nodes_;
};

TEST(NetworkChaos, cuts_of_every_shape_slow_links_and_deaths_lose_and_double_nothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: it makes network namespaces, and cuts their links by nft";
  const std::uint64_t seed = environment("CHASQUI_SEED", std::random_device()());
  const std::size_t nodes = environment("CHASQUI_CHAOS_NODES", 3);
  const auto time = std::chrono::seconds(environment("CHASQUI_CHAOS_SECONDS", 60));
  std::printf("CHASQUI_SEED=%llu\n", static_cast<unsigned long long>(seed));
  const bench::TemporaryFolder folder;
  Network network(nodes);
  ASSERT_FALSE(testing::Test::HasFailure());
  Cluster cluster(folder.path(), places_in(network, nodes, folder.path()));
  cluster.start_all();
  ASSERT_FALSE(testing::Test::HasFailure());
  const auto users = cluster.provision(devices);
  ASSERT_EQ(users.size(), devices);
  const InNetwork clients(network.clients_file());
  Phones phones(history_path("network_chaos"), "tests/cluster/network_test.cc");
  phones.add(users, [&](std::size_t i) { return cluster.urls(i % cluster.size()); });
  ASSERT_TRUE(phones.run_until([&] { return phones.all_connected(); }, std::chrono::seconds(20)))
      << phones.what_is_missing() << cluster.last_words();

  NetworkChaos chaos(cluster, phones, seed, network);
  phones.begin_load();
  const auto until = Clock::now() + time;
  while (Clock::now() < until) {
    phones.run_for(milliseconds(chaos.draw(200, 3'000)));
    chaos.one();
    ASSERT_FALSE(testing::Test::HasFailure()) << cluster.last_words();
  }
  phones.settle();
  phones.check_both_sides();
  phones.judge();
  EXPECT_FALSE(testing::Test::HasFailure()) << cluster.last_words();
  std::printf(
      "%d cuts and slow links, %llu packets dropped, %d kills, %d pauses, %d restarts; %zu messages accepted, all "
      "there\n",
      chaos.cuts, static_cast<unsigned long long>(network.dropped_packets()), chaos.kills, chaos.pauses, chaos.stops,
      phones.accepted());
  EXPECT_TRUE(chaos.cuts <= 5 || network.dropped_packets() > 0) << "cuts that cut nothing";
  EXPECT_GT(phones.accepted(), devices * static_cast<std::size_t>(time.count()) / 4) << "there was load";
}

}  // namespace
}  // namespace chasqui::cluster
