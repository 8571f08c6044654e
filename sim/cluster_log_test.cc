#include "sim/cluster_log.h"

#include <gtest/gtest.h>

namespace chasqui::sim {
namespace {

const ShardId shard(3);

LogEntry entry(std::uint64_t term, std::int64_t log_time_ms) {
  log::Entry bytes;
  bytes.set_log_time_ms(log_time_ms);
  return {RaftTerm(term), EntryType::Command, std::make_shared<const std::string>(bytes.SerializeAsString())};
}
std::vector<EntryCommitted> told(ClusterLog& log, std::uint64_t index) {
  std::vector<Fact> facts;
  log.visible(shard, RaftIndex(index), facts);
  std::vector<EntryCommitted> entries;
  for (const Fact& fact : facts) entries.push_back(std::get<EntryCommitted>(fact));
  return entries;
}

TEST(ClusterLog, an_entry_is_committed_once_whoever_applies_it_first) {
  ClusterLog log;
  EXPECT_TRUE(log.applied(shard, RaftIndex(1), entry(1, 10)));
  EXPECT_FALSE(log.applied(shard, RaftIndex(1), entry(1, 10)));
  EXPECT_TRUE(log.applied(shard, RaftIndex(2), entry(1, 20)));
  EXPECT_EQ(log.committed(shard), RaftIndex(2));
}

TEST(ClusterLog, it_is_told_once_a_leader_has_applied_it) {
  ClusterLog log;
  for (std::uint64_t i = 1; i <= 3; ++i) (void)log.applied(shard, RaftIndex(i), entry(1, 10));
  EXPECT_EQ(told(log, 2).size(), 2U);
  EXPECT_EQ(told(log, 2).size(), 0U);
  EXPECT_EQ(told(log, 9).size(), 1U);
  std::vector<Fact> rest;
  (void)log.applied(shard, RaftIndex(4), entry(1, 10));
  log.all_visible(rest);
  EXPECT_EQ(rest.size(), 1U);
}

TEST(ClusterLog, who_appended_it_first_has_proposed_it) {
  ClusterLog log;
  log.appended(shard, RaftIndex(1), RaftTerm(1), 0, 100);
  log.appended(shard, RaftIndex(1), RaftTerm(2), 1, 200);  // another leader's, in its place
  log.appended(shard, RaftIndex(1), RaftTerm(2), 0, 300);
  (void)log.applied(shard, RaftIndex(1), entry(2, 10));
  const auto entries = told(log, 1);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].node, 1U);
  EXPECT_EQ(entries[0].wall_ms, 200);
  EXPECT_EQ(entries[0].entry.time.ms, 10);
}

}  // namespace
}  // namespace chasqui::sim
