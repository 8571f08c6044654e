// Chaos in a network of its own: nodes with mutual TLS in namespaces, clients in another one; links are cut both ways,
// one way or in part, and slowed, and processes die meanwhile. Whatever was accepted is there once and in order.
//
// $CHASQUI_CHAOS_SECONDS (60) is how long, $CHASQUI_CHAOS_NODES (3) how many, $CHASQUI_SEED repeats the draws. Needs
// root.
#include <gtest/gtest.h>

#include <cstdio>
#include <optional>
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

// Nodes in namespaces and phones in another one, all connected.
class OwnNetwork : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: it makes network namespaces, and cuts their links by nft";
    network_.emplace(nodes_);
    ASSERT_FALSE(HasFailure());
    cluster_.emplace(folder_.path(), places_in(*network_, nodes_, folder_.path()));
    cluster_->start_all();
    ASSERT_FALSE(HasFailure());
    const auto users = cluster_->provision(devices);
    ASSERT_EQ(users.size(), devices);
    inside_.emplace(network_->clients_file());
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    phones_.emplace(history_path("network_" + name), "tests/cluster/network_test.cc");
    phones_->add(users, [&](std::size_t i) { return cluster_->urls(i % cluster_->size()); });
    ASSERT_TRUE(phones_->run_until([&] { return phones_->all_connected(); }, std::chrono::seconds(20)))
        << phones_->what_is_missing() << cluster_->last_words();
    phones_->begin_load();
  }
  void finish() {
    phones_->settle();
    phones_->check_both_sides();
    phones_->judge();
    EXPECT_FALSE(HasFailure()) << cluster_->last_words();
  }

  void expect_cut() {
    for (std::size_t place = 0; place < nodes_; ++place) network_->heal(place);  // which counts
    EXPECT_GT(network_->dropped_packets(), 0U) << "cuts that cut nothing";
  }

  std::size_t nodes_ = environment("CHASQUI_CHAOS_NODES", 3);
  bench::TemporaryFolder folder_;
  std::optional<Network> network_;
  std::optional<Cluster> cluster_;
  std::optional<InNetwork> inside_;
  std::optional<Phones> phones_;
};

TEST_F(OwnNetwork, cuts_of_every_shape_slow_links_and_deaths_lose_and_double_nothing) {
  const std::uint64_t seed = environment("CHASQUI_SEED", std::random_device()());
  const auto time = std::chrono::seconds(environment("CHASQUI_CHAOS_SECONDS", 60));
  std::printf("CHASQUI_SEED=%llu\n", static_cast<unsigned long long>(seed));
  NetworkChaos chaos(*cluster_, *phones_, seed, *network_);
  const auto until = Clock::now() + time;
  while (Clock::now() < until) {
    phones_->run_for(milliseconds(chaos.draw(200, 3'000)));
    chaos.one();
    ASSERT_FALSE(HasFailure()) << cluster_->last_words();
  }
  finish();
  std::printf(
      "%d cuts and slow links, %llu packets dropped, %d kills, %d pauses, %d restarts; %zu messages accepted, all "
      "there\n",
      chaos.cuts, static_cast<unsigned long long>(network_->dropped_packets()), chaos.kills, chaos.pauses, chaos.stops,
      phones_->accepted());
  EXPECT_TRUE(chaos.cuts <= 5 || network_->dropped_packets() > 0) << "cuts that cut nothing";
  EXPECT_GT(phones_->accepted(), devices * static_cast<std::size_t>(time.count()) / 4) << "there was load";
}

// No node knows whether it is cut off or the others are dead; its clients can find out.
TEST_F(OwnNetwork, people_of_a_node_that_is_cut_off_from_the_others_go_on_at_another) {
  phones_->run_for(std::chrono::seconds(2));
  for (std::size_t other = 1; other < nodes_; ++other) {
    network_->cut(0, other);
    network_->cut(other, 0);
  }
  phones_->note(0, "isolated from all nodes");
  phones_->run_for(std::chrono::seconds(30));
  finish();  // it is cut off still
  expect_cut();
}

TEST_F(OwnNetwork, people_at_both_sides_of_a_cut_that_another_node_sees_both_of_go_on) {
  phones_->run_for(std::chrono::seconds(2));
  network_->cut(0, 1);
  network_->cut(1, 0);
  phones_->note(0, "cut from node 1");
  phones_->run_for(std::chrono::seconds(20));
  finish();
  expect_cut();
}

}  // namespace
}  // namespace chasqui::cluster
