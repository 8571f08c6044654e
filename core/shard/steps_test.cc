#include "core/shard/steps.h"

#include <gtest/gtest.h>

#include "core/base/bounds.h"
#include "core/shard/group.h"

namespace chasqui::shard {
namespace {

TEST(Steps, a_mark_passed_a_seq_when_it_first_stood_at_or_above_it) {
  state::Steps steps;
  note_step(steps, 3, {5'900});
  note_step(steps, 4, {5'999});  // the same second: one step
  note_step(steps, 9, {7'001});
  EXPECT_EQ(steps.seqs_size(), 2);
  EXPECT_EQ(passed_ms(steps, Seq(1)), 5'000);
  EXPECT_EQ(passed_ms(steps, Seq(4)), 5'000);
  EXPECT_EQ(passed_ms(steps, Seq(5)), 7'000);
  EXPECT_EQ(passed_ms(steps, Seq(10)), 0) << "it has not passed that one";
  note_step(steps, 9, {8'000});
  EXPECT_EQ(steps.seqs_size(), 2) << "a mark that does not move makes no step";
}

TEST(Steps, of_what_lies_before_the_last_16_no_time_is_known) {
  state::Steps steps;
  for (std::uint64_t i = 1; i <= bounds::receipt_steps_kept + 1; ++i) {
    note_step(steps, 10 * i, {static_cast<std::int64_t>(1'000 * i)});
  }
  EXPECT_EQ(static_cast<std::uint64_t>(steps.seqs_size()), bounds::receipt_steps_kept);
  EXPECT_EQ(passed_ms(steps, Seq(10)), 0);
  EXPECT_EQ(passed_ms(steps, Seq(11)), 2'000);
  forget_steps(steps, 500);
  EXPECT_EQ(passed_ms(steps, Seq(500)), 0);
  note_step(steps, 501, {99'000});
  EXPECT_EQ(passed_ms(steps, Seq(501)), 99'000);
}

TEST(Steps, a_group_keeps_them_while_it_is_small) {
  state::GroupMarks marks;
  move_marks(marks, UserId(5), {2, 1, 1}, {1'000}, true);
  move_marks(marks, UserId(3), {4, 0, 0}, {2'000}, true);
  move_marks(marks, UserId(5), {4, 4, 1}, {3'000}, true);
  ASSERT_NE(steps_of(marks, UserId(5)), nullptr);
  EXPECT_EQ(passed_ms(steps_of(marks, UserId(5))->delivered(), Seq(2)), 1'000);
  EXPECT_EQ(passed_ms(steps_of(marks, UserId(5))->delivered(), Seq(3)), 3'000);
  EXPECT_EQ(passed_ms(steps_of(marks, UserId(5))->read(), Seq(1)), 1'000);
  EXPECT_EQ(steps_of(marks, UserId(5))->read().seqs_size(), 1) << "what is not told has no time";
  EXPECT_EQ(passed_ms(steps_of(marks, UserId(3))->delivered(), Seq(4)), 2'000);
  move_marks(marks, UserId(3), {5, 0, 0}, {4'000}, false);  // it has grown
  EXPECT_EQ(steps_of(marks, UserId(3)), nullptr);
  move_marks(marks, UserId(3), {6, 0, 0}, {5'000}, true);  // and shrunk again
  EXPECT_EQ(passed_ms(steps_of(marks, UserId(3))->delivered(), Seq(5)), 0);
  EXPECT_EQ(passed_ms(steps_of(marks, UserId(3))->delivered(), Seq(6)), 5'000);
  EXPECT_EQ(passed_ms(steps_of(marks, UserId(5))->delivered(), Seq(4)), 0);
  remove_marks(marks, UserId(3));
  EXPECT_EQ(marks.steps_size(), 1);
  EXPECT_EQ(marks_of(marks, UserId(5)), (MemberMarks{4, 4, 1}));
}

}  // namespace
}  // namespace chasqui::shard
