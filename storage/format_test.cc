#include "storage/format.h"

#include <sys/stat.h>
#include <unistd.h>

#include "storage/durable_file.h"
#include "storage/testing.h"

namespace chasqui::storage {
namespace {

using testing::slurp;
using testing::small_options;
using testing::spill;
using testing::TempDir;

Format example() {
  Format format;
  format.store = "0123456789abcdef";
  format.cluster = std::string("\0\xff\n 56789abcdef", 15) + "x";
  format.shards = ShardCount{64};
  format.created_ms = 1'700'000'000'000;
  return format;
}

TEST(Format, is_read_as_it_was_written) {
  const TempDir directory;
  ASSERT_TRUE(write_format(directory.path(), example()).ok());
  EXPECT_EQ(*read_format(directory.path()), example());
  EXPECT_TRUE(absl::IsNotFound(read_format(directory / "none").status()));
}

TEST(Format, any_changed_byte_is_noticed) {
  const std::string text = to_text(example());
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const int flip : {1, 0x20}) {
      std::string damaged = text;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      EXPECT_FALSE(parse_format(damaged, "F").ok()) << damaged;
    }
    EXPECT_FALSE(parse_format(text.substr(0, i), "F").ok()) << "cut at " << i;
  }
  EXPECT_TRUE(absl::IsDataLoss(parse_format("", "F").status()));
}

TEST(Format, a_store_of_a_newer_chasqui_is_refused_with_what_to_do) {
  const TempDir directory;
  {
    ASSERT_TRUE(NodeStore::open(small_options(directory.path())).ok());
  }
  Format newer = *read_format(directory.path());
  newer.version = 3;
  ASSERT_TRUE(write_format(directory.path(), newer).ok());
  const absl::Status status = NodeStore::open(small_options(directory.path())).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("made by a newer Chasqui (format 3, this one reads up to 1): upgrade, or use another "
                                  "--data-dir"),
            absl::string_view::npos)
      << status;
  // Whatever else a newer format looks like.
  EXPECT_TRUE(absl::IsFailedPrecondition(parse_format("chasqui store\nversion 2\n{}", "F").status()));
}

TEST(Format, another_cluster_or_number_of_shards_is_refused) {
  const TempDir directory;
  auto options = small_options(directory.path());
  options.cluster = std::string(16, 'c');
  {
    ASSERT_TRUE(NodeStore::open(options).ok());
  }
  options.cluster = std::string(16, 'd');
  EXPECT_TRUE(absl::IsFailedPrecondition(NodeStore::open(options).status()));
  options.cluster = std::nullopt;
  {
    const auto node = NodeStore::open(options);
    ASSERT_TRUE(node.ok()) << node.status();
    EXPECT_EQ((*node)->format().cluster, std::string(16, 'c'));
    EXPECT_EQ((*node)->format().store.size(), 16U);
  }
  options.shards = ShardCount{5};
  const absl::Status status = NodeStore::open(options).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_NE(status.message().find("has 4 shards, the configuration says 5"), absl::string_view::npos) << status;
}

TEST(Lock, a_second_process_is_refused_and_told_who_has_it) {
  const TempDir directory;
  auto first = NodeStore::open(small_options(directory.path()));
  ASSERT_TRUE(first.ok());
  const absl::Status status = NodeStore::open(small_options(directory.path())).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("pid " + std::to_string(::getpid())), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find(directory.path()), absl::string_view::npos) << status;
  first->reset();
  EXPECT_TRUE(NodeStore::open(small_options(directory.path())).ok());
}

TEST(Files, nobody_else_may_read_them) {
  const TempDir parent;
  const std::string directory = parent / "a/b/";
  auto node = NodeStore::open(small_options(directory));
  ASSERT_TRUE(node.ok()) << node.status();
  (*node)->store().write(testing::applied(0, 0, 0));
  (*node)->store().flush_state();
  for (const auto& file : std::filesystem::recursive_directory_iterator(parent.path())) {
    struct stat info{};
    ASSERT_EQ(::lstat(file.path().c_str(), &info), 0);
    if (S_ISDIR(info.st_mode)) {
      EXPECT_EQ(info.st_mode & 0777, 0700U) << file.path();
    } else if (file.path().string().find("/db/") == std::string::npos) {  // RocksDB's: behind a directory of 0700
      EXPECT_EQ(info.st_mode & 0777, 0600U) << file.path();
    }
  }
}

TEST(Files, a_symbolic_link_in_place_of_a_file_is_refused) {
  const TempDir directory;
  spill(directory / "elsewhere", "kept");
  for (const char* name : {"LOCK", "FORMAT", "SUSPECT"}) {
    ASSERT_EQ(::symlink((directory / "elsewhere").c_str(), (directory / name).c_str()), 0);
    EXPECT_FALSE(NodeStore::open(small_options(directory.path())).ok()) << name;
    ::unlink((directory / name).c_str());
  }
  // A file that is written goes in the link's place, never through it.
  ASSERT_EQ(::symlink((directory / "elsewhere").c_str(), (directory / "NAME").c_str()), 0);
  ASSERT_EQ(::symlink((directory / "elsewhere").c_str(), (directory / "NAME.new").c_str()), 0);
  ASSERT_TRUE(write_file(directory.path(), "NAME", "new").ok());
  EXPECT_EQ(slurp(directory / "NAME"), "new");
  EXPECT_EQ(slurp(directory / "elsewhere"), "kept");
}

TEST(Files, one_that_is_too_long_is_not_read) {
  const TempDir directory;
  spill(directory / "long", std::string(101, 'x'));
  EXPECT_EQ(read_file(directory / "long", 101)->size(), 101U);
  EXPECT_TRUE(absl::IsFailedPrecondition(read_file(directory / "long", 100).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(read_file(directory.path(), 100).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(make_directory(directory / "long")));
}

TEST(Format, a_part_of_a_store_is_not_taken_for_a_new_one) {
  for (const char* lost : {"FORMAT", "TAIL.*", "db"}) {
    const TempDir directory;
    {
      const auto node = testing::open_store(directory.path());
      testing::Appends appends;
      ASSERT_TRUE(testing::write_one(node->log(), appends.entries(0, 1, {testing::entry(1, "a")})).ok());
    }
    if (std::string(lost) == "TAIL.*") {
      std::filesystem::remove(directory / "TAIL.0");
      std::filesystem::remove(directory / "TAIL.1");
    } else {
      std::filesystem::remove_all(directory / lost);
    }
    const absl::Status status = NodeStore::open(small_options(directory.path())).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << lost << ": " << status;
  }
}

}  // namespace
}  // namespace chasqui::storage
