// How much may be said in one conversation: what is over it is refused before it is proposed, and nothing of it is
// lost.
#include <gtest/gtest.h>

#include "core/testing/club.h"
#include "core/testing/nodes.h"

namespace chasqui {
namespace {

using testing::add_member;
using testing::Client;
using testing::Login;
using testing::Nodes;
using testing::text_frame;
using Body = client::ServerFrame;

struct Rates : ::testing::Test {
  static Limits limits() {
    Limits limits;
    limits.send_conversation_burst = 4;
    limits.send_device_burst = 1'000;
    return limits;
  }
  Nodes nodes{1, {2}, limits()};
  Login ana = nodes.provision("ana");
  Login beto = nodes.provision("beto");
  Login eva = nodes.provision("eva");
  ConversationId both = ConversationId::direct(ana.user, beto.user);
  Client phone = nodes.connect(1, ana);

  void say(const Client& client, client::ClientFrame frame) {
    nodes.send_frame(client, std::move(frame));
    nodes.run_for(milliseconds(1));
  }
  std::size_t accepted(const Client& client) { return nodes.received(client, Body::kAccepted).size(); }
  std::size_t refused(const Client& client) { return nodes.received(client, Body::kError).size(); }
};

TEST_F(Rates, a_conversation_takes_a_burst_and_then_fifty_a_second) {
  for (std::uint64_t n = 1; n <= 5; ++n) say(phone, text_frame(n, both, "hola"));
  nodes.run_for(milliseconds(5));
  EXPECT_EQ(accepted(phone), 4U);
  ASSERT_EQ(refused(phone), 1U);
  const client::Error error = nodes.received(phone, Body::kError).front().error();
  EXPECT_EQ(error.code(), client::RESOURCE_EXHAUSTED);
  EXPECT_LE(error.retry_after_ms(), 20U);
  say(phone, text_frame(4, both, "hola"));  // once more: its answer was lost
  EXPECT_EQ(accepted(phone), 5U) << "a retry takes nobody's turn";
  say(phone, text_frame(1, ConversationId::direct(ana.user, eva.user), "hola"));
  EXPECT_EQ(accepted(phone), 6U) << "another conversation has turns of its own";
  nodes.run_for(milliseconds(20));
  say(phone, text_frame(5, both, "hola"));
  EXPECT_EQ(accepted(phone), 7U);
}

TEST_F(Rates, who_is_no_member_of_a_group_takes_no_turn_of_it) {
  const ConversationId club = ConversationId::group(ana.user, 1);
  say(phone, testing::change_frame(1, club, testing::create_group("Club", {beto.user})));
  nodes.run_for(milliseconds(200));
  const Client stranger = nodes.connect(1, eva);
  for (std::uint64_t n = 1; n <= 50; ++n) say(stranger, text_frame(n, club, "hola"));
  for (const client::ServerFrame& frame : nodes.received(stranger, Body::kError)) {
    EXPECT_EQ(frame.error().code(), client::PERMISSION_DENIED) << "nor learns that there is one";
  }
  for (std::uint64_t n = 2; n <= 4; ++n) say(phone, text_frame(n, club, "hola"));
  EXPECT_EQ(accepted(phone), 4U);
}

TEST_F(Rates, a_large_group_s_turns_come_back_more_slowly) {
  Limits few = limits();
  few.send_conversation_deliveries_per_s = 6;  // a group of three: two a second
  Nodes slow(1, {2}, few);
  const Login one = slow.provision("ana");
  const Login two = slow.provision("beto");
  const Login three = slow.provision("eva");
  const Client client = slow.connect(1, one);
  const ConversationId club = ConversationId::group(one.user, 1);
  const auto say_there = [&](client::ClientFrame frame) {
    slow.send_frame(client, std::move(frame));
    slow.run_for(milliseconds(50));
  };
  say_there(testing::change_frame(1, club, testing::create_group("Club", {two.user, three.user})));
  slow.run_for(seconds(10));
  for (std::uint64_t n = 2; n <= 6; ++n) say_there(text_frame(n, club, "hola"));
  ASSERT_EQ(slow.received(client, Body::kAccepted).size(), 5U);
  ASSERT_EQ(slow.received(client, Body::kError).size(), 1U);
  const std::uint32_t wait_ms = slow.received(client, Body::kError).front().error().retry_after_ms();
  EXPECT_GT(wait_ms, 200U);
  EXPECT_LE(wait_ms, 500U);
}

}  // namespace
}  // namespace chasqui
