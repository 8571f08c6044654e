#include "core/client/acks.h"

#include <gtest/gtest.h>

namespace chasqui::client {
namespace {

const ConversationId chat = ConversationId::direct(UserId(1), UserId(2));
const ConversationId club = ConversationId::group(UserId(1), 7);
constexpr MonoTime start{1};

MonoTime at(std::int64_t ms) {
  return start + milliseconds(ms);
}

class AcksTest : public ::testing::Test {
 protected:
  // How many are said then.
  std::size_t said(std::int64_t ms, bool riding = false) { return acks.take(at(ms), riding, HistoryEpoch(1)).size(); }
  Acks acks{milliseconds(20), milliseconds(200)};
};

TEST_F(AcksTest, what_came_of_a_chat_waits_20_ms_and_of_a_group_200) {
  acks.on_taken(chat, Seq(1), at(0));
  acks.on_taken(club, Seq(1), at(0));
  EXPECT_EQ(acks.next_deadline(), at(20));
  EXPECT_EQ(said(19), 0U);
  EXPECT_EQ(said(20), 1U);
  for (std::int64_t ms = 50; ms < 200; ms += 50) {
    acks.on_taken(club, Seq(static_cast<std::uint64_t>(ms)), at(ms));
    EXPECT_EQ(said(ms), 0U) << "one more message does not put it off, nor bring it forward";
  }
  const std::vector<Ack> due = acks.take(at(200), false, HistoryEpoch(1));
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].delivered_seq(), 150U);
}

TEST_F(AcksTest, what_was_read_of_a_group_waits_no_longer_than_of_a_chat) {
  acks.on_taken(club, Seq(3), at(0));
  EXPECT_TRUE(acks.on_read(club, Seq(3), at(10)));
  EXPECT_EQ(acks.next_deadline(), at(30));
  EXPECT_EQ(said(30), 1U);
}

TEST_F(AcksTest, whatever_waits_rides_on_a_frame_that_leaves) {
  acks.on_taken(chat, Seq(1), at(0));
  acks.on_taken(club, Seq(1), at(0));
  EXPECT_EQ(said(1, true), 2U);
  EXPECT_EQ(said(300), 0U) << "it was said";
}

}  // namespace
}  // namespace chasqui::client
