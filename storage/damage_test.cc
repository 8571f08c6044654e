// What a disk, a person or a restored image can do to a store, and that none of it is taken for an earlier, shorter
// history: R3 and R4.
#include <fcntl.h>
#include <unistd.h>

#include "storage/log_rows.h"
#include "storage/testing.h"

namespace chasqui::storage {
namespace {

using testing::Appends;
using testing::applied;
using testing::entry;
using testing::open_store;
using testing::slurp;
using testing::small_options;
using testing::spill;
using testing::TempDir;
using testing::wal_path;
using testing::write_one;

constexpr std::size_t entries = 10;

// Ten synced entries, each a record of its own in the write-ahead log. `sizes`: of the log after each of them.
struct Ten {
  TempDir directory;
  std::vector<std::uintmax_t> sizes;
  std::string guards[2];  // as they were before the clean end: about the first entry only
  Ten() {
    const auto node = open_store(directory.path());
    Appends appends;
    for (std::size_t i = 1; i <= entries; ++i) {
      EXPECT_TRUE(write_one(node->log(), appends.entries(0, i, {entry(1, "payload " + std::to_string(i))})).ok());
      sizes.push_back(std::filesystem::file_size(wal_path(directory.path())));
    }
    guards[0] = slurp(directory / "TAIL.0");
    guards[1] = slurp(directory / "TAIL.1");
  }
  // As if the process had been killed, not ended: the guard lags behind.
  void as_after_kill() {
    spill(directory / "TAIL.0", guards[0]);
    spill(directory / "TAIL.1", guards[1]);
  }
  [[nodiscard]] absl::StatusOr<std::unique_ptr<NodeStore>> open() const {
    return NodeStore::open(small_options(directory.path()));
  }
  void expect_refused(const std::string& what) const {
    const absl::Status status = open().status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << what << ": " << status;
    EXPECT_EQ(exit_code(status), exit_suspect) << what;
  }
};

void cut(const std::string& path, std::uintmax_t bytes) {
  ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(bytes)), 0);
}

TEST(Damage, none_is_no_refusal) {
  Ten ten;
  const auto node = ten.open();
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ((*node)->take_log()[0].entries.size(), entries);
}

TEST(Damage, a_flipped_bit_in_the_log_is_refused) {
  for (const std::size_t victim : {std::size_t{1}, std::size_t{5}, entries - 2}) {
    Ten ten;
    const std::string path = wal_path(ten.directory.path());
    std::string bytes = slurp(path);
    const auto at = (ten.sizes[victim - 1] + ten.sizes[victim]) / 2;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    spill(path, bytes);
    ten.expect_refused("entry " + std::to_string(victim + 1));
  }
}

TEST(Damage, a_log_cut_at_a_records_border_is_refused) {
  Ten ten;
  cut(wal_path(ten.directory.path()), ten.sizes[4]);
  ten.expect_refused("cut");
}

TEST(Damage, a_log_cut_below_what_an_older_guard_knew_is_refused) {
  Ten ten;
  ten.as_after_kill();
  cut(wal_path(ten.directory.path()), 0);
  ten.expect_refused("cut");
}

TEST(Damage, a_log_that_was_deleted_is_refused) {
  Ten ten;
  std::filesystem::remove(wal_path(ten.directory.path()));
  ten.expect_refused("deleted");
}

TEST(Damage, a_torn_tail_that_was_never_acknowledged_is_cut) {
  Ten ten;
  ten.as_after_kill();
  cut(wal_path(ten.directory.path()), ten.sizes[entries - 1] - 3);
  const auto node = ten.open();
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ((*node)->take_log()[0].entries.size(), entries - 1);
}

TEST(Damage, a_store_put_back_from_an_older_copy_is_refused) {
  Ten ten;
  std::filesystem::copy(ten.directory / "db", ten.directory / "db.old", std::filesystem::copy_options::recursive);
  {
    const auto node = open_store(ten.directory.path());
    Appends appends;
    ASSERT_TRUE(write_one(node->log(), appends.entries(0, entries + 1, {entry(1, "newest")})).ok());
  }
  std::filesystem::remove_all(ten.directory / "db");
  std::filesystem::rename(ten.directory / "db.old", ten.directory / "db");
  ten.expect_refused("older copy");
}

TEST(Damage, a_forgotten_vote_is_refused) {
  const TempDir directory;
  std::uintmax_t size = 0;
  {
    const auto node = open_store(directory.path());
    Appends appends;
    ASSERT_TRUE(write_one(node->log(), appends.entries(0, 1, {entry(1, "a")})).ok());
    size = std::filesystem::file_size(wal_path(directory.path()));
    LogAppend vote = appends.next(0);
    vote.hard_state = HardState{RaftTerm(2), ReplicaId(3)};
    ASSERT_TRUE(write_one(node->log(), vote).ok());
  }
  // The guard's own word on the file's length aside: only what it says of the vote is left to notice.
  auto marks = *TailGuard::read(directory.path());
  marks.wal_bytes = 0;
  TailGuard guard(directory.path(), marks);
  ASSERT_TRUE(guard.write_both(marks).ok());
  cut(wal_path(directory.path()), size);
  const absl::Status status = NodeStore::open(small_options(directory.path())).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(status.message().find("vote of term 2"), absl::string_view::npos) << status;
}

TEST(Damage, a_table_that_is_gone_or_rotten_is_refused) {
  for (const bool rot : {false, true}) {
    Ten ten;
    open_store(ten.directory.path()).reset();  // recovery turns the write-ahead log into a table
    std::string table;
    for (const auto& file : std::filesystem::directory_iterator(ten.directory / "db")) {
      if (file.path().extension() == ".sst") table = file.path().string();
    }
    ASSERT_FALSE(table.empty());
    if (rot) {
      std::string bytes = slurp(table);
      bytes[20] = static_cast<char>(bytes[20] ^ 4);
      spill(table, bytes);
    } else {
      std::filesystem::remove(table);
    }
    ten.expect_refused(rot ? "rot" : "gone");
  }
}

