// Another replica's state in the place of ours: which logs may stand beside it, and which mean that something was lost.
#include "storage/staging.h"

#include "storage/testing.h"

namespace chasqui::storage {
namespace {

using testing::Appends;
using testing::applied;
using testing::entry;
using testing::open_store;
using testing::small_options;
using testing::TempDir;
using testing::write_one;

// Entries 1 to 10, applied up to 8.
struct Ten {
  TempDir directory;
  Appends appends;
  std::unique_ptr<NodeStore> node = open_store(directory.path());
  Ten() {
    for (std::uint64_t i = 1; i <= 10; ++i) {
      LogAppend append = appends.entries(0, i, {entry(1, "payload " + std::to_string(i))});
      if (i == 1) append.hard_state = HardState{RaftTerm(3), ReplicaId()};
      EXPECT_TRUE(write_one(node->log(), std::move(append)).ok());
    }
    node->store().write(applied(0, 8, 1));
    WriteBatch other;
    other.put(keys::handle(ShardId(1), "other"), "of another shard");
    other.put(keys::handle(ShardId(0), "old"), "of the old state");
    node->store().write(other);
  }
  // The state at 22, offered with a descriptor at 20.
  void ingest(bool says_so = true) {
    state::Shard numbers;
    numbers.set_applied_index(22);
    numbers.set_applied_term(3);
    const std::vector<Row> rows{{keys::handle(ShardId(0), "new"), "of the new state"},
                                {keys::numbers(ShardId(0)), numbers.SerializeAsString()}};
    EXPECT_TRUE(node->staging().add(StreamId(1), rows).ok());
    state::Ingested ingested;
    ingested.set_index(20);
    ingested.set_term(3);
    ingested.set_applied(22);
    std::vector<Row> local;
    if (says_so) local.push_back({keys::ingested(ShardId(0)), ingested.SerializeAsString()});
    const auto status =
        node->staging().ingest(StreamId(1), keys::shard_begin(ShardId(0)), keys::shard_end(ShardId(0)), local);
    EXPECT_TRUE(status.ok()) << status;
  }
  LogAppend descriptor() {
    LogAppend append = appends.next(0);
    append.reset = true;
    append.snapshot = Snapshot{RaftIndex(20), RaftTerm(3), "configuration", RaftIndex(1)};
    return append;
  }
  absl::Status reopen() {
    node.reset();
    auto opened = NodeStore::open(small_options(directory.path()));
    if (opened.ok()) node = *std::move(opened);
    return opened.status();
  }
};

TEST(Ingest, replaces_the_shards_rows_and_no_others) {
  Ten ten;
  ten.ingest();
  EXPECT_EQ(ten.node->store().get(keys::handle(ShardId(0), "old")), std::nullopt);
  EXPECT_EQ(ten.node->store().get(keys::handle(ShardId(0), "new")), "of the new state");
  EXPECT_EQ(ten.node->store().get(keys::handle(ShardId(1), "other")), "of another shard");
  EXPECT_EQ(ten.node->store().flushed_applied(ShardId(0)), RaftIndex(22));
  EXPECT_TRUE(std::filesystem::is_empty(ten.directory / "staging"));
}

TEST(Ingest, a_log_from_before_is_accepted_beside_it) {
  Ten ten;
  ten.ingest();
  ASSERT_TRUE(ten.reopen().ok());
  const auto images = ten.node->take_log();
  ASSERT_EQ(images.size(), 1U);
  EXPECT_EQ(images[0].entries.size(), 10U);  // core/replica/image.h ends the install
}

TEST(Ingest, a_log_that_begins_behind_its_descriptor_is_accepted_as_long_as_the_state_is_as_it_came) {
  Ten ten;
  ten.ingest();
  ASSERT_TRUE(write_one(ten.node->log(), ten.descriptor()).ok());
  ASSERT_TRUE(ten.reopen().ok());
  auto images = ten.node->take_log();
  ASSERT_EQ(images.size(), 1U);
  EXPECT_TRUE(images[0].entries.empty());
  EXPECT_EQ(images[0].first_index, RaftIndex(21));
  EXPECT_EQ(images[0].hard_state.term, RaftTerm(3));
  // The log goes on from there, and so does the state.
  Appends appends;
  ASSERT_TRUE(write_one(ten.node->log(), appends.entries(0, 21, {entry(3, "a"), entry(3, "b"), entry(3, "c")})).ok());
  ten.node->store().write(applied(0, 23, 3));
  ten.node->store().flush_state();
  EXPECT_TRUE(ten.reopen().ok());
}

TEST(Ingest, a_state_that_went_on_without_its_log_is_refused) {
  Ten ten;
  ten.ingest();
  ASSERT_TRUE(write_one(ten.node->log(), ten.descriptor()).ok());
  ten.node->store().write(applied(0, 23, 3));
  ten.node->store().flush_state();
  EXPECT_TRUE(absl::IsDataLoss(ten.reopen()));
}

TEST(Ingest, a_state_ahead_of_its_log_that_does_not_say_why_is_refused) {
  Ten ten;
  ten.ingest(false);
  EXPECT_TRUE(absl::IsDataLoss(ten.reopen()));
}

}  // namespace
}  // namespace chasqui::storage
