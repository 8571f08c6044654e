// Three nodes as real processes on loopback, people who chat all the while, and one fault at a time, drawn at random: a
// node is killed, paused or restarted, its disk is slow or fails, links between nodes are late, slow, held back or
// reset. Whatever was accepted is there once and in order, and the simulator's judges agree.
//
// $CHASQUI_CHAOS_SECONDS (60) is how long, $CHASQUI_CHAOS_NODES (3) how many nodes, $CHASQUI_SEED repeats the draws.
#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>

#include "tests/cluster/cluster.h"
#include "tests/cluster/faults.h"
#include "tests/cluster/proxy.h"

namespace chasqui::cluster {
namespace {

constexpr std::size_t devices = 30;

TEST(Chaos, one_fault_after_the_other_of_processes_disks_and_links_loses_and_doubles_nothing) {
  const std::uint64_t seed = environment("CHASQUI_SEED", std::random_device()());
  const auto time = std::chrono::seconds(environment("CHASQUI_CHAOS_SECONDS", 60));
  const std::size_t nodes = environment("CHASQUI_CHAOS_NODES", 3);
  std::printf("CHASQUI_SEED=%llu\n", static_cast<unsigned long long>(seed));
  const bench::TemporaryFolder folder;
  const std::vector<Place> places = Cluster::on_loopback(nodes);
  Proxies proxies(Cluster::peer_addresses(places));
  Cluster cluster(folder.path(), with_faulty_disks(behind(proxies, places)));
  cluster.start_all();
  ASSERT_FALSE(testing::Test::HasFatalFailure());
  Phones phones(history_path("chaos"), "tests/cluster/chaos_test.cc");
  const auto users = cluster.provision(devices);
  ASSERT_EQ(users.size(), devices);
  phones.add(users, [&](std::size_t i) { return cluster.urls(i % cluster.size()); });
  ASSERT_TRUE(phones.run_until([&] { return phones.all_connected(); }, std::chrono::seconds(20)))
      << phones.what_is_missing() << cluster.last_words();

  Chaos chaos(cluster, phones, seed);
  LinkFaults links(cluster, phones, chaos, proxies);
  DiskTrouble disks(cluster, phones, chaos);
  phones.begin_load();
  const auto until = Clock::now() + time;
  while (Clock::now() < until) {
    phones.run_for(milliseconds(chaos.draw(200, 3'000)));
    switch (chaos.draw(0, 3)) {
      case 0: disks.one(); break;
      case 1: links.one(); break;
      default: chaos.one_fault(); break;
    }
    ASSERT_FALSE(testing::Test::HasFailure()) << cluster.last_words();
  }
  phones.settle();
  phones.check_both_sides();
  phones.judge();
  EXPECT_FALSE(testing::Test::HasFailure()) << cluster.last_words();
  std::printf(
      "%d kills, %d pauses, %d restarts, %d slow and %d failed disks, %d faults of links; %zu messages accepted, all "
      "there\n",
      chaos.kills, chaos.pauses, chaos.stops, disks.slows, disks.failures, links.count, phones.accepted());
  EXPECT_GT(phones.accepted(), devices * static_cast<std::size_t>(time.count()) / 4) << "there was load";
  EXPECT_GT(proxies.bytes(), 0U) << "the nodes speak through the proxies";
  for (std::size_t i = 0; i < nodes; ++i) {
    EXPECT_GT(cluster.node(i).disk().syncs(), 0U) << "the faulty disk is what it syncs";
  }
}

}  // namespace
}  // namespace chasqui::cluster