TEST(Damage, a_state_that_is_ahead_of_the_log_is_refused) {
  Ten ten;
  {
    const auto node = open_store(ten.directory.path());
    node->store().write(applied(0, entries + 1, 1));
  }
  ten.expect_refused("ahead");
}

TEST(Damage, a_state_made_by_another_log_is_refused) {
  Ten ten;
  {
    const auto node = open_store(ten.directory.path());
    node->store().write(applied(0, entries, 2));
  }
  ten.expect_refused("another term");
}

TEST(Damage, a_state_without_any_log_is_refused) {
  Ten ten;
  {
    const auto node = open_store(ten.directory.path());
    node->store().write(applied(3, 1, 1));
  }
  ten.expect_refused("no log");
}

TEST(Damage, a_hole_in_the_log_is_refused_even_if_every_row_is_sound) {
  // By RocksDB's own means, which keep its checksums right: ours must notice. 0: the last is written anew, unchained.
  for (const std::uint64_t victim : {std::uint64_t{4}, std::uint64_t{0}}) {
    Ten ten;
    {
      RocksDb::Options options;
      options.directory = ten.directory / "db";
      options.sizing = sizing_for(256 << 20);
      const auto rocks = RocksDb::open(options);
      ASSERT_TRUE(rocks.ok()) << rocks.status();
      const ShardId shard(0);
      if (victim != 0) {
        ASSERT_TRUE((*rocks)->db().Delete({}, (*rocks)->log(), log_rows::entry_key(shard, RaftIndex(victim))).ok());
      } else {
        std::string value;
        log_rows::put_entry(shard, RaftIndex(entries), entry(1, "another"), 12345, value);
        ASSERT_TRUE(
            (*rocks)->db().Put({}, (*rocks)->log(), log_rows::entry_key(shard, RaftIndex(entries)), value).ok());
      }
    }
    ten.expect_refused("hole " + std::to_string(victim));
  }
}

TEST(Damage, a_store_once_refused_stays_marked) {
  Ten ten;
  const std::string path = wal_path(ten.directory.path());
  const std::string whole = slurp(path);
  cut(path, ten.sizes[4]);
  ten.expect_refused("cut");
  spill(path, whole);
  ten.expect_refused("still marked");
  ASSERT_TRUE(std::filesystem::remove(ten.directory / "SUSPECT"));  // as the message says
  const auto node = ten.open();
  EXPECT_TRUE(node.ok()) << node.status();
}

TEST(Failure, ends_the_process_with_74_and_marks_the_store) {
  const TempDir directory;
  {
    const auto node = open_store(directory.path());
    EXPECT_EXIT(node->fail(absl::InternalError("cannot sync the log: the disk is ill")),
                ::testing::ExitedWithCode(exit_suspect), "the disk is ill");
  }
  const absl::Status status = NodeStore::open(small_options(directory.path())).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_NE(status.message().find("the disk is ill"), absl::string_view::npos) << status;
}

TEST(Failure, for_want_of_room_ends_it_with_75_and_marks_nothing) {
  const TempDir directory;
  {
    const auto node = open_store(directory.path());
    EXPECT_EXIT(node->fail(absl::ResourceExhaustedError("full")), ::testing::ExitedWithCode(exit_no_room), "full");
  }
  EXPECT_TRUE(NodeStore::open(small_options(directory.path())).ok());
}

TEST(LogRows, any_changed_byte_or_place_is_noticed) {
  const ShardId shard(258);
  const RaftIndex index(77);
  std::string value;
  log_rows::put_entry(shard, index, entry(3, "payload"), 9, value);
  const auto row = log_rows::parse_entry(shard, index, value);
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(*row->entry.payload, "payload");
  EXPECT_EQ(row->crc_before, 9U);
  EXPECT_FALSE(log_rows::parse_entry(shard, index.next(), value).ok()) << "another index";
  EXPECT_FALSE(log_rows::parse_entry(ShardId(1), index, value).ok()) << "another shard";
  const std::string vote = log_rows::hard_state_value(shard, {RaftTerm(3), ReplicaId(4)});
  const std::string snapshot = log_rows::snapshot_value(shard, {RaftIndex(5), RaftTerm(3), "c", RaftIndex(2)});
  EXPECT_EQ(log_rows::parse_hard_state(shard, vote)->vote, ReplicaId(4));
  EXPECT_EQ(log_rows::parse_snapshot(shard, snapshot)->configuration, "c");
  for (std::size_t bit = 0; bit < 8 * value.size(); ++bit) {
    std::string damaged = value;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(log_rows::parse_entry(shard, index, damaged).ok()) << bit;
    EXPECT_FALSE(log_rows::parse_entry(shard, index, std::string_view(value).substr(0, bit / 8)).ok()) << bit;
  }
  for (std::size_t i = 0; i < vote.size(); ++i) {
    std::string damaged = vote;
    damaged[i] = static_cast<char>(damaged[i] ^ 16);
    EXPECT_FALSE(log_rows::parse_hard_state(shard, damaged).ok());
    EXPECT_FALSE(log_rows::parse_hard_state(shard, vote.substr(0, i)).ok());
  }
  for (std::size_t i = 0; i < snapshot.size(); ++i) {
    EXPECT_FALSE(log_rows::parse_snapshot(shard, snapshot.substr(0, i)).ok());
  }
}

}  // namespace
}  // namespace chasqui::storage
