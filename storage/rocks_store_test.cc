#include "storage/rocks_store.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "storage/store_conformance.h"
#include "storage/testing.h"

namespace chasqui {
namespace {

using storage::testing::Appends;
using storage::testing::applied;
using storage::testing::entry;
using storage::testing::open_store;
using storage::testing::TempDir;
using storage::testing::write_one;

struct RocksMaker {
  TempDir directory;
  std::unique_ptr<storage::NodeStore> node = open_store(directory.path());
  Store& store() { return node->store(); }
  RangeResult read(const RangeRead& range) { return node->store().read(*node->store().snapshot(), range); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Rocks, StoreConformance, RocksMaker);

TEST(RocksStore, a_snapshot_does_not_see_later_writes) {
  const TempDir directory;
  const auto node = open_store(directory.path());
  WriteBatch batch;
  batch.put("a", "1");
  node->store().write(batch);
  const auto before = node->store().snapshot();
  batch.writes[0].value = "2";
  node->store().write(batch);
  EXPECT_EQ(node->store().read(*before, RangeRead::row("a")).rows[0].value, "1");
  EXPECT_EQ(node->store().read(*node->store().snapshot(), RangeRead::row("a")).rows[0].value, "2");
}

TEST(RocksStore, snapshots_are_read_on_other_threads_while_writes_go_on) {
  const TempDir directory;
  const auto node = open_store(directory.path());
  std::vector<std::thread> readers;
  for (int round = 0; round < 50; ++round) {
    WriteBatch batch;
    for (int i = 0; i < 10; ++i) batch.put("k" + std::to_string(i), std::to_string(round));
    node->store().write(batch);
    readers.emplace_back([&store = node->store(), snapshot = node->store().snapshot(), round] {
      for (const Row& row : store.read(*snapshot, {"k", "l", 100}).rows) EXPECT_EQ(row.value, std::to_string(round));
    });
  }
  for (auto& reader : readers) reader.join();
}

TEST(RocksStore, only_what_was_flushed_counts_as_applied_for_good) {
  const TempDir directory;
  const auto node = open_store(directory.path());
  Appends appends;
  ASSERT_TRUE(write_one(node->log(), appends.entries(1, 1, {entry(1, "a"), entry(1, "b")})).ok());
  node->store().write(applied(1, 1, 1));
  EXPECT_EQ(node->store().flushed_applied(ShardId(1)), RaftIndex(0));
  EXPECT_TRUE(node->store().flushed_applied().empty());
  node->store().flush_state();
  EXPECT_EQ(node->store().flushed_applied(ShardId(1)), RaftIndex(1));
  node->store().write(applied(1, 2, 1));
  EXPECT_EQ(node->store().flushed_applied(ShardId(1)), RaftIndex(1));
  EXPECT_EQ(node->store().numbers(ShardId(1))->applied_index(), 2U);
}

TEST(RocksStore, the_node_is_told_of_a_flush) {
  const TempDir directory;
  const auto node = open_store(directory.path());
  Appends appends;
  ASSERT_TRUE(write_one(node->log(), appends.entries(2, 1, {entry(1, "a")})).ok());
  std::mutex mutex;
  std::condition_variable told;
  std::vector<StoreFlushed::Shard> flushed;
  node->store().set_on_flushed([&](std::vector<StoreFlushed::Shard> shards) {
    const std::lock_guard lock(mutex);
    flushed = std::move(shards);
    told.notify_all();
  });
  node->store().write(applied(2, 1, 1));
  node->store().flush_state();
  std::unique_lock lock(mutex);
  ASSERT_TRUE(told.wait_for(lock, std::chrono::seconds(30), [&] { return !flushed.empty(); }));
  EXPECT_EQ(flushed[0].shard, ShardId(2));
  EXPECT_EQ(flushed[0].applied, RaftIndex(1));
  lock.unlock();
  node->store().set_on_flushed(nullptr);
}

TEST(RocksStore, an_idle_store_is_not_behind) {
  const TempDir directory;
  const auto node = open_store(directory.path());
  EXPECT_FALSE(node->store().behind(node->store().load()));
  EXPECT_TRUE(node->store().behind({.memtables_waiting = 3}));
  EXPECT_TRUE(node->store().behind({.level_0_files = 20}));
  EXPECT_TRUE(node->store().behind({.slowed = true}));
}

}  // namespace
}  // namespace chasqui
