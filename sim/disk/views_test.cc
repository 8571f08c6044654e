// What judges of a cluster see of disks: the digest of a shard's rows, and the log with what is not acknowledged.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "core/base/keys.h"
#include "sim/disk/sim_log.h"
#include "sim/disk/sim_store.h"

namespace chasqui::sim {
namespace {

const ShardId shard(1);

std::string row_key(std::uint8_t number) {
  return keys::account(shard, UserId(std::uint64_t{number} % 4 + 1));
}

RC_GTEST_PROP(SimStore, a_digest_is_that_of_the_rows_whatever_was_written_and_rewound,
              (std::vector<std::vector<std::pair<std::uint8_t, std::uint8_t>>> batches)) {
  std::map<std::map<std::string, std::string>, std::uint64_t> known;  // by all rows
  SimStore store;
  std::uint64_t told = 0;
  store.watch([&](ShardId of, const std::string&, std::uint64_t digest) {
    RC_ASSERT(of == shard);
    told = digest;
  });
  const auto look = [&] {
    std::map<std::string, std::string> rows;
    for (const Row& row : store.read({"", "\xff\xff\xff", 1'000, 1'000'000, false}).rows) rows[row.key] = row.value;
    const auto [it, fresh] = known.try_emplace(rows, told);
    RC_ASSERT(it->second == told);
  };
  for (const auto& rows : batches) {
    WriteBatch batch;
    std::map<std::string, std::uint8_t> once;
    for (const auto& [key, value] : rows) once[row_key(key)] = value % 4;
    for (const auto& [key, value] : once) {
      if (value == 0) batch.remove(key);
      if (value != 0) batch.put(key, std::to_string(value));
    }
    batch.put(keys::numbers(shard), "same");
    const std::uint64_t before = store.version();
    store.write(batch);
    look();
    if (*rc::gen::inRange(0, 3) != 0) continue;
    store.rewind(*rc::gen::inRange<std::uint64_t>(store.flushed(), before + 1));
    store.write(batch);
    look();
  }
}

TEST(SimStore, other_rows_give_another_digest_and_a_replicas_own_rows_none) {
  std::vector<std::uint64_t> told;
  SimStore store;
  store.watch([&](ShardId, const std::string&, std::uint64_t digest) { told.push_back(digest); });
  const auto write = [&](const std::string& key, const std::string& value) {
    WriteBatch batch;
    if (!key.empty()) batch.put(key, value);
    batch.put(keys::numbers(shard), "same");
    store.write(batch);
  };
  write("", "");
  write(row_key(0), "a");
  write(row_key(0), "b");
  std::string own = keys::numbers(shard);
  own.back() = 'L';
  write(own, "mine alone");
  ASSERT_EQ(told.size(), 4U);
  EXPECT_NE(told[0], told[1]);
  EXPECT_NE(told[1], told[2]);
  EXPECT_EQ(told[2], told[3]);
}

RC_GTEST_PROP(SimLog, one_entry_is_that_of_the_whole_view, (std::vector<std::pair<std::uint8_t, std::uint8_t>> steps)) {
  SimLog log;
  std::uint64_t id = 0, last = 0, term = 1;
  for (const auto& [at, count] : steps) {
    if (count % 5 == 0) {
      if (log.idle()) log.begin_sync();
      if (!log.idle() && at % 2 == 0) (void)log.end_sync();
      continue;
    }
    LogAppend append;
    append.id = AppendId(++id);
    append.shard = shard;
    append.first_index = RaftIndex(1 + at % (last + 1));
    append.hard_state = HardState{RaftTerm(++term), ReplicaId(1)};
    for (int i = 0; i < count % 5; ++i) append.entries.push_back({RaftTerm(term), EntryType::Barrier, nullptr});
    last = append.first_index.value() + append.entries.size() - 1;
    RC_ASSERT(log.append(std::move(append)).empty());
    const SimLog::View view = log.view(shard);
    RC_ASSERT(view.term == log.term(shard));
    for (std::uint64_t index = 0; index <= last + 2; ++index) {
      const LogEntry* whole = view.at(RaftIndex(index));
      const LogEntry* one = log.entry(shard, RaftIndex(index));
      RC_ASSERT((whole == nullptr) == (one == nullptr));
      if (one != nullptr) RC_ASSERT(whole->term == one->term);
    }
  }
}

}  // namespace
}  // namespace chasqui::sim
