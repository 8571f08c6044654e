#include "storage/disk_space.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "storage/sizing.h"
#include "storage/testing.h"

namespace chasqui::storage {
namespace {

using Disk = Pressure::Disk;
using testing::TempDir;

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t gib = 1 << 30;

TEST(DiskMarks, are_the_smaller_of_a_share_and_a_size) {
  EXPECT_EQ(disk_marks(100 * gib, 0).no_uploads_bytes, 2 * gib);
  EXPECT_EQ(disk_marks(100 * gib, 0).no_writes_bytes, gib);
  EXPECT_EQ(disk_marks(512 * mib, 0).no_uploads_bytes, 512 * mib / 10);
  EXPECT_EQ(disk_marks(512 * mib, 0).no_writes_bytes, 512 * mib / 20);
  EXPECT_EQ(disk_marks(100 * mib, 20 * mib).no_writes_bytes, 20 * mib);
  EXPECT_EQ(disk_marks(100 * mib, 20 * mib).no_uploads_bytes, 20 * mib);
}

TEST(DiskMarks, uploads_go_first_and_all_comes_back_a_quarter_above) {
  const DiskMarks marks{.no_uploads_bytes = 200, .no_writes_bytes = 100};
  EXPECT_EQ(decide(marks, Disk::Ok, 200), Disk::Ok);
  EXPECT_EQ(decide(marks, Disk::Ok, 199), Disk::NoUploads);
  EXPECT_EQ(decide(marks, Disk::NoUploads, 249), Disk::NoUploads);
  EXPECT_EQ(decide(marks, Disk::NoUploads, 250), Disk::Ok);
  EXPECT_EQ(decide(marks, Disk::NoUploads, 100), Disk::NoUploads);
  EXPECT_EQ(decide(marks, Disk::NoUploads, 99), Disk::NoWrites);
  EXPECT_EQ(decide(marks, Disk::NoWrites, 124), Disk::NoWrites);
  EXPECT_EQ(decide(marks, Disk::NoWrites, 125), Disk::NoUploads);
  EXPECT_EQ(decide(marks, Disk::NoWrites, 250), Disk::Ok);
  EXPECT_EQ(decide(marks, Disk::Ok, 0), Disk::NoWrites);
}

RC_GTEST_PROP(DiskMarksLaw, more_room_never_means_more_refusals, ()) {
  const auto size = *rc::gen::inRange<std::uint64_t>(0, 1000 * gib);
  const DiskMarks marks = disk_marks(size, *rc::gen::inRange<std::uint64_t>(0, gib));
  const auto before = *rc::gen::element(Disk::Ok, Disk::NoUploads, Disk::NoWrites);
  const auto less = *rc::gen::inRange<std::uint64_t>(0, 3 * gib);
  const auto more = less + *rc::gen::inRange<std::uint64_t>(0, 3 * gib);
  RC_ASSERT(decide(marks, before, less) >= decide(marks, before, more));
  // Steady: asked again with the same room, it says the same.
  const Disk once = decide(marks, before, less);
  RC_ASSERT(decide(marks, once, less) == once);
}

RC_GTEST_PROP(SizingLaw, what_rocksdb_still_needs_fits_below_the_mark, ()) {
  const auto size = *rc::gen::inRange<std::uint64_t>(512 * mib, 20'000 * gib);
  const Sizing sizing = sizing_for(size);
  RC_ASSERT(sizing.room_needed_bytes() <= disk_marks(size, 0).no_writes_bytes);
}

RC_GTEST_PROP(BallastLaw, leaves_the_disk_above_the_first_mark, ()) {
  const auto size = *rc::gen::inRange<std::uint64_t>(mib, 1000 * gib);
  const auto free = *rc::gen::inRange<std::uint64_t>(0, size);
  const DiskMarks marks = disk_marks(size, sizing_for(size).room_needed_bytes());
  const std::uint64_t bytes = ballast_bytes(size, free, marks, 2 * gib);
  RC_ASSERT(bytes <= size / 50 && bytes <= 2 * gib);
  RC_ASSERT(bytes == 0 || decide(marks, Disk::Ok, free - bytes) == Disk::Ok);
}

TEST(DiskSpace, makes_a_ballast_of_the_size_allowed) {
  const TempDir directory;
  auto space = DiskSpace::open(directory.path(), {.ballast_bytes_max = 3 * mib});
  ASSERT_TRUE(space.ok());
  ASSERT_TRUE((*space)->start().ok());
  EXPECT_EQ((*space)->level(), Disk::Ok);
  if ((*space)->ballast_bytes() == 0) GTEST_SKIP() << "this file system cannot reserve room";
  EXPECT_EQ(std::filesystem::file_size(directory / "BALLAST"), 3 * mib);
  // Found again by the next run.
  auto again = DiskSpace::open(directory.path(), {.ballast_bytes_max = 3 * mib});
  EXPECT_EQ((*again)->ballast_bytes(), 3 * mib);
}

TEST(DiskSpace, a_disk_too_small_for_a_store_is_refused) {
  const TempDir directory;
  auto options = testing::small_options(directory.path());
  options.disk.disk_bytes_max = 16 * mib;
  const absl::Status status = NodeStore::open(options).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("16 MiB"), absl::string_view::npos) << status;
}

TEST(DiskSpace, a_write_that_cannot_fit_is_refused_before) {
  const TempDir directory;
  auto space = DiskSpace::open(directory.path(), {.ballast_bytes_max = 0});
  ASSERT_TRUE((*space)->room_for(1).ok());
  const absl::Status status = (*space)->room_for(std::uint64_t{1} << 60);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(exit_code(status), exit_no_room);
}

}  // namespace
}  // namespace chasqui::storage
