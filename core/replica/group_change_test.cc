// Rules 4, 5, 6, 15, 16 and 18: configurations.
#include <gtest/gtest.h>

#include "core/replica/test_bench.h"

namespace chasqui::replica {
namespace {

// ---------------------------------------------------------------------------------- 4: the library is told of commits

absl::Status second_change(bool rule) {
  Rules rules;
  rules.feed_configurations = rule;
  Bench bench(1, rules);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.lead(2);
  EXPECT_TRUE(bench.change(servers({1, 2, 3}, {4})).ok());
  EXPECT_FALSE(bench.change(servers({1, 2, 3}, {4, 5})).ok());  // one at a time
  bench.sync();
  bench.receive(bench.append_result(2, bench.group->last_index().value()));
  EXPECT_EQ(bench.group->commit_index(), bench.group->last_index());
  return bench.change(servers({1, 2, 3}, {4, 5}));
}

TEST(Rule4, after_a_committed_change_the_next_is_accepted) {
  EXPECT_TRUE(second_change(true).ok());
}

TEST(Rule4, without_it_no_further_change_is_ever_accepted) {
  CHASQUI_NEEDS_SWITCHES();
  EXPECT_EQ(second_change(false).code(), absl::StatusCode::kFailedPrecondition);
}

std::uint64_t uncommitted_change_of_a_state_that_is_ahead(bool rule) {
  Rules rules;
  rules.feed_configurations = rule;
  Bench bench(2, rules);
  bench.have(servers({1, 2, 3}), {command_entry(1), change_entry(1, servers({1, 2, 3}, {4})), command_entry(1)});
  bench.boot(RaftIndex(4));  // everything was applied before the restart
  bench.receive(bench.append(1, 1, 4, 1, {}, 4));
  EXPECT_TRUE(bench.out.committed.empty());
  return bench.group->library().configuration_uncommitted_index;
}

TEST(Rule4, a_state_ahead_of_the_descriptor_still_confirms_its_changes) {
  EXPECT_EQ(uncommitted_change_of_a_state_that_is_ahead(true), 0U);
}

TEST(Rule4, without_it_a_restarted_replica_takes_a_committed_change_for_uncommitted) {
  CHASQUI_NEEDS_SWITCHES();
  EXPECT_EQ(uncommitted_change_of_a_state_that_is_ahead(false), 3U);
}

// ------------------------------------------------------------------------------ 5: a CHANGE is the first of a message

int servers_after_truncated_change(bool rule) {
  Rules rules;
  rules.split_at_changes = rule;
  Bench bench(2, rules);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.receive(bench.append(1, 2, 1, 1, {command_entry(2), change_entry(2, servers({1, 2, 3}, {4}))}));
  EXPECT_EQ(bench.group->configuration().servers_size(), 4);
  bench.sync();
  bench.receive(bench.append(3, 3, 2, 2, {command_entry(3)}));  // another entry stands where the CHANGE stood
  return bench.group->configuration().servers_size();
}

TEST(Rule5, a_truncated_change_takes_its_configuration_with_it) {
  EXPECT_EQ(servers_after_truncated_change(true), 3);
}

TEST(Rule5, without_it_a_configuration_stays_that_no_longer_exists) {
  CHASQUI_NEEDS_SWITCHES();
  EXPECT_EQ(servers_after_truncated_change(false), 4);
}

std::uint64_t uncommitted_after_commit(bool rule) {
  Rules rules;
  rules.split_at_changes = rule;
  Bench bench(2, rules);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.receive(bench.append(1, 2, 1, 1, {command_entry(2), change_entry(2, servers({1, 2, 3}, {4}))}));
  bench.sync();
  bench.receive(bench.append(1, 2, 3, 2, {}, 3));
  EXPECT_EQ(bench.group->commit_index(), RaftIndex(3));
  return bench.group->library().configuration_uncommitted_index;
}

TEST(Rule5, a_committed_change_is_known_as_committed) {
  EXPECT_EQ(uncommitted_after_commit(true), 0U);
}

TEST(Rule5, without_it_a_committed_change_counts_as_uncommitted_for_ever) {
  CHASQUI_NEEDS_SWITCHES();
  EXPECT_NE(uncommitted_after_commit(false), 0U);
}

// ----------------------------------------------------------------------------------- 6: the change before is confirmed

int servers_after_second_change_is_truncated(bool rule) {
  Rules rules;
  rules.confirm_previous_change = rule;
  Bench bench(2, rules);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.receive(bench.append(1, 2, 1, 1,
                             {change_entry(2, servers({1, 2, 3}, {4})), change_entry(2, servers({1, 2, 3}, {4, 5}))}));
  EXPECT_EQ(bench.group->configuration().servers_size(), 5);
  bench.sync();
  bench.receive(bench.append(3, 3, 2, 2, {command_entry(3)}));
  return bench.group->configuration().servers_size();
}

TEST(Rule6, a_truncated_second_change_falls_back_to_the_first) {
  EXPECT_EQ(servers_after_second_change_is_truncated(true), 4);
}

TEST(Rule6, without_it_it_falls_back_two_configurations) {
  CHASQUI_NEEDS_SWITCHES();
  EXPECT_EQ(servers_after_second_change_is_truncated(false), 3);
}

// -------------------------------------------------------------------------- 15: one change per submit, shown bare

// Straight at the library: a command and a CHANGE in one SUBMIT, while another CHANGE is not committed. The adapter
// cannot say this: its submit takes one entry.
TEST(Rule15, the_library_keeps_phantoms_of_a_batch_it_refused) {
  const auto submit = [](raft& r, std::vector<raft_entry> entries) {
    raft_event event{};
    event.type = RAFT_SUBMIT;
    event.time = 1;
    event.submit.entries = entries.data();
    event.submit.n = static_cast<unsigned>(entries.size());
    raft_update update{};
    return raft_step(&r, &event, &update);
  };
  static char batch;
  const EncodedConfiguration first(servers({1}));
  const EncodedConfiguration second(servers({1}, {2}));
  const EncodedConfiguration third(servers({1}, {2, 3}));
  const auto entry = [&](raft_entry_type type, raft_buffer buffer) {
    raft_entry result{};
    result.term = 1;
    result.type = type;
    result.buf = buffer;
    result.batch = &batch;
    return result;
  };
  raft r{};
  ASSERT_EQ(raft_init(&r, nullptr, nullptr, 1, "1"), 0);
  r.tracer = nullptr;
  raft_entry stored = entry(RAFT_CHANGE, first.buffer());
  raft_event start{};
  start.type = RAFT_START;
  start.time = 1;
  start.start.term = 1;
  start.start.start_index = 1;
  start.start.entries = &stored;
  start.start.n_entries = 1;
  raft_update update{};
  ASSERT_EQ(raft_step(&r, &start, &update), 0);
  ASSERT_EQ(submit(r, {entry(RAFT_CHANGE, second.buffer())}), 0);
  const raft_index last = raft_last_index(&r);
  EXPECT_EQ(submit(r, {entry(RAFT_CHANGE, third.buffer())}), RAFT_CANTCHANGE);
  EXPECT_EQ(raft_last_index(&r), last);  // alone: refused and gone
  EXPECT_EQ(submit(r, {entry(RAFT_COMMAND, {}), entry(RAFT_CHANGE, third.buffer())}), RAFT_CANTCHANGE);
  EXPECT_EQ(raft_last_index(&r), last + 1);  // in a batch: an entry that nobody will ever store
  raft_close(&r, nullptr);
}

// ------------------------------------------------------------------------------------------- 16 and 18: which changes

TEST(Rule16, one_server_differs_the_order_is_kept_and_a_new_one_is_a_standby_at_the_end) {
  const auto code = [](const peer::Configuration& before, const peer::Configuration& after) {
    return check_change(before, after, ReplicaId(1)).code();
  };
  const auto three = servers({1, 2, 3});
  EXPECT_EQ(code(three, servers({1, 2, 3}, {4})), absl::StatusCode::kOk);
  EXPECT_EQ(code(servers({1, 2, 3}, {4}), servers({1, 2, 3, 4})), absl::StatusCode::kOk);
  EXPECT_EQ(code(servers({1, 2, 3, 4}), servers({1, 3, 4})), absl::StatusCode::kOk);
  EXPECT_EQ(code(three, three), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(three, servers({1, 2, 3}, {4, 5})), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(three, servers({1, 3, 2}, {4})), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(three, servers({1, 2, 3, 4})), absl::StatusCode::kFailedPrecondition);  // not straight to voter
  EXPECT_EQ(code(three, servers({})), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(three, servers({1, 3}, {4})), absl::StatusCode::kInvalidArgument);  // one goes, one comes
}

TEST(Rule18, a_leader_stays_and_two_voters_never_become_one) {
  EXPECT_EQ(check_change(servers({1, 2, 3}), servers({2, 3}), ReplicaId(1)).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(check_change(servers({1, 2}), servers({1}), ReplicaId(1)).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Configuration, what_does_not_decode_or_breaks_a_limit_is_none) {
  EXPECT_FALSE(parse_configuration("").has_value());
  EXPECT_FALSE(parse_configuration("\xff\xff\xff").has_value());
  EXPECT_FALSE(is_valid(servers({1, 1})));
  EXPECT_FALSE(is_valid(servers({0})));
  EXPECT_FALSE(is_valid(servers({}, {1})));
  EXPECT_TRUE(is_valid(servers({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})));
  EXPECT_FALSE(is_valid(servers({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17})));
  const auto three = servers({1, 2}, {3});
  EXPECT_EQ(serialize(*parse_configuration(serialize(three))), serialize(three));
}

}  // namespace
}  // namespace chasqui::replica
