// Three nodes as real processes on loopback, people who chat all the while, and one node at a time that is killed,
// paused or restarted at random: whatever was accepted is there once and in order, and the simulator's judges agree.
//
// $CHASQUI_CHAOS_SECONDS (60) is how long, $CHASQUI_SEED repeats the draws.
#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>

#include "tests/cluster/cluster.h"

namespace chasqui::cluster {
namespace {

constexpr std::size_t devices = 30;

TEST(Chaos, kills_pauses_and_restarts_of_one_node_at_a_time_lose_and_double_nothing) {
  const std::uint64_t seed = environment("CHASQUI_SEED", std::random_device()());
  const auto time = std::chrono::seconds(environment("CHASQUI_CHAOS_SECONDS", 60));
  std::printf("CHASQUI_SEED=%llu\n", static_cast<unsigned long long>(seed));
  const bench::TemporaryFolder folder;
  Cluster cluster(folder.path(), Cluster::on_loopback(3));
  cluster.start_all();
  ASSERT_FALSE(testing::Test::HasFatalFailure());
  Phones phones(history_path("chaos"), "tests/cluster/chaos_test.cc");
  const auto users = cluster.provision(devices);
  ASSERT_EQ(users.size(), devices);
  phones.add(users, [&](std::size_t i) { return cluster.urls(i % cluster.size()); });
  ASSERT_TRUE(phones.run_until([&] { return phones.all_connected(); }, std::chrono::seconds(20)))
      << phones.what_is_missing() << cluster.last_words();

  Chaos chaos(cluster, phones, seed);
  phones.begin_load();
  const auto until = Clock::now() + time;
  while (Clock::now() < until) {
    phones.run_for(milliseconds(chaos.draw(200, 3'000)));
    chaos.one_fault();
    ASSERT_FALSE(testing::Test::HasFailure()) << cluster.last_words();
  }
  phones.settle();
  phones.check_both_sides();
  phones.judge();
  EXPECT_FALSE(testing::Test::HasFailure()) << cluster.last_words();
  std::printf("%d kills, %d pauses, %d restarts; %zu messages accepted, all there\n", chaos.kills, chaos.pauses,
              chaos.stops, phones.accepted());
  EXPECT_GT(phones.accepted(), devices * static_cast<std::size_t>(time.count()) / 4) << "there was load";
}

}  // namespace
}  // namespace chasqui::cluster
