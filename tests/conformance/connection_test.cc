// The simulated connection does what a WebSocket over TCP does, and the world's bookkeeping what net/ does.
//
// Downwards messages that wait may be joined into one, so only bytes and borders are compared. A reader that is told to
// stop may still deliver the message that it is reading.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/conformance/real_link.h"
#include "tests/conformance/world_link.h"

namespace chasqui::conformance {
namespace {

std::string frame(int number, std::size_t bytes) {
  std::string whole = std::to_string(number) + ":";
  whole.resize(std::max(whole.size(), bytes), static_cast<char>('a' + number % 26));
  return whole;
}
std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += part;
  return all;
}
// How many of `sent` are in `bytes`, from the first on and whole; -1: something else is.
int whole_frames(const std::vector<std::string>& sent, const std::string& bytes) {
  std::size_t at = 0;
  int count = 0;
  for (const std::string& one : sent) {
    if (at == bytes.size()) return count;
    if (bytes.compare(at, one.size(), one) != 0) return -1;
    at += one.size();
    ++count;
  }
  return at == bytes.size() ? count : -1;
}
std::vector<std::string> frames(int count, std::size_t bytes_each) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) all.push_back(frame(i, bytes_each + static_cast<std::size_t>(i)));
  return all;
}

template <class Link>
class ConformingConnection : public ::testing::Test {};
using Links = ::testing::Types<sim::WorldLink, RealLink>;
TYPED_TEST_SUITE(ConformingConnection, Links);

TYPED_TEST(ConformingConnection, frames_come_whole_in_order_and_once_in_both_directions) {
  TypeParam link{Limits()};
  const std::vector<std::string> up = frames(60, 10);
  const std::vector<std::string> down = frames(60, 3'000);
  for (std::size_t i = 0; i < up.size(); ++i) {
    link.device_says(up[i]);
    link.node_says(down[i]);
  }
  link.wait();
  EXPECT_EQ(link.node_heard(), up);
  EXPECT_EQ(joined(link.device_heard()), joined(down));
  EXPECT_FALSE(link.node_lost());
  EXPECT_FALSE(link.device_lost());
}

TYPED_TEST(ConformingConnection, what_has_left_is_told_to_the_byte) {
  TypeParam link{Limits()};
  const std::vector<std::string> down = frames(20, 5'000);
  for (const std::string& one : down) link.node_says(one);
  link.wait();
  EXPECT_EQ(link.left(), joined(down).size());
}

TYPED_TEST(ConformingConnection, who_is_not_read_waits_and_loses_nothing) {
  TypeParam link{Limits()};
  link.node_reads(false);
  const std::vector<std::string> up = frames(30, 200);
  for (const std::string& one : up) link.device_says(one);
  link.wait();
  EXPECT_LE(link.node_heard().size(), 1U);
  link.node_says("still heard");
  link.wait();
  EXPECT_EQ(joined(link.device_heard()), "still heard");
  link.node_reads(true);
  link.wait();
  EXPECT_EQ(link.node_heard(), up);
}

TYPED_TEST(ConformingConnection, a_close_comes_behind_what_was_said_with_its_code_and_reason) {
  TypeParam link{Limits()};
  const std::vector<std::string> down = frames(10, 2'000);
  for (const std::string& one : down) link.node_says(one);
  link.node_closes(4003, "go away, and come back later");
  link.node_says("too late");
  link.wait();
  EXPECT_EQ(joined(link.device_heard()), joined(down));
  EXPECT_TRUE(link.device_lost());
  EXPECT_EQ(link.close_code(), 4003);
  EXPECT_EQ(link.close_reason(), "go away, and come back later");
}

TYPED_TEST(ConformingConnection, a_frame_at_the_limit_passes_and_one_above_ends_it_with_1009) {
  Limits limits;
  limits.websocket_message_bytes_max = 70'000;
  TypeParam link{limits};
  link.device_says(std::string(70'000, 'x'));
  link.wait();
  ASSERT_EQ(link.node_heard().size(), 1U);
  EXPECT_FALSE(link.node_lost());
  link.device_says(std::string(70'001, 'x'));
  link.device_says("behind it");
  link.wait();
  EXPECT_EQ(link.node_heard().size(), 1U);
  EXPECT_TRUE(link.node_lost());
  EXPECT_TRUE(link.device_lost());
  EXPECT_EQ(link.close_code(), 1009);
}

// Nobody can say how much arrives; it is a whole beginning of what was sent, and both sides learn of the end.
TYPED_TEST(ConformingConnection, a_break_loses_the_end_of_each_direction_and_nothing_between) {
  for (int round = 0; round < 5; ++round) {
    TypeParam link{Limits()};
    const std::vector<std::string> up = frames(40, 500);
    const std::vector<std::string> down = frames(40, 20'000);
    for (std::size_t i = 0; i < up.size(); ++i) {
      link.device_says(up[i]);
      link.node_says(down[i]);
    }
    link.breaks();
    link.wait();
    EXPECT_TRUE(link.node_lost());
    EXPECT_TRUE(link.device_lost());
    EXPECT_EQ(link.close_code(), 0) << "nobody closed it";
    EXPECT_GE(whole_frames(up, joined(link.node_heard())), 0);
    EXPECT_GE(whole_frames(down, joined(link.device_heard())), 0);
    const std::size_t heard = link.node_heard().size();
    link.device_says("into the void");
    link.wait();
    EXPECT_EQ(link.node_heard().size(), heard);
  }
}

}  // namespace
}  // namespace chasqui::conformance
