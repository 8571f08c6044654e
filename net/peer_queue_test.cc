#include "net/peer_queue.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/peer.pb.h"

namespace chasqui {
namespace {

constexpr std::uint64_t overhead = sizeof(PeerMail);

PeerMail raft_mail(std::size_t payload_bytes) {
  peer::PeerFrame frame;
  frame.mutable_raft()->add_messages()->mutable_append()->add_entries()->set_payload(std::string(payload_bytes, 'r'));
  return {NodeId(1), NodeId(2), frame.SerializeAsString()};
}

PeerMail notify_mail(std::uint64_t batch, std::size_t payload_bytes = 0) {
  peer::PeerFrame frame;
  frame.mutable_notify()->set_batch(batch);
  if (payload_bytes != 0) {
    frame.mutable_notify()->add_items()->set_event(std::string(payload_bytes, 'n'));
  }
  return {NodeId(1), NodeId(2), frame.SerializeAsString()};
}

std::uint64_t batch_of(const PeerMail& mail) {
  peer::PeerFrame frame;
  EXPECT_TRUE(frame.ParseFromString(mail.bytes));
  return frame.notify().batch();
}

TEST(PeerQueue, keeps_order_and_counts_bytes) {
  PeerQueue queue;
  EXPECT_TRUE(queue.push(notify_mail(1)));
  EXPECT_TRUE(queue.push(raft_mail(100)));
  EXPECT_TRUE(queue.push(notify_mail(2)));
  EXPECT_EQ(batch_of(queue.pop()), 1U);
  EXPECT_TRUE(is_raft(queue.front().bytes));
  (void)queue.pop();
  EXPECT_EQ(batch_of(queue.pop()), 2U);
  EXPECT_TRUE(queue.is_empty());
  EXPECT_EQ(queue.bytes(), 0U);
  EXPECT_EQ(queue.dropped(), 0U);
}

TEST(PeerQueue, a_full_queue_drops_a_new_notify_and_keeps_what_it_has) {
  const PeerMail one = notify_mail(1, 1000);
  PeerQueue queue({.bytes_max = 3 * PeerQueue::cost(one), .raft_bytes_max = 2000});
  for (std::uint64_t i = 1; i <= 3; i++) {
    EXPECT_TRUE(queue.push(notify_mail(i, 1000)));
  }
  EXPECT_FALSE(queue.push(notify_mail(4, 1000)));
  EXPECT_EQ(queue.dropped(), 1U);
  EXPECT_EQ(batch_of(queue.pop()), 1U);
}

TEST(PeerQueue, raft_pushes_the_oldest_notifies_out) {
  PeerQueue queue({.bytes_max = 100'000, .raft_bytes_max = 75'000});
  std::uint64_t pushed = 0;
  while (queue.push(notify_mail(pushed + 1, 1000))) {
    pushed++;
  }
  EXPECT_TRUE(queue.push(raft_mail(20'000)));
  EXPECT_LE(queue.bytes(), 100'000U);
  EXPECT_GT(batch_of(queue.front()), 15U) << "at least the room of the Raft frame, from the front";
  std::uint64_t last = 0;
  while (!is_raft(queue.front().bytes)) {
    const std::uint64_t batch = batch_of(queue.pop());
    EXPECT_GT(batch, last);
    last = batch;
  }
  EXPECT_EQ(last, pushed) << "the youngest notify is still there";
}

TEST(PeerQueue, raft_has_a_share_of_its_own_and_no_more) {
  PeerQueue queue({.bytes_max = 64'000, .raft_bytes_max = 48'000});
  EXPECT_TRUE(queue.push(raft_mail(40'000)));
  EXPECT_FALSE(queue.push(raft_mail(10'000))) << "48,000 of Raft";
  EXPECT_TRUE(queue.push(notify_mail(1, 10'000))) << "there is room for the rest";
  EXPECT_FALSE(queue.push(notify_mail(2, 20'000)));
  EXPECT_EQ(queue.dropped(), 2U);
  queue.clear();
  EXPECT_EQ(queue.bytes(), 0U);
  EXPECT_TRUE(queue.push(raft_mail(40'000)));
}

TEST(PeerQueue, a_word_on_a_peer_is_never_dropped) {
  PeerQueue queue({.bytes_max = 2'000, .raft_bytes_max = 1'500});
  EXPECT_TRUE(queue.push(notify_mail(1, 500)));
  EXPECT_TRUE(queue.push({NodeId(2), NodeId(1), "", PeerMail::Word::Unreachable}));
  EXPECT_TRUE(queue.push(notify_mail(2, 500)));
  EXPECT_TRUE(queue.push(raft_mail(1'300))) << "pushes the notifies out";
  EXPECT_TRUE(queue.push({NodeId(2), NodeId(1), "", PeerMail::Word::Reachable})) << "whatever is full";
  EXPECT_EQ(queue.pop().word, PeerMail::Word::Unreachable);
  EXPECT_TRUE(is_raft(queue.pop().bytes));
  EXPECT_EQ(queue.pop().word, PeerMail::Word::Reachable);
  EXPECT_TRUE(queue.is_empty());
}

TEST(PeerQueue, a_frame_costs_more_than_its_bytes) {
  PeerQueue queue({.bytes_max = 10 * overhead, .raft_bytes_max = 10 * overhead});
  int pushed = 0;
  while (pushed < 100 && queue.push(notify_mail(1))) {
    pushed++;
  }
  EXPECT_LT(pushed, 10);
}

}  // namespace
}  // namespace chasqui
