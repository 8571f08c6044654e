#include "core/fanout/expiry.h"

#include <gtest/gtest.h>

namespace chasqui::fanout {
namespace {

Now at(std::int64_t ms) {
  return {MonoTime{} + milliseconds(ms), WallTime{ms}};
}

log::DueEvent row(std::uint64_t seq, std::int64_t expires_ms) {
  log::DueEvent due;
  due.set_seq(seq);
  due.set_expires_ms(expires_ms);
  return due;
}

std::vector<log::DueEvent> rows(std::size_t count, std::int64_t expires_ms) {
  std::vector<log::DueEvent> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(row(i + 1, expires_ms));
  return all;
}

TEST(Expiry, where_nothing_expires_nothing_is_ever_read) {
  Expiry expiry;
  expiry.lead(0);
  EXPECT_FALSE(expiry.wants_rows(at(1'000), {1'000}));
  EXPECT_EQ(expiry.next_deadline(at(1'000), {1'000}), MonoTime::never());
}

TEST(Expiry, what_is_due_is_proposed_and_what_is_not_waits) {
  Expiry expiry;
  expiry.lead(2);
  ASSERT_TRUE(expiry.wants_rows(at(1'000), {1'000}));
  expiry.reading();
  expiry.rows_read({row(1, 900), row(2, 5'000)}, {1'000});
  log::Expire command;
  ASSERT_TRUE(expiry.take(command));
  ASSERT_EQ(command.events_size(), 1);
  EXPECT_EQ(command.events(0).seq(), 1U);
  EXPECT_FALSE(expiry.take(command));
  expiry.applied();
  ASSERT_TRUE(expiry.wants_rows(at(1'000), {1'000}));
  expiry.reading();
  expiry.rows_read({row(2, 5'000)}, {1'000});
  EXPECT_FALSE(expiry.take(command));
  EXPECT_EQ(expiry.next_deadline(at(1'000), {1'000}), at(5'000).mono);
  EXPECT_FALSE(expiry.wants_rows(at(4'999), {4'999}));
  EXPECT_TRUE(expiry.wants_rows(at(5'000), {5'000}));
}

TEST(Expiry, a_message_with_a_shorter_time_is_seen_to_first) {
  Expiry expiry;
  expiry.lead(0);
  expiry.stored(9'000);
  expiry.stored(4'000);
  expiry.stored(0);  // never
  EXPECT_EQ(expiry.next_deadline(at(1'000), {1'000}), at(4'000).mono);
  ASSERT_TRUE(expiry.wants_rows(at(4'000), {4'000}));
  expiry.reading();
  expiry.stored(6'000);  // while the rows are read, and not among them
  expiry.rows_read({row(1, 9'000)}, {4'000});
  EXPECT_FALSE(expiry.wants_rows(at(5'999), {5'999}));
}

TEST(Expiry, many_are_erased_in_one_command_after_the_other) {
  Expiry expiry;
  expiry.lead(100);
  expiry.reading();
  expiry.rows_read(rows(Expiry::rows_max, 10), {1'000});
  log::Expire command;
  ASSERT_TRUE(expiry.take(command));
  EXPECT_EQ(static_cast<std::uint64_t>(command.events_size()), bounds::expiries_per_command_max);
  expiry.applied();
  EXPECT_TRUE(expiry.wants_rows(at(1'000), {1'000}));
}

TEST(Expiry, a_refusal_is_not_repeated_at_once) {
  Expiry expiry;
  expiry.lead(1);
  expiry.reading();
  expiry.rows_read({row(1, 10)}, {1'000});
  log::Expire command;
  ASSERT_TRUE(expiry.take(command));
  expiry.refused(at(1'000));
  EXPECT_FALSE(expiry.wants_rows(at(1'999), {1'999}));
  EXPECT_TRUE(expiry.wants_rows(at(2'000), {2'000}));
}

}  // namespace
}  // namespace chasqui::fanout
