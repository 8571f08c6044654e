#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "sim/disk/sim_log.h"
#include "sim/disk/sim_store.h"

namespace chasqui::sim {
namespace {

RC_GTEST_PROP(SimStore, a_rewound_store_is_exactly_what_it_was_at_that_version,
              (std::vector<std::vector<std::pair<std::uint8_t, std::uint8_t>>> batches)) {
  SimStore store;
  std::map<std::string, std::string> model;
  std::vector<std::map<std::string, std::string>> versions{model};
  for (const auto& rows : batches) {
    WriteBatch batch;
    for (const auto& [key, value] : rows) {
      const std::string name(1, static_cast<char>('a' + key % 8));
      if (value % 4 == 0) {
        batch.remove(name);
        model.erase(name);
      } else {
        batch.put(name, std::to_string(value));
        model[name] = std::to_string(value);
      }
    }
    store.write(batch);
    versions.push_back(model);
  }
  const auto flushed = *rc::gen::inRange<std::uint64_t>(0, store.version() + 1);
  store.flush(flushed);
  const auto back = *rc::gen::inRange<std::uint64_t>(flushed, store.version() + 1);
  store.rewind(back);
  RC_ASSERT(store.version() == back);
  const RangeResult all = store.read({"", "zzz", 1'000, 1'000'000, false});
  std::map<std::string, std::string> found;
  for (const Row& row : all.rows) found[row.key] = row.value;
  RC_ASSERT(found == versions[back]);
}

TEST(SimStore, a_range_is_cut_by_rows_and_bytes_and_read_from_either_end) {
  SimStore store;
  WriteBatch batch;
  for (char c = 'a'; c <= 'e'; ++c) batch.put(std::string(1, c), "12345");
  store.write(batch);
  const RangeResult first = store.read({"b", "e", 2, 1'000, false});
  ASSERT_EQ(first.rows.size(), 2U);
  EXPECT_EQ(first.rows[0].key, "b");
  EXPECT_TRUE(first.more);
  const RangeResult last = store.read({"b", "e", 9, 1'000, true});
  ASSERT_EQ(last.rows.size(), 3U);
  EXPECT_EQ(last.rows[0].key, "d");
  EXPECT_FALSE(last.more);
  EXPECT_EQ(store.read({"a", "z", 9, 1, false}).rows.size(), 1U);  // the row that reaches the limit is the last
}

LogAppend entries(std::uint64_t id, std::uint64_t first, std::size_t count, std::uint64_t term = 1) {
  LogAppend append;
  append.id = AppendId(id);
  append.shard = ShardId(3);
  append.first_index = RaftIndex(first);
  for (std::size_t i = 0; i < count; ++i) {
    append.entries.push_back({RaftTerm(term), EntryType::Command, std::make_shared<const std::string>("x")});
  }
  return append;
}

TEST(SimLog, acknowledged_stays_and_a_prefix_of_the_rest_survives) {
  SimLog log;
  EXPECT_EQ(log.append(entries(1, 1, 2)), "");
  log.begin_sync();
  EXPECT_EQ(log.append(entries(2, 3, 1)), "");  // too late for this sync
  EXPECT_EQ(log.end_sync(), AppendId(1));
  EXPECT_TRUE(log.waiting());
  EXPECT_EQ(log.append(entries(3, 4, 1)), "");
  EXPECT_EQ(log.crash(1), AppendId(2));
  EXPECT_EQ(log.last_index(ShardId(3)), RaftIndex(3));
  EXPECT_EQ(log.append(entries(1, 4, 1)), "") << "ids begin anew";
  EXPECT_EQ(log.crash(0), AppendId());
  EXPECT_EQ(log.last_index(ShardId(3)), RaftIndex(3));
}

TEST(SimLog, an_append_over_a_tail_replaces_it_and_compaction_drops_the_front) {
  SimLog log;
  EXPECT_EQ(log.append(entries(1, 1, 5)), "");
  EXPECT_EQ(log.append(entries(2, 3, 1, 2)), "");
  LogAppend drop;
  drop.id = AppendId(3);
  drop.shard = ShardId(3);
  drop.drop_below = RaftIndex(2);
  EXPECT_EQ(log.append(drop), "");
  log.begin_sync();
  EXPECT_EQ(log.end_sync(), AppendId(3));
  const auto images = log.image();
  ASSERT_EQ(images.size(), 1U);
  EXPECT_EQ(images[0].first_index, RaftIndex(2));
  ASSERT_EQ(images[0].entries.size(), 2U);
  EXPECT_EQ(images[0].entries[1].term, RaftTerm(2));
}

TEST(SimLog, gaps_are_told) {
  SimLog log;
  EXPECT_NE(log.append(entries(2, 1, 1)), "");
  SimLog other;
  EXPECT_NE(other.append(entries(1, 2, 1)), "");
}

}  // namespace
}  // namespace chasqui::sim
