#include "runtime/chasqui/journal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

namespace chasqui::cli {
namespace {

class Folder {
 public:
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "chasqui-journal-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string journal() const { return path_ + "/journal"; }

 private:
  std::string path_;
};

std::vector<std::string> records_of(const std::string& path) {
  std::vector<std::string> records;
  EXPECT_TRUE(Journal::open(path, records).ok());
  return records;
}

TEST(Journal, what_was_appended_is_there_after_a_restart) {
  const Folder folder;
  std::vector<std::string> records;
  auto journal = Journal::open(folder.journal(), records);
  ASSERT_TRUE(journal.ok());
  EXPECT_TRUE(records.empty());
  ASSERT_TRUE(journal->append({"uno", ""}).ok());
  ASSERT_TRUE(journal->append({std::string(100'000, 'x')}).ok());
  EXPECT_EQ(records_of(folder.journal()), (std::vector<std::string>{"uno", "", std::string(100'000, 'x')}));
}

// Cut or spoilt anywhere, the journal opens with a prefix of what was written, and takes new records after it.
RC_GTEST_PROP(JournalLaw, a_torn_end_costs_only_what_was_not_synced,
              (const std::vector<std::string>& written, std::uint32_t place, bool flip)) {
  const Folder folder;
  {
    std::vector<std::string> none;
    auto journal = Journal::open(folder.journal(), none);
    RC_ASSERT(journal.ok());
    RC_ASSERT(journal->append(written).ok());
  }
  std::string bytes = *read_file(folder.journal());
  const std::size_t at = Journal::magic.size() + place % (bytes.size() - Journal::magic.size() + 1);
  if (flip && at < bytes.size()) {
    bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
  } else {
    bytes.resize(at);
  }
  RC_ASSERT(write_file_durably(folder.journal(), bytes).ok());

  std::vector<std::string> read;
  auto journal = Journal::open(folder.journal(), read);
  RC_ASSERT(journal.ok());
  RC_ASSERT(read.size() <= written.size());
  RC_ASSERT(std::equal(read.begin(), read.end(), written.begin()));
  RC_ASSERT(journal->append({"después"}).ok());
  read.push_back("después");
  RC_ASSERT(records_of(folder.journal()) == read);
}

TEST(Journal, a_rewrite_replaces_everything_and_goes_on) {
  const Folder folder;
  std::vector<std::string> records;
  auto journal = Journal::open(folder.journal(), records);
  ASSERT_TRUE(journal.ok());
  ASSERT_TRUE(journal->append(std::vector<std::string>(100, std::string(10'000, 'y'))).ok());
  EXPECT_TRUE(journal->is_long());
  ASSERT_TRUE(journal->rewrite({"corto"}).ok());
  EXPECT_FALSE(journal->is_long());
  ASSERT_TRUE(journal->append({"más"}).ok());
  EXPECT_EQ(records_of(folder.journal()), (std::vector<std::string>{"corto", "más"}));
}

TEST(Journal, another_file_is_not_overwritten) {
  const Folder folder;
  ASSERT_TRUE(write_file_durably(folder.journal(), "my diary").ok());
  std::vector<std::string> records;
  EXPECT_EQ(Journal::open(folder.journal(), records).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(*read_file(folder.journal()), "my diary");
}

TEST(Journal, a_full_disk_is_said_and_leaves_the_journal_whole) {
  std::vector<std::string> records;
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "there is no /dev/full here";
  EXPECT_EQ(write_all(1, "", "x").code(), absl::StatusCode::kOk);
  const Descriptor full(::open("/dev/full", O_WRONLY));
  EXPECT_EQ(write_all(full.get(), "x", "/dev/full").code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace chasqui::cli
