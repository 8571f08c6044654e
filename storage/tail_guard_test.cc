#include "storage/tail_guard.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "storage/testing.h"

namespace chasqui::storage {
namespace {

using testing::slurp;
using testing::spill;
using testing::TempDir;

TailMark mark(std::uint64_t term, std::uint64_t index, std::uint64_t vote_term = 1, std::uint64_t vote = 0,
              std::uint64_t snapshot = 0) {
  return {RaftTerm(term), RaftIndex(index), {RaftTerm(vote_term), ReplicaId(vote)}, RaftIndex(snapshot)};
}

TailMarks of(TailMark m) {
  TailMarks marks;
  marks.shards[ShardId(7)] = m;
  return marks;
}

absl::Status check(TailMark promised, TailMark found) {
  return check_tail(of(promised), of(found).shards);
}

TEST(TailGuard, a_log_that_came_as_far_or_further_is_whole) {
  EXPECT_TRUE(check(mark(2, 10), mark(2, 10)).ok());
  EXPECT_TRUE(check(mark(2, 10), mark(2, 11)).ok());
  EXPECT_TRUE(check(mark(2, 10), mark(3, 4)).ok()) << "a new leader truncates";
  EXPECT_TRUE(check(mark(2, 10, 2, 5), mark(2, 10, 3, 0)).ok());
  EXPECT_TRUE(check(mark(2, 10, 2, 0), mark(2, 10, 2, 5)).ok());
  EXPECT_TRUE(check_tail(TailMarks{}, of(mark(1, 1)).shards).ok());
}

TEST(TailGuard, a_log_that_lost_something_is_not) {
  EXPECT_TRUE(absl::IsDataLoss(check(mark(2, 10), mark(2, 9))));
  EXPECT_TRUE(absl::IsDataLoss(check(mark(3, 4), mark(2, 10))));
  EXPECT_TRUE(absl::IsDataLoss(check(mark(2, 10, 3), mark(2, 10, 2)))) << "its term went back";
  EXPECT_TRUE(absl::IsDataLoss(check(mark(2, 10, 3, 1), mark(2, 10, 3, 0)))) << "its vote was forgotten";
  EXPECT_TRUE(absl::IsDataLoss(check(mark(2, 10, 3, 1), mark(2, 10, 3, 2)))) << "its vote is another";
  EXPECT_TRUE(absl::IsDataLoss(check(mark(2, 10, 1, 0, 8), mark(2, 10, 1, 0, 7))));
  const absl::Status gone = check_tail(of(mark(2, 10)), {});
  EXPECT_TRUE(absl::IsDataLoss(gone));
  EXPECT_NE(gone.message().find("shard 7"), absl::string_view::npos) << gone;
}

RC_GTEST_PROP(TailGuardLaw, is_read_as_written_and_no_byte_may_change, (std::uint64_t wal, std::uint8_t shards)) {
  TailMarks marks;
  marks.generation = *rc::gen::arbitrary<std::uint64_t>();
  marks.wal_number = wal;
  for (std::uint64_t i = 0; i < shards; ++i) marks.shards[ShardId(i * 257)] = mark(wal, i, wal / 3, i, wal / 5);
  std::string bytes = to_bytes(marks);
  RC_ASSERT(*parse_tail_marks(bytes) == marks);
  RC_ASSERT(*parse_tail_marks(bytes + "left of a longer one") == marks);
  const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  RC_ASSERT(!parse_tail_marks(bytes.substr(0, at)).ok());
  bytes[at] = static_cast<char>(bytes[at] ^ (1 << *rc::gen::inRange(0, 8)));
  RC_ASSERT(!parse_tail_marks(bytes).ok());
}

TEST(TailGuard, a_torn_file_leaves_the_one_before) {
  const TempDir directory;
  TailGuard guard(directory.path(), {});
  EXPECT_TRUE(absl::IsNotFound(TailGuard::read(directory.path()).status()));
  ASSERT_TRUE(guard.write_both(of(mark(1, 1))).ok());
  ASSERT_TRUE(guard.write(of(mark(1, 2))).ok());
  ASSERT_TRUE(guard.write(of(mark(1, 3))).ok());
  EXPECT_EQ(TailGuard::read(directory.path())->shards.at(ShardId(7)).last_index, RaftIndex(3));
  const std::string newest = guard.last().generation % 2 == 0 ? "TAIL.0" : "TAIL.1";
  const std::string older = guard.last().generation % 2 == 0 ? "TAIL.1" : "TAIL.0";
  spill(directory / newest, slurp(directory / newest).substr(0, 30));
  EXPECT_EQ(TailGuard::read(directory.path())->shards.at(ShardId(7)).last_index, RaftIndex(2));
  std::filesystem::remove(directory / older);
  EXPECT_TRUE(absl::IsDataLoss(TailGuard::read(directory.path()).status()));
}

}  // namespace
}  // namespace chasqui::storage
