// The gateway's sessions: what each is told, and when it ends. Over 400 lines because its tests share one set-up.
#include "core/gateway/gateway.h"

#include <gtest/gtest.h>

namespace chasqui::gateway {
namespace {

struct GatewayTest : ::testing::Test {
  Limits limits;
  Gateway gateway{limits, ShardCount{4}};
  Now now{MonoTime{1'000'000'000}, WallTime{}};
  Outputs out;
  std::vector<Request> requests;

  void open(std::uint64_t id, std::uint8_t host = 1) {
    Address address{0x20, 0x01, 0x0d, 0xb8};
    address[15] = host;
    gateway.opened(now, SessionOpened{SessionId(id), address}, out);
  }
  void frame(std::uint64_t session, client::ClientFrame one) {
    client::ClientMessage message;
    *message.add_frames() = std::move(one);
    gateway.frame(now, SessionFrame{SessionId(session), message.SerializeAsString()}, requests, out);
  }
  void hello(std::uint64_t session, std::uint64_t user, std::uint64_t generation, std::uint32_t device = 1) {
    client::ClientFrame one;
    one.mutable_hello()->set_user(user);
    one.mutable_hello()->set_device(device);
    one.mutable_hello()->set_generation(generation);
    frame(session, one);
  }
  void log_in(std::uint64_t session, std::uint64_t user, std::uint64_t generation = 1, std::uint32_t device = 1) {
    open(session);
    hello(session, user, generation, device);
    if (!gateway.register_session(now, SessionId(session), out)) return;
    client::ServerFrame answer;
    answer.mutable_hello();
    (void)gateway.greet(now, SessionId(session), 0, answer, out);
  }
  bool was_closed(std::uint64_t session) const {
    for (const Output& output : out) {
      const auto* close = std::get_if<SessionClose>(&output);
      if (close != nullptr && close->session == SessionId(session)) return true;
    }
    return false;
  }
  std::vector<client::ServerFrame> sent(std::uint64_t session) const {
    std::vector<client::ServerFrame> frames;
    for (const Output& output : out) {
      const auto* send = std::get_if<SessionSend>(&output);
      if (send == nullptr || send->session != SessionId(session)) continue;
      client::ServerMessage message;
      EXPECT_TRUE(message.ParseFromString(send->bytes));
      frames.insert(frames.end(), message.frames().begin(), message.frames().end());
    }
    return frames;
  }
};

TEST_F(GatewayTest, of_two_sessions_of_one_device_the_newer_stays) {
  log_in(1, 7, 5);
  log_in(2, 7, 6);
  EXPECT_TRUE(was_closed(1));
  log_in(3, 7, 4);
  EXPECT_TRUE(was_closed(3));
  EXPECT_FALSE(was_closed(2));
  EXPECT_EQ(sent(3).back().go_away().reason(), client::GoAway::SESSION_REPLACED);
  log_in(4, 7, 1, 2);
  EXPECT_FALSE(was_closed(2)) << "another device is another session";
}

TEST_F(GatewayTest, what_happens_before_the_greeting_is_told_after_it) {
  open(1);
  hello(1, 7, 1);
  ASSERT_TRUE(gateway.register_session(now, SessionId(1), out));
  const ConversationId both = ConversationId::direct(UserId(7), UserId(8));
  gateway.push(now, UserId(7), both, Seq(3), "event", out);
  EXPECT_TRUE(sent(1).empty());
  client::ServerFrame answer;
  answer.mutable_hello();
  (void)gateway.greet(now, SessionId(1), 0, answer, out);
  const auto frames = sent(1);
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_TRUE(frames[0].has_hello());
  EXPECT_EQ(frames[1].head().seq(), 3U);
}

TEST_F(GatewayTest, a_committed_head_is_told_only_to_who_was_not_pushed_it) {
  log_in(1, 7);
  const ConversationId both = ConversationId::direct(UserId(7), UserId(8));
  client::Event event;
  event.set_seq(3);
  gateway.push(now, UserId(7), both, Seq(3), event.SerializeAsString(), out);
  gateway.head_moved(now, UserId(7), both, {{3, 0, {}}, Version(10), {}}, true, out);
  EXPECT_EQ(sent(1).size(), 2U);  // hello, push
  gateway.head_moved(now, UserId(7), both, {{4, 0, {}}, Version(11), {}}, true, out);
  ASSERT_EQ(sent(1).size(), 3U);
  EXPECT_EQ(sent(1)[2].head().version(), 11U);
}

TEST_F(GatewayTest, what_was_hidden_elsewhere_is_told_once_though_the_head_was_pushed) {
  log_in(1, 7);
  const ConversationId both = ConversationId::direct(UserId(7), UserId(8));
  client::Event event;
  event.set_seq(3);
  gateway.push(now, UserId(7), both, Seq(3), event.SerializeAsString(), out);
  gateway.head_moved(now, UserId(7), both, {{3, 0, {}}, Version(10), {2}}, true, out);
  ASSERT_EQ(sent(1).size(), 3U);
  EXPECT_EQ(sent(1)[2].head().hides(), 2U);
  gateway.head_moved(now, UserId(7), both, {{3, 0, {}}, Version(11), {2}}, true, out);
  EXPECT_EQ(sent(1).size(), 3U);
}

TEST_F(GatewayTest, what_went_through_many_hands_is_forwarded_to_one_at_a_time) {
  log_in(1, 7);
  const auto forward = [this](std::uint32_t forwards) {
    client::Payload payload;
    payload.set_text("look");
    payload.set_forwards(forwards);
    client::ClientFrame one;
    one.mutable_send()->set_payload(payload.SerializeAsString());
    const std::size_t before = requests.size();
    frame(1, one);
    return requests.size() > before;
  };
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(forward(1)) << i;
  EXPECT_FALSE(forward(1));
  EXPECT_EQ(sent(1).back().error().code(), client::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(forward(0)) << "what is one's own is no forward";
  now.mono = now.mono + seconds(60);
  EXPECT_TRUE(forward(6));
  EXPECT_FALSE(forward(6));
  EXPECT_FALSE(forward(1));
  now.mono = now.mono + seconds(12);
  EXPECT_TRUE(forward(5)) << "five times before: the sixth goes to several still";
}

TEST_F(GatewayTest, typing_over_its_rate_is_dropped_in_silence_and_expects_no_answer) {
  log_in(1, 7);
  const std::size_t before = sent(1).size();
  client::ClientFrame one;
  one.mutable_typing();
  for (int i = 0; i < 200; ++i) frame(1, one);
  EXPECT_EQ(requests.size(), 1U + limits.ephemeral_device_burst);  // and the Hello
  EXPECT_EQ(sent(1).size(), before);
  EXPECT_EQ(gateway.sizes().unanswered_most, 0U);
}

TEST_F(GatewayTest, a_thousand_sockets_without_hello_hurt_nobody) {
  limits.connection_address_burst = 10'000;
  log_in(1, 7);
  for (std::uint64_t id = 2; id <= 1001; ++id) open(id);
  EXPECT_FALSE(was_closed(1));
  EXPECT_TRUE(was_closed(2)) << "the oldest of them goes";
  EXPECT_EQ(gateway.sessions(), limits.sockets_before_hello_max + 1);
  now.mono = now.mono + seconds(11);
  gateway.tick(now, out);
  EXPECT_EQ(gateway.sessions(), 1U);
}

TEST_F(GatewayTest, one_address_cannot_open_sockets_without_end) {
  for (std::uint64_t id = 1; id <= 51; ++id) open(id, 9);
  EXPECT_FALSE(was_closed(50));
  EXPECT_TRUE(was_closed(51));
  open(60, 10);
  EXPECT_FALSE(was_closed(60));
}

TEST_F(GatewayTest, a_proxy_on_this_machine_speaks_for_many) {
  Address v4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1};
  for (std::uint64_t id = 1; id <= 60; ++id) gateway.opened(now, SessionOpened{SessionId(id), v4}, out);
  EXPECT_FALSE(was_closed(60));
  v4[12] = 128;
  for (std::uint64_t id = 61; id <= 120; ++id) gateway.opened(now, SessionOpened{SessionId(id), v4}, out);
  EXPECT_TRUE(was_closed(120));
}

TEST_F(GatewayTest, a_session_with_64_unanswered_requests_is_not_read) {
  log_in(1, 7);
  requests.clear();
  client::ClientFrame ping;
  ping.mutable_ping();
  for (int i = 0; i < 64; ++i) frame(1, ping);
  const auto* read = std::get_if<SessionRead>(&out.back());
  ASSERT_NE(read, nullptr);
  EXPECT_FALSE(read->on);
  ASSERT_EQ(requests.size(), 64U);
  out.clear();
  for (int i = 0; i < 32; ++i) {
    client::ServerFrame pong;
    pong.mutable_pong();
    gateway.answer(now, SessionId(1), 1, pong, out);
  }
  read = std::get_if<SessionRead>(&out.back());
  ASSERT_NE(read, nullptr);
  EXPECT_TRUE(read->on);
}

TEST_F(GatewayTest, a_sender_over_its_rate_is_told_when_to_come_back) {
  log_in(1, 7);
  client::ClientFrame send;
  send.set_request_id(9);
  send.mutable_send()->set_outbox_seq(1);
  for (int i = 0; i < 61; ++i) frame(1, send);
  const client::ServerFrame last = sent(1).back();
  EXPECT_EQ(last.error().code(), client::RESOURCE_EXHAUSTED);
  EXPECT_GT(last.error().retry_after_ms(), 0U);
  EXPECT_LE(last.error().retry_after_ms(), 201U);
}

TEST_F(GatewayTest, refused_hellos_are_told_to_come_back_as_far_apart_as_they_can_be_let_in) {
  std::vector<std::uint32_t> waits;
  for (std::uint64_t device = 1; device <= 2'000; ++device) {
    open(device, static_cast<std::uint8_t>(device % 250));
    hello(device, device, 1);
    for (const client::ServerFrame& answer : sent(device)) {
      if (answer.has_error()) waits.push_back(answer.error().retry_after_ms());
    }
  }
  ASSERT_EQ(waits.size(), 1'000U) << "the burst was let in";
  EXPECT_GT(waits.front(), 0U);
  EXPECT_TRUE(std::is_sorted(waits.begin(), waits.end()));
  EXPECT_NEAR(waits.back(), 2'000.0, 5.0) << "500 a second";
  EXPECT_NEAR(waits[500], 1'000.0, 5.0);
}

TEST_F(GatewayTest, a_request_from_the_future_is_unimplemented_not_an_error_of_the_session) {
  log_in(1, 7);
  gateway.frame(now, SessionFrame{SessionId(1), std::string("\x0a\x05\x08\x09\xa2\x1f\x00", 7)}, requests, out);
  EXPECT_EQ(sent(1).back().error().code(), client::UNIMPLEMENTED);
  EXPECT_EQ(sent(1).back().request_id(), 9U);
  EXPECT_FALSE(was_closed(1));
}

TEST_F(GatewayTest, a_session_that_reads_nothing_for_a_minute_is_closed) {
  log_in(1, 7);
  const ConversationId both = ConversationId::direct(UserId(7), UserId(8));
  client::Event event;
  event.set_payload(std::string(60'000, 'x'));
  for (std::uint64_t seq = 1; seq <= 40; ++seq) {
    gateway.push(now, UserId(7), both, Seq(seq), event.SerializeAsString(), out);
  }
  std::uint64_t bytes = 0;
  for (const Output& output : out) {
    if (const auto* send = std::get_if<SessionSend>(&output)) bytes += send->bytes.size();
  }
  EXPECT_LT(bytes, limits.push_budget_bytes_max + 100'000);
  EXPECT_FALSE(was_closed(1));
  now.mono = gateway.next_deadline();
  gateway.tick(now, out);
  EXPECT_TRUE(was_closed(1));
  EXPECT_EQ(sent(1).back().go_away().reason(), client::GoAway::TOO_SLOW);
}

TEST_F(GatewayTest, a_session_that_is_behind_asks_nothing_more_until_it_has_caught_up) {
  log_in(1, 7);
  client::ClientFrame ask;
  ask.set_request_id(9);
  ask.mutable_sync();
  frame(1, ask);
  const ConversationId both = ConversationId::direct(UserId(7), UserId(8));
  client::Event event;
  event.set_payload(std::string(60'000, 'x'));
  for (std::uint64_t seq = 1; seq <= 40; ++seq) {
    gateway.push(now, UserId(7), both, Seq(seq), event.SerializeAsString(), out);
  }
  const auto last_read = [&] {
    bool on = true;
    for (const Output& output : out) {
      if (const auto* read = std::get_if<SessionRead>(&output)) on = read->on;
    }
    return on;
  };
  EXPECT_FALSE(last_read());
  client::ServerFrame page;
  page.mutable_sync();
  gateway.answer(now, SessionId(1), 9, page, out);
  EXPECT_FALSE(last_read()) << "an answer is no reason to let it ask again";
  gateway.writable(now, SessionWritable{SessionId(1), limits.push_budget_bytes_max * 2}, out);
  EXPECT_TRUE(last_read());
}

TEST_F(GatewayTest, what_is_recounted_later_does_not_put_an_earlier_gate_over_a_later_one) {
  log_in(1, 7);
  const ConversationId both = ConversationId::direct(UserId(7), UserId(8));
  const auto moved = [&](std::uint64_t version, std::uint64_t read, client::Gate gate, bool is_news) {
    gateway.head_moved(now, UserId(7), both, {{1, read, {}}, Version(version), {0, gate, false, is_news}}, true, out);
  };
  moved(1, 0, client::REQUEST, true);
  moved(2, 1, client::REQUEST, false);  // kept for a second
  const std::size_t before = sent(1).size();
  moved(3, 1, client::OPEN, true);
  ASSERT_EQ(sent(1).size(), before + 1);
  EXPECT_EQ(sent(1).back().head().gate(), client::OPEN);
  EXPECT_EQ(sent(1).back().head().read(), 1U);
}

// Seed 124: an event moved a row of the index between two pages of a sync. It was on neither, and what was read there
// was told to nobody.
TEST_F(GatewayTest, a_row_that_moves_between_two_pages_is_told_as_a_whole_and_one_that_was_told_by_its_event) {
  log_in(1, 7);
  const ConversationId both = ConversationId::direct(UserId(7), UserId(8));
  const auto answer_page = [&](std::uint64_t next_below) {
    client::ClientFrame ask;
    ask.set_request_id(9);
    ask.mutable_sync();
    frame(1, ask);
    client::ServerFrame page;
    page.mutable_sync()->set_next_below(next_below);
    gateway.answer(now, SessionId(1), 9, page, out);
  };
  const auto moved = [&](std::uint64_t head, std::uint64_t read) {
    client::Event event;
    event.set_seq(head);
    gateway.push(now, UserId(7), both, Seq(head), event.SerializeAsString(), out);
    gateway.head_moved(now, UserId(7), both, {{head, read, {}}, Version(head), {}, false}, true, out);
    now.mono = now.mono + seconds(2);
    gateway.tick(now, out);
  };
  answer_page(50);
  moved(3, 2);
  ASSERT_TRUE(sent(1).back().has_head());
  EXPECT_EQ(sent(1).back().head().read(), 2U);
  answer_page(0);
  moved(4, 3);
  EXPECT_TRUE(sent(1).back().has_push());
}

// Seed 72 of several nodes: a leader died while it was telling what a session lacked, and the next one began above it.
TEST_F(GatewayTest, a_version_counts_as_told_only_once_nothing_below_it_is_to_come) {
  log_in(1, 7);
  const ShardId shard = shard_of(UserId(7), ShardCount{4});
  const ConversationId both = ConversationId::direct(UserId(7), UserId(8));
  gateway.head_moved(now, UserId(7), both, {{9, 0, {}}, Version(20), {}}, false, out);
  ASSERT_EQ(gateway.of_shard(shard).size(), 1U);
  EXPECT_LT(gateway.of_shard(shard)[0].version, Version(20));
  gateway.caught_up(shard);
  EXPECT_EQ(gateway.of_shard(shard)[0].version, Version(20));
  gateway.head_moved(now, UserId(7), both, {{10, 0, {}}, Version(21), {}}, true, out);
  EXPECT_EQ(gateway.of_shard(shard)[0].version, Version(21));
}

// Seed 18 of several nodes: a list of sessions left while a Hello's answer was on its way, and what had changed between
// that answer's reads and the list was told to nobody.
TEST_F(GatewayTest, a_session_registered_before_its_answer_is_registered_again_from_the_answers_version) {
  open(1);
  hello(1, 7, 1);
  ASSERT_TRUE(gateway.register_session(now, SessionId(1), out));
  const ShardId shard = shard_of(UserId(7), ShardCount{4});
  ASSERT_EQ(gateway.of_shard(shard).size(), 1U);
  const ConversationId both = ConversationId::direct(UserId(7), UserId(8));
  gateway.head_moved(now, UserId(7), both, {{9, 0, {}}, Version(20), {}}, true, out);
  gateway.caught_up(shard);
  client::ServerFrame greeting;
  greeting.mutable_hello()->mutable_sync()->set_top_version(12);
  const auto again = gateway.greet(now, SessionId(1), 1, greeting, out);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->session, SessionId(1));
  EXPECT_EQ(again->version, Version(12));
  gateway.caught_up(shard);
  EXPECT_EQ(gateway.of_shard(shard)[0].version, Version(20));
}

TEST_F(GatewayTest, a_session_whose_answer_came_first_is_not_registered_again) {
  open(1);
  hello(1, 7, 1);
  ASSERT_TRUE(gateway.register_session(now, SessionId(1), out));
  client::ServerFrame greeting;
  greeting.mutable_hello();
  EXPECT_FALSE(gateway.greet(now, SessionId(1), 1, greeting, out));
}

TEST_F(GatewayTest, what_is_kept_for_a_session_is_counted_until_it_is_told_or_ends) {
  open(1);
  hello(1, 7, 1);
  open(2);
  hello(2, 7, 1, 2);
  ASSERT_TRUE(gateway.register_session(now, SessionId(1), out));
  ASSERT_TRUE(gateway.register_session(now, SessionId(2), out));
  const std::uint64_t before = gateway.memory_bytes();
  const ConversationId chat = ConversationId::direct(UserId(7), UserId(8));
  for (const std::uint64_t seq : {1U, 2U}) gateway.push(now, UserId(7), chat, Seq(seq), "event", out);
  const std::uint64_t kept = gateway.memory_bytes();
  EXPECT_GT(kept, before);
  client::ServerFrame greeting;
  greeting.mutable_hello();
  (void)gateway.greet(now, SessionId(1), 1, greeting, out);
  const std::uint64_t told = gateway.memory_bytes();
  EXPECT_EQ(kept - told, told - before) << "each session kept one head";
  gateway.closed(SessionId(2));
  gateway.closed(SessionId(1));
  open(3);
  hello(3, 7, 1);
  open(4);
  hello(4, 7, 1, 2);
  EXPECT_EQ(gateway.memory_bytes(), before);
}

TEST_F(GatewayTest, a_session_that_missed_too_many_conversations_is_sent_away) {
  open(1);
  hello(1, 7, 1);
  ASSERT_TRUE(gateway.register_session(now, SessionId(1), out));
  for (std::uint64_t i = 0; i <= Session::missed_max; ++i) {
    gateway.push(now, UserId(7), ConversationId::direct(UserId(7), UserId(100 + i)), Seq(1), "event", out);
  }
  EXPECT_TRUE(was_closed(1));
  EXPECT_EQ(gateway.sessions(), 0U);
}

}  // namespace
}  // namespace chasqui::gateway
