#include "core/fanout/marks.h"

#include <gtest/gtest.h>

namespace chasqui::fanout {
namespace {

const ConversationId both = ConversationId::direct(UserId(3), UserId(4));

struct MarksTest : ::testing::Test {
  Limits limits;
  Marks marks{limits};
  Now now{MonoTime{}, WallTime{}};
  std::vector<DueMark> due;
  bool add(std::uint64_t delivered, std::uint64_t read, std::uint64_t session, bool looked_at = false,
           std::uint64_t epoch = 1) {
    return marks.add(both, UserId(3), Seq(delivered), Seq(read), HistoryEpoch(epoch),
                     {NodeId(1), SessionId(session), delivered}, looked_at, now);
  }
};

TEST_F(MarksTest, many_acks_become_one_command_and_everybody_hears) {
  add(3, 0, 1);
  add(5, 2, 2);
  add(4, 4, 1);
  marks.take(now, true, 100, due);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].command.delivered(), 5U);
  EXPECT_EQ(due[0].command.read(), 4U);
  EXPECT_EQ(due[0].origins.size(), 2U) << "one answer for each session";
}

TEST_F(MarksTest, marks_are_quick_only_while_somebody_looks) {
  add(1, 0, 1);
  EXPECT_EQ(marks.next_deadline(), now.mono + milliseconds(1000));
  add(2, 0, 1, true);
  EXPECT_EQ(marks.next_deadline(), now.mono + milliseconds(30));
  marks.take(now, false, 100, due);
  EXPECT_TRUE(due.empty());
  now.mono = marks.next_deadline();
  marks.take(now, false, 100, due);
  EXPECT_EQ(due.size(), 1U);
  EXPECT_EQ(marks.next_deadline(), MonoTime::never());
}

TEST_F(MarksTest, a_mark_of_an_older_history_does_not_raise_one_of_a_newer) {
  add(100, 100, 1, false, 1);
  add(2, 1, 1, false, 2);
  add(500, 500, 2, false, 1);
  marks.take(now, true, 100, due);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].command.history_epoch(), 2U);
  EXPECT_EQ(due[0].command.delivered(), 2U);
}

TEST_F(MarksTest, there_is_a_limit) {
  std::uint64_t taken = 0;
  while (taken < 1'000'000 && marks.add(ConversationId::direct(UserId(1), UserId(taken + 2)), UserId(1), Seq(1), Seq(),
                                        HistoryEpoch(1), {NodeId(1), SessionId(1), 1}, false, now)) {
    ++taken;
  }
  EXPECT_EQ(taken, Marks::waiting_max);
}

}  // namespace
}  // namespace chasqui::fanout
