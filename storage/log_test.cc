#include "storage/log.h"

#include "storage/testing.h"

namespace chasqui::storage {
namespace {

using testing::Appends;
using testing::applied;
using testing::entry;
using testing::open_store;
using testing::TempDir;
using testing::write_one;

std::vector<std::string> payloads(const ReplicaImage& image) {
  std::vector<std::string> all;
  for (const LogEntry& e : image.entries) all.push_back(*e.payload);
  return all;
}
using Payloads = std::vector<std::string>;

// One entry for each index from..to, whose payload is its index.
LogAppend numbered(Appends& appends, std::uint64_t shard, std::uint64_t from, std::uint64_t to, std::uint64_t term) {
  std::vector<LogEntry> entries;
  for (std::uint64_t i = from; i <= to; ++i) entries.push_back(entry(term, std::to_string(i)));
  return appends.entries(shard, from, std::move(entries));
}

TEST(Log, a_new_store_has_an_empty_log) {
  const TempDir directory;
  EXPECT_TRUE(open_store(directory.path())->take_log().empty());
  EXPECT_TRUE(open_store(directory.path())->take_log().empty());
}

TEST(Log, what_was_written_is_there_after_a_restart) {
  const TempDir directory;
  Appends appends;
  {
    const auto node = open_store(directory.path());
    std::vector<LogAppend> group;
    group.push_back(appends.entries(0, 1, {entry(1, "configuration", EntryType::Change), entry(1, "a")}));
    group[0].hard_state = HardState{RaftTerm(1), ReplicaId(7)};
    group.push_back(appends.entries(3, 1, {{RaftTerm(2), EntryType::Barrier, nullptr}}));
    ASSERT_TRUE(node->log().write(group).ok());
    EXPECT_EQ(node->log().syncs(), 1U);  // one for all
  }
  const auto log = open_store(directory.path())->take_log();
  ASSERT_EQ(log.size(), 2U);
  EXPECT_EQ(log[0].shard, ShardId(0));
  EXPECT_EQ(log[0].hard_state, (HardState{RaftTerm(1), ReplicaId(7)}));
  EXPECT_EQ(log[0].first_index, RaftIndex(1));
  EXPECT_EQ(payloads(log[0]), (Payloads{"configuration", "a"}));
  EXPECT_EQ(log[0].entries[0].type, EntryType::Change);
  EXPECT_EQ(log[1].shard, ShardId(3));
  ASSERT_EQ(log[1].entries.size(), 1U);
  EXPECT_EQ(log[1].entries[0].type, EntryType::Barrier);
  EXPECT_EQ(log[1].entries[0].term, RaftTerm(2));
}

TEST(Log, a_new_leader_cuts_the_tail) {
  const TempDir directory;
  Appends appends;
  {
    const auto node = open_store(directory.path());
    ASSERT_TRUE(write_one(node->log(), numbered(appends, 0, 1, 9, 1)).ok());
    ASSERT_TRUE(write_one(node->log(), appends.entries(0, 5, {entry(2, "new")})).ok());
    // Within one group, too: what was appended is cut by the next.
    std::vector<LogAppend> group = {numbered(appends, 0, 6, 8, 2), appends.entries(0, 7, {entry(3, "newer")})};
    ASSERT_TRUE(node->log().write(group).ok());
    LogAppend vote = appends.next(0);  // no entries: nothing is cut
    vote.hard_state = HardState{RaftTerm(4), ReplicaId(1)};
    vote.first_index = RaftIndex(2);
    ASSERT_TRUE(write_one(node->log(), vote).ok());
  }
  const auto log = open_store(directory.path())->take_log();
  ASSERT_EQ(log.size(), 1U);
  EXPECT_EQ(payloads(log[0]), (Payloads{"1", "2", "3", "4", "new", "6", "newer"}));
}

TEST(Log, a_tail_cut_to_an_older_term_is_no_loss) {
  const TempDir directory;
  Appends appends;
  {
    const auto node = open_store(directory.path());
    ASSERT_TRUE(write_one(node->log(), numbered(appends, 0, 1, 4, 1)).ok());
    ASSERT_TRUE(write_one(node->log(), numbered(appends, 0, 5, 9, 3)).ok());
    ASSERT_TRUE(node->log().close_gap().ok());  // the guard promises (3, 9)
    ASSERT_TRUE(write_one(node->log(), appends.entries(0, 5, {entry(2, "of an old leader")})).ok());
    // As a crash would leave it: the guard does not know of the cut.
    for (const char* file : {"/TAIL.0", "/TAIL.1"}) {
      testing::spill(directory.path() + file + ".kept", testing::slurp(directory.path() + file));
    }
  }
  for (const char* file : {"/TAIL.0", "/TAIL.1"}) {
    testing::spill(directory.path() + file, testing::slurp(directory.path() + file + ".kept"));
  }
  const auto node = open_store(directory.path());
  ASSERT_NE(node, nullptr);
  EXPECT_EQ(payloads(node->take_log()[0]).back(), "of an old leader");
}

TEST(Log, entries_are_dropped_only_behind_the_flushed_state) {
  const TempDir directory;
  Appends appends;
  {
    const auto node = open_store(directory.path());
    ASSERT_TRUE(write_one(node->log(), numbered(appends, 0, 1, 400, 1)).ok());
    node->store().write(applied(0, 200, 1));
    node->store().flush_state();
    node->store().write(applied(0, 400, 1));  // not flushed
    LogAppend drop = appends.next(0);
    drop.snapshot = Snapshot{RaftIndex(400), RaftTerm(1), "c", RaftIndex(1)};
    drop.drop_below = RaftIndex(390);
    ASSERT_TRUE(write_one(node->log(), drop).ok());
    EXPECT_GT(node->log().drops_held_back(), 0U);
  }
  const auto log = open_store(directory.path())->take_log();
  EXPECT_EQ(log[0].first_index, RaftIndex(201));
  EXPECT_EQ(payloads(log[0]).front(), "201");
  EXPECT_EQ(payloads(log[0]).back(), "400");
  EXPECT_EQ(log[0].snapshot.index, RaftIndex(400));
  EXPECT_EQ(log[0].snapshot.configuration, "c");
}

TEST(Log, an_installed_snapshot_starts_the_log_anew) {
  const TempDir directory;
  Appends appends;
  {
    const auto node = open_store(directory.path());
    ASSERT_TRUE(write_one(node->log(), numbered(appends, 0, 1, 9, 3)).ok());
    ASSERT_TRUE(node->log().close_gap().ok());
    node->store().write(applied(0, 100, 2));
    node->store().flush_state();
    LogAppend reset = appends.next(0);
    reset.reset = true;
    reset.snapshot = Snapshot{RaftIndex(100), RaftTerm(2), "c", RaftIndex(50)};
    ASSERT_TRUE(write_one(node->log(), reset).ok());
    ASSERT_TRUE(write_one(node->log(), numbered(appends, 0, 101, 102, 4)).ok());
  }
  const auto log = open_store(directory.path())->take_log();
  EXPECT_EQ(log[0].first_index, RaftIndex(101));
  EXPECT_EQ(payloads(log[0]), (Payloads{"101", "102"}));
}

TEST(Log, dropping_and_appending_for_long_keeps_what_is_wanted) {
  const TempDir directory;
  Appends appends;
  constexpr std::uint64_t rounds = 60;
  {
    const auto node = open_store(directory.path());
    for (std::uint64_t round = 0; round < rounds; ++round) {
      const std::uint64_t end = 100 * (round + 1);
      ASSERT_TRUE(write_one(node->log(), numbered(appends, 1, end - 99, end, 1)).ok());
      node->store().write(applied(1, end, 1));
      if (round % 10 == 0) node->store().flush_state();
      LogAppend drop = appends.next(1);
      drop.snapshot = Snapshot{RaftIndex(end), RaftTerm(1), "c", RaftIndex(1)};
      drop.drop_below = RaftIndex(end - 20);
      ASSERT_TRUE(write_one(node->log(), drop).ok());
    }
  }
  const auto log = open_store(directory.path())->take_log();
  EXPECT_EQ(payloads(log[0]).back(), std::to_string(100 * rounds));
  EXPECT_EQ(payloads(log[0]).front(), std::to_string(log[0].first_index.value()));
  EXPECT_EQ(log[0].first_index, RaftIndex(5080));  // the last flush was at 5,100
}

TEST(Log, the_guard_is_written_at_once_and_then_rarely) {
  const TempDir directory;
  Appends appends;
  const auto node = open_store(directory.path());
  const auto far = std::chrono::steady_clock::time_point::max();
  EXPECT_EQ(node->log().gap_due(), far);
  ASSERT_TRUE(write_one(node->log(), numbered(appends, 0, 1, 1, 1)).ok());
  EXPECT_EQ(node->log().gap_due(), far);  // closed by the write itself
  ASSERT_TRUE(write_one(node->log(), numbered(appends, 0, 2, 2, 1)).ok());
  EXPECT_LE(node->log().gap_due(), std::chrono::steady_clock::now() + std::chrono::seconds(1));
  ASSERT_TRUE(node->log().close_gap().ok());
  EXPECT_EQ(node->log().gap_due(), far);
  EXPECT_EQ(TailGuard::read(directory.path())->shards.at(ShardId(0)).last_index, RaftIndex(2));
}

}  // namespace
}  // namespace chasqui::storage
