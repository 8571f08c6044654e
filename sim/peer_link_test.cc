#include "sim/peer_link.h"

#include <gtest/gtest.h>

#include "proto/peer.pb.h"
#include "sim/peer_net.h"

namespace chasqui::sim {
namespace {

std::string raft(std::size_t size) {
  peer::PeerFrame frame;
  peer::RaftMessage& message = *frame.mutable_raft()->add_messages();
  message.mutable_append()->add_entries()->set_payload(std::string(size, 'r'));
  return frame.SerializeAsString();
}
std::string notify(std::uint64_t batch, std::size_t size) {
  peer::PeerFrame frame;
  frame.mutable_notify()->set_batch(batch);
  frame.mutable_notify()->add_items()->set_event(std::string(size, 'n'));
  return frame.SerializeAsString();
}
Parcel parcel(std::string bytes) {
  return {0, 1, std::move(bytes), 0};
}
std::uint64_t batch_of(const Parcel& parcel) {
  peer::PeerFrame frame;
  return frame.ParseFromString(parcel.bytes) ? frame.notify().batch() : 0;
}

TEST(PeerQueue, frames_come_out_in_the_order_in_which_they_went_in) {
  PeerQueue queue;
  for (std::uint64_t i = 1; i <= 5; ++i) EXPECT_EQ(queue.push(parcel(notify(i, 10)), 10'000), 0U);
  for (std::uint64_t i = 1; i <= 5; ++i) EXPECT_EQ(batch_of(queue.pop()), i);
  EXPECT_EQ(queue.bytes(), 0U);
}

TEST(PeerQueue, notifies_are_dropped_before_raft_and_the_oldest_first) {
  PeerQueue queue;
  for (std::uint64_t i = 1; i <= 4; ++i) (void)queue.push(parcel(notify(i, 200)), 1'000);
  EXPECT_EQ(queue.size(), 4U);
  EXPECT_EQ(queue.push(parcel(raft(400)), 1'000), 2U);  // two notifies make room for it
  EXPECT_EQ(batch_of(queue.pop()), 3U);
  EXPECT_EQ(batch_of(queue.pop()), 4U);
  EXPECT_TRUE(is_raft(queue.pop().bytes));
}

TEST(PeerQueue, raft_has_three_quarters_and_no_more) {
  PeerQueue queue;
  EXPECT_EQ(queue.push(parcel(raft(600)), 1'000), 0U);
  EXPECT_EQ(queue.push(parcel(raft(300)), 1'000), 1U);  // the new one: what waits longer is worth more
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(queue.push(parcel(notify(1, 200)), 1'000), 0U);
}

TEST(PeerQueue, a_frame_above_the_bound_passes_alone) {
  PeerQueue queue;
  EXPECT_EQ(queue.push(parcel(raft(5'000)), 1'000), 0U);
  EXPECT_EQ(queue.push(parcel(raft(10)), 1'000), 1U);
  (void)queue.pop();
  EXPECT_EQ(queue.push(parcel(raft(10)), 1'000), 0U);
}

TEST(PeerQueue, what_is_on_the_wire_is_not_dropped_for_want_of_room) {
  PeerQueue queue;
  (void)queue.push(parcel(notify(1, 400)), 1'000);
  (void)queue.push(parcel(notify(2, 400)), 1'000);
  queue.leave(1);
  EXPECT_EQ(queue.push(parcel(raft(400)), 1'000), 1U);  // the one that waits
  EXPECT_EQ(batch_of(queue.pop()), 1U);
  EXPECT_TRUE(is_raft(queue.front().bytes));
}

TEST(PeerQueue, a_break_keeps_a_prefix_and_a_new_connection_none_of_the_old_one) {
  PeerQueue queue;
  for (std::uint64_t i = 1; i <= 5; ++i) (void)queue.push(parcel(notify(i, 10)), 10'000);
  queue.leave(4);
  queue.keep(3);
  EXPECT_EQ(queue.size(), 3U);
  (void)queue.push(parcel(notify(9, 10)), 10'000);  // waits for the next connection
  queue.drop_left();
  ASSERT_EQ(queue.size(), 1U);
  EXPECT_EQ(batch_of(queue.front()), 9U);
  EXPECT_EQ(queue.left(), 0U);
}

TEST(PeerNet, every_pair_of_processes_has_one_link) {
  PeerNet net(4);
  EXPECT_EQ(net.links().size(), 10U);
  for (std::uint32_t a = 0; a < 4; ++a) {
    for (std::uint32_t b = 0; b < 4; ++b) {
      PeerLink& link = net.between(a, b);
      EXPECT_EQ(&link, &net.between(b, a));
      EXPECT_EQ(link.ends[link.side_of(a)], a);
      EXPECT_EQ(link.inner(), a == b);
      EXPECT_TRUE(a == b || link.ends[1 - link.side_of(a)] == b);
    }
  }
}

TEST(PeerNet, cuts_are_directed_and_counted) {
  PeerNet net(3);
  net.cut(0, 1, false);
  net.cut(0, 1, true);
  EXPECT_TRUE(net.is_cut(0, 1));
  EXPECT_FALSE(net.is_cut(1, 0));
  net.mend(0, 1, false);
  EXPECT_TRUE(net.is_cut(0, 1));
  EXPECT_FALSE(net.is_noticed(0, 1));
  net.mend(0, 1, true);
  net.mend(0, 1, true);  // once more than it was cut
  EXPECT_FALSE(net.is_cut(0, 1));
}

}  // namespace
}  // namespace chasqui::sim
