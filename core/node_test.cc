// The whole core of one node, in a perfect world. Over 400 lines because one world and its few helpers serve every
// story.
#include "core/node.h"

#include <gtest/gtest.h>

#include "core/base/digest.h"
#include "core/base/keys.h"
#include "core/testing/cluster.h"

namespace chasqui {
namespace {

using testing::Cluster;
using testing::Login;

std::string payload(const std::string& text) {
  client::Payload payload;
  payload.set_nonce(std::string(16, 'n'));
  payload.set_text(text);
  return payload.SerializeAsString();
}

client::ClientFrame send(std::uint64_t id, const ConversationId& conversation, std::uint64_t outbox_seq,
                         const std::string& text) {
  client::ClientFrame frame;
  frame.set_request_id(id);
  frame.mutable_send()->set_conversation(conversation.str());
  frame.mutable_send()->set_outbox_seq(outbox_seq);
  frame.mutable_send()->set_payload(payload(text));
  return frame;
}

client::ClientFrame ack(const ConversationId& conversation, std::uint64_t delivered, std::uint64_t read = 0) {
  client::ClientFrame frame;
  frame.mutable_ack()->set_conversation(conversation.str());
  frame.mutable_ack()->set_delivered_seq(delivered);
  frame.mutable_ack()->set_read_seq(read);
  frame.mutable_ack()->set_history_epoch(1);
  return frame;
}

std::vector<client::ServerFrame> of_kind(const std::vector<client::ServerFrame>& frames,
                                         client::ServerFrame::BodyCase kind) {
  std::vector<client::ServerFrame> found;
  for (const client::ServerFrame& frame : frames) {
    if (frame.body_case() == kind) found.push_back(frame);
  }
  return found;
}

struct TwoPeople {
  Cluster world;
  Login ana = world.provision("ana");
  Login beto = world.provision("beto");
  ConversationId both = ConversationId::direct(ana.user, beto.user);
  auto frames(SessionId session, client::ServerFrame::BodyCase kind) { return of_kind(world.received(session), kind); }
};

TEST(Node, a_message_is_accepted_pushed_and_ticked) {
  TwoPeople t;
  const SessionId ana = t.world.connect(t.ana);
  const SessionId beto = t.world.connect(t.beto);
  ASSERT_EQ(t.frames(ana, client::ServerFrame::kHello).size(), 1U);

  t.world.send_frame(ana, send(7, t.both, 1, "hola"));
  t.world.run();
  const auto accepted = t.frames(ana, client::ServerFrame::kAccepted);
  ASSERT_EQ(accepted.size(), 1U);
  EXPECT_EQ(accepted[0].request_id(), 7U);
  EXPECT_EQ(accepted[0].accepted().seq(), 1U);
  const auto pushed = t.frames(beto, client::ServerFrame::kPush);
  ASSERT_EQ(pushed.size(), 1U);
  EXPECT_EQ(pushed[0].push().event().payload(), payload("hola"));
  EXPECT_EQ(pushed[0].push().event().digest(), std::string(view(blake2b_256(payload("hola")))));
  EXPECT_EQ(t.frames(ana, client::ServerFrame::kPush).size(), 1U) << "the sender's devices are told as well";

  client::ClientFrame accept;
  accept.mutable_set_gate()->set_user(t.ana.user.value());
  t.world.send_frame(beto, accept);
  t.world.run();
  t.world.send_frame(beto, ack(t.both, 1, 1));
  t.world.run_for(seconds(2));
  const auto receipts = t.frames(ana, client::ServerFrame::kReceipt);
  ASSERT_EQ(receipts.size(), 1U);
  EXPECT_EQ(receipts[0].receipt().user(), t.beto.user.value());
  EXPECT_EQ(receipts[0].receipt().read_seq(), 1U);
  EXPECT_EQ(t.frames(beto, client::ServerFrame::kAcked).size(), 1U);
}

TEST(Node, accepted_leaves_only_after_the_log_is_synced) {
  TwoPeople t;
  const SessionId ana = t.world.connect(t.ana);
  const SessionId beto = t.world.connect(t.beto);
  t.world.hold_syncs = true;
  t.world.send_frame(ana, send(7, t.both, 1, "hola"));
  t.world.run();
  EXPECT_TRUE(t.frames(ana, client::ServerFrame::kAccepted).empty());
  EXPECT_TRUE(t.frames(beto, client::ServerFrame::kPush).empty());
}

TEST(Node, a_retry_gets_its_first_answer_and_stores_nothing) {
  TwoPeople t;
  const SessionId ana = t.world.connect(t.ana);
  for (std::uint64_t id = 1; id <= 3; ++id) t.world.send_frame(ana, send(id, t.both, 1, "hola"));
  t.world.run();
  const auto accepted = t.frames(ana, client::ServerFrame::kAccepted);
  ASSERT_EQ(accepted.size(), 3U);
  for (const auto& frame : accepted) EXPECT_EQ(frame.accepted().seq(), 1U);
}

TEST(Node, who_was_away_finds_everything_in_one_sync) {
  TwoPeople t;
  const SessionId ana = t.world.connect(t.ana);
  for (std::uint64_t n = 1; n <= 5; ++n) t.world.send_frame(ana, send(n, t.both, n, "hola"));
  t.world.run_for(seconds(1));
  const SessionId beto = t.world.connect(t.beto);
  const auto hello = t.frames(beto, client::ServerFrame::kHello);
  ASSERT_EQ(hello.size(), 1U);
  ASSERT_EQ(hello[0].hello().sync().entries_size(), 1);
  EXPECT_EQ(hello[0].hello().sync().entries(0).head(), 5U);
  EXPECT_GT(hello[0].hello().sync().top_version(), 0U);

  client::ClientFrame history;
  history.set_request_id(9);
  history.mutable_history()->set_conversation(t.both.str());
  t.world.send_frame(beto, history);
  t.world.run();
  const auto pages = t.frames(beto, client::ServerFrame::kHistory);
  ASSERT_EQ(pages.size(), 1U);
  ASSERT_EQ(pages[0].history().events_size(), 5);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(pages[0].history().events(i).seq(), static_cast<std::uint64_t>(i + 1));

  const SessionId again = t.world.connect(t.beto, Version(hello[0].hello().sync().top_version()), 2);
  const auto second = t.frames(again, client::ServerFrame::kHello);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].hello().sync().entries_size(), 0) << "nothing has changed since";
  EXPECT_TRUE(t.world.closed(beto)) << "a newer session of the device stands";
}

TEST(Node, a_mark_on_its_way_into_the_index_is_told_at_hello) {
  TwoPeople t;
  const SessionId ana = t.world.connect(t.ana);
  t.world.send_frame(ana, send(1, t.both, 1, "hola"));
  t.world.run();  // accepted; the index mark lingers
  const SessionId beto = t.world.connect(t.beto);
  const auto hello = t.frames(beto, client::ServerFrame::kHello);
  ASSERT_EQ(hello.size(), 1U);
  ASSERT_EQ(hello[0].hello().sync().entries_size(), 1);
  EXPECT_EQ(hello[0].hello().sync().entries(0).head(), 1U);
  EXPECT_EQ(hello[0].hello().sync().entries(0).version(), 0U);
}

// Whatever read of a Hello the mark falls between, the device hears of it: in the answer, or right after it.
TEST(Node, a_mark_that_commits_while_a_hello_is_answered_is_told) {
  for (int reads_before = 0; reads_before < 4; ++reads_before) {
    TwoPeople t;
    const SessionId ana = t.world.connect(t.ana);
    t.world.send_frame(ana, send(1, t.both, 1, "first"));
    t.world.run_for(seconds(1));
    t.world.hold_reads = true;
    const SessionId beto = t.world.connect(t.beto);
    for (int i = 0; i < reads_before; ++i) t.world.release_reads();
    t.world.send_frame(ana, send(2, t.both, 2, "second"));
    t.world.run_for(seconds(1));  // pushed, and its mark is committed
    for (int i = 0; i < 8 && t.world.release_reads() > 0; ++i) {
    }
    const auto hello = t.frames(beto, client::ServerFrame::kHello);
    ASSERT_EQ(hello.size(), 1U);
    std::uint64_t head = 0;
    std::uint64_t version = hello[0].hello().sync().top_version();
    for (const auto& entry : hello[0].hello().sync().entries()) head = std::max(head, entry.head());
    for (const auto& frame : t.world.received(beto)) {
      if (frame.has_head()) head = std::max(head, frame.head().seq());
      if (frame.has_head()) version = std::max(version, frame.head().version());
      if (frame.has_push()) head = std::max(head, frame.push().event().seq());
    }
    EXPECT_EQ(head, 2U) << "with " << reads_before << " reads before the mark";
    EXPECT_GE(version, 2U) << "with " << reads_before << " reads before the mark";
  }
}

TEST(Node, everything_accepted_survives_a_crash_with_nothing_flushed) {
  TwoPeople t;
  const SessionId ana = t.world.connect(t.ana);
  for (std::uint64_t n = 1; n <= 20; ++n) t.world.send_frame(ana, send(n, t.both, n, "hola"));
  t.world.run();
  ASSERT_EQ(t.frames(ana, client::ServerFrame::kAccepted).size(), 20U);
  t.world.crash_and_restart();
  ASSERT_TRUE(t.world.node().ready());
  const SessionId beto = t.world.connect(t.beto);
  t.world.run_for(seconds(1));  // the feed is sent again by the new leader
  std::uint64_t head = 0;
  for (const auto& frame : t.world.received(beto)) {
    if (frame.has_head()) head = std::max(head, frame.head().seq());
    for (const auto& entry : frame.hello().sync().entries()) head = std::max(head, entry.head());
  }
  EXPECT_EQ(head, 20U);
  const SessionId back = t.world.connect(t.ana, Version(), 2);
  t.world.send_frame(back, send(1, t.both, 20, "hola"));
  t.world.run();
  ASSERT_EQ(t.frames(back, client::ServerFrame::kAccepted).size(), 1U);
  EXPECT_EQ(t.frames(back, client::ServerFrame::kAccepted)[0].accepted().seq(), 20U);
}

// A lone node whose log takes many steps to be replayed: somebody has written to herself.
struct LongLog {
  static Limits generous() {
    Limits limits;
    limits.send_device_burst = 10'000;
    limits.send_conversation_burst = 10'000;
    limits.overlay_write_ms = 0;  // what is applied is counted in the store
    return limits;
  }
  LongLog() {
    const SessionId session = world.connect(ana);
    for (std::uint64_t n = 1; n <= 1'000; ++n) {
      world.send_frame(session, send(n, self, n, "hola"));
      world.run();
    }
  }
  Cluster world{{1}, generous()};
  Login ana = world.provision("ana");
  ConversationId self = ConversationId::direct(ana.user, ana.user);
};

// Kill -9 under load found it: a Hello in the middle of a long replay did not find its device.
TEST(Node, a_restarted_node_serves_nobody_before_it_has_applied_what_was_committed) {
  LongLog log;
  Cluster& world = log.world;
  const Login carla = world.provision("carla");
  world.crash();
  int steps = 0;
  while (!world.node().ready()) {
    ASSERT_TRUE(world.step_once());
    ++steps;
  }
  EXPECT_GT(steps, 3) << "a long log is not replayed in one step";
  EXPECT_TRUE(world.store().get(keys::device(ShardId(0), carla.user, carla.device)).has_value());
  EXPECT_TRUE(world.store().get(keys::event(ShardId(0), log.self, Seq(1'000))).has_value());
}

// A leader whose only other follower had just been restarted waited seconds for it to store an entry.
TEST(Node, what_comes_while_a_long_log_is_replayed_does_not_wait_for_it) {
  LongLog log;
  Cluster& world = log.world;
  const auto events = [&] {
    std::uint64_t seq = 0;
    while (world.store().get(keys::event(ShardId(0), log.self, Seq(seq + 1)))) ++seq;
    return seq;
  };
  world.crash();
  while (events() == 0) ASSERT_TRUE(world.step_once());
  const std::uint64_t before = events();
  Outputs out;
  for (int i = 0; i < 20; ++i) world.node().step(world.now(), SessionClosed{SessionId(99)}, out);
  EXPECT_EQ(events(), before) << "one step has applied what may be applied in a moment";
  world.node().step(world.now(), Tick{}, out);
  EXPECT_GT(events(), before);
}

// The simulator found it: the node proposed a second entry, was refused, and tried again without end.
TEST(Node, one_entry_at_a_time_is_slow_but_works) {
  Limits limits;
  limits.entries_in_flight_max = 1;
  Cluster world({1}, limits);
  const Login ana = world.provision("ana");
  const ConversationId self = ConversationId::direct(ana.user, ana.user);
  const SessionId session = world.connect(ana);
  world.hold_syncs = true;
  for (std::uint64_t n = 1; n <= 10; ++n) {
    world.send_frame(session, send(n, self, n, "hola"));
    world.send_frame(session, ack(self, n));
    world.run();
  }
  world.release_syncs();
  world.run_for(seconds(5));
  EXPECT_EQ(of_kind(world.received(session), client::ServerFrame::kAccepted).size(), 10U);
}

TEST(Node, the_feed_comes_to_rest_and_its_rows_are_dropped) {
  TwoPeople t;
  const SessionId ana = t.world.connect(t.ana);
  for (std::uint64_t n = 1; n <= 50; ++n) t.world.send_frame(ana, send(n, t.both, n, "hola"));
  t.world.run_for(seconds(5));
  for (const auto& [key, value] : t.world.store().rows()) {
    const auto parsed = keys::parse(key);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_NE(parsed->kind, keys::Kind::Feed) << "acknowledged rows are gone";
  }
}

TEST(Node, an_idle_node_sleeps) {
  TwoPeople t;
  const SessionId ana = t.world.connect(t.ana);
  t.world.send_frame(ana, send(1, t.both, 1, "hola"));
  t.world.run_for(seconds(60));
  EXPECT_GT(t.world.node().next_deadline(), t.world.now().mono + seconds(3600)) << "no timer is left: no CPU is burnt";
}

TEST(Node, strangers_learn_nothing) {
  TwoPeople t;
  const Login carla = t.world.provision("carla");
  const SessionId session = t.world.connect(carla);
  t.world.send_frame(session, send(1, t.both, 1, "hola"));
  client::ClientFrame history;
  history.set_request_id(2);
  history.mutable_history()->set_conversation(t.both.str());
  t.world.send_frame(session, history);
  history.set_request_id(3);
  history.mutable_history()->set_conversation(ConversationId::direct(UserId(5), UserId(6)).str());
  t.world.send_frame(session, history);
  t.world.run();
  const auto errors = t.frames(session, client::ServerFrame::kError);
  ASSERT_EQ(errors.size(), 3U);
  for (const auto& frame : errors) EXPECT_EQ(frame.error().code(), client::PERMISSION_DENIED);
  EXPECT_EQ(errors[1].error().message(), errors[2].error().message());
}

TEST(Node, a_wrong_token_is_refused_and_its_session_closed) {
  TwoPeople t;
  Login thief = t.ana;
  thief.secret[0] ^= 1;
  const SessionId session = t.world.connect(thief);
  const auto errors = t.frames(session, client::ServerFrame::kError);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].error().code(), client::UNAUTHENTICATED);
  EXPECT_TRUE(t.world.closed(session));
  thief.user = UserId(123456);
  EXPECT_TRUE(t.world.closed(t.world.connect(thief)));
}

TEST(Node, a_frame_before_hello_or_garbage_ends_that_session_alone) {
  TwoPeople t;
  const SessionId good = t.world.connect(t.ana);
  const SessionId early = t.world.open();
  t.world.send_frame(early, send(1, t.both, 1, "hola"));
  const SessionId garbage = t.world.open();
  t.world.send_bytes(garbage, "\xff\xff\xff\xff");
  const SessionId silent = t.world.open();
  t.world.run_for(seconds(11));
  EXPECT_TRUE(t.world.closed(early));
  EXPECT_TRUE(t.world.closed(garbage));
  EXPECT_TRUE(t.world.closed(silent)) << "no Hello came within 10 s";
  EXPECT_FALSE(t.world.closed(good));
}

TEST(Node, a_text_of_64_kib_and_one_byte_is_refused_and_takes_its_number) {
  TwoPeople t;
  const SessionId ana = t.world.connect(t.ana);
  t.world.send_frame(ana, send(1, t.both, 1, std::string(65'537, 'x')));
  t.world.send_frame(ana, send(2, t.both, 2, "hola"));
  t.world.run();
  const auto errors = t.frames(ana, client::ServerFrame::kError);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].error().code(), client::INVALID_ARGUMENT);
  EXPECT_NE(errors[0].error().message().find("65537"), std::string::npos) << errors[0].error().message();
  const auto accepted = t.frames(ana, client::ServerFrame::kAccepted);
  ASSERT_EQ(accepted.size(), 1U);
  EXPECT_EQ(accepted[0].accepted().seq(), 1U);
}

TEST(Node, a_full_disk_refuses_sends_and_serves_reads) {
  TwoPeople t;
  const SessionId ana = t.world.connect(t.ana);
  t.world.send_frame(ana, send(1, t.both, 1, "hola"));
  t.world.run();
  t.world.input(Pressure{Pressure::Disk::NoWrites, false});
  t.world.send_frame(ana, send(2, t.both, 2, "no room"));
  client::ClientFrame history;
  history.set_request_id(3);
  history.mutable_history()->set_conversation(t.both.str());
  t.world.send_frame(ana, history);
  t.world.run();
  ASSERT_EQ(t.frames(ana, client::ServerFrame::kError).size(), 1U);
  EXPECT_EQ(t.frames(ana, client::ServerFrame::kError)[0].error().code(), client::RESOURCE_EXHAUSTED);
  EXPECT_EQ(t.frames(ana, client::ServerFrame::kHistory).size(), 1U);
  t.world.input(Pressure{});
  t.world.send_frame(ana, send(4, t.both, 2, "room again"));
  t.world.run();
  EXPECT_EQ(t.frames(ana, client::ServerFrame::kAccepted).size(), 2U);
}

TEST(Node, a_session_that_does_not_read_is_told_heads_when_it_does) {
  Limits limits;
  limits.push_budget_bytes_max = 10'000;
  limits.send_device_burst = 1'000;
  Cluster world({4}, limits);
  const Login ana = world.provision("ana");
  const Login beto = world.provision("beto");
  const ConversationId both = ConversationId::direct(ana.user, beto.user);
  const SessionId sender = world.connect(ana);
  const SessionId slow = world.connect(beto);
  world.hold_writes = true;
  const std::string text(1'000, 'x');
  for (std::uint64_t n = 1; n <= 60; ++n) {
    world.send_frame(sender, send(n, both, n, text));
    world.run();
    world.release_writes(sender);
  }
  world.run_for(seconds(1));
  const std::size_t pushed = of_kind(world.received(slow), client::ServerFrame::kPush).size();
  EXPECT_LT(pushed, 15U) << "pushes stop at the budget";
  world.hold_writes = false;
  world.release_writes(slow);
  world.run();
  const auto heads = of_kind(world.received(slow), client::ServerFrame::kHead);
  ASSERT_FALSE(heads.empty());
  EXPECT_EQ(heads.back().head().seq(), 60U);
  EXPECT_FALSE(world.closed(slow));
}

TEST(Node, registering_and_logging_in_are_idempotent) {
  Cluster world;
  const std::string hash(32, 'h');
  const HttpAnswer first = world.call(CreateAccountCall{"Ana", "phone", hash});
  ASSERT_EQ(first.code, 0U) << first.message;
  EXPECT_EQ(first.handle, "ana");
  const HttpAnswer again = world.call(CreateAccountCall{"ana", "phone", hash});
  EXPECT_EQ(again.code, 0U);
  EXPECT_EQ(again.user, first.user);
  EXPECT_EQ(again.device, first.device);
  EXPECT_EQ(world.call(CreateAccountCall{"ana", "other", std::string(32, 'o')}).code,
            static_cast<std::uint32_t>(client::ALREADY_EXISTS));
  const HttpAnswer login = world.call(LoginCall{"ana", "laptop", std::string(32, 'l')});
  ASSERT_EQ(login.code, 0U);
  EXPECT_EQ(login.device, DeviceId(2));
  EXPECT_EQ(world.call(LoginCall{"ana", "laptop", std::string(32, 'l')}).device, DeviceId(2));
  const HttpAnswer wrong = world.call(LoginCall{"ana", "x", std::string(32, 'y')}, PasswordHashed::Result::Wrong);
  const HttpAnswer nobody = world.call(LoginCall{"nobody", "x", std::string(32, 'y')}, PasswordHashed::Result::Wrong);
  EXPECT_EQ(wrong.code, static_cast<std::uint32_t>(client::UNAUTHENTICATED));
  EXPECT_EQ(wrong.message, nobody.message);
}

TEST(Node, a_logged_out_device_is_out_at_once) {
  TwoPeople t;
  const SessionId ana = t.world.connect(t.ana);
  client::ClientFrame frame;
  frame.set_request_id(5);
  frame.mutable_logout();
  t.world.send_frame(ana, frame);
  t.world.run();
  EXPECT_EQ(t.frames(ana, client::ServerFrame::kLoggedOut).size(), 1U);
  EXPECT_TRUE(t.world.closed(ana));
  EXPECT_TRUE(t.world.closed(t.world.connect(t.ana, Version(), 2)));
}

TEST(Node, a_drained_node_sends_everybody_away) {
  TwoPeople t;
  const SessionId ana = t.world.connect(t.ana);
  const SessionId beto = t.world.connect(t.beto);
  t.world.input(Drain{});
  t.world.run_for(seconds(3));
  EXPECT_TRUE(t.world.closed(ana));
  EXPECT_TRUE(t.world.closed(beto));
  EXPECT_EQ(t.frames(beto, client::ServerFrame::kGoAway).size(), 1U);
}

TEST(Node, what_is_applied_goes_to_the_store_once_a_second_and_when_somebody_reads_it) {
  Cluster world({1});
  const Login ana = world.provision("ana");
  const ConversationId self = ConversationId::direct(ana.user, ana.user);
  const SessionId session = world.connect(ana);
  const auto has = [&](std::uint64_t seq) {
    return world.store().get(keys::event(ShardId(0), self, Seq(seq))).has_value();
  };
  world.run_for(seconds(2));
  world.send_frame(session, send(1, self, 1, "one"));
  world.run_for(milliseconds(100));
  ASSERT_EQ(of_kind(world.received(session), client::ServerFrame::kAccepted).size(), 1U);
  EXPECT_FALSE(has(1));
  world.run_for(seconds(1));
  EXPECT_TRUE(has(1));

  world.send_frame(session, send(2, self, 2, "two"));
  world.run_for(milliseconds(100));
  EXPECT_FALSE(has(2));
  client::ClientFrame frame;
  frame.set_request_id(3);
  frame.mutable_history()->set_conversation(self.str());
  world.send_frame(session, frame);
  world.run_for(milliseconds(100));
  const auto pages = of_kind(world.received(session), client::ServerFrame::kHistory);
  ASSERT_EQ(pages.size(), 1U);
  ASSERT_EQ(pages[0].history().events_size(), 2);
  EXPECT_TRUE(has(2));

  // Not written, not lost: it is in the log.
  world.send_frame(session, send(4, self, 3, "three"));
  world.run_for(milliseconds(100));
  EXPECT_FALSE(has(3));
  world.crash_and_restart();
  world.run_for(seconds(2));
  EXPECT_TRUE(has(3));
}

TEST(Node, compaction_keeps_the_log_short_and_loses_nothing) {
  Limits limits;
  limits.log_trailing_entries = 8;
  limits.send_device_burst = 10'000;
  limits.send_conversation_burst = 10'000;
  limits.overlay_write_ms = 0;  // flush() is of what the store has
  Cluster world({1}, limits);
  const Login ana = world.provision("ana");
  const ConversationId self = ConversationId::direct(ana.user, ana.user);
  const SessionId session = world.connect(ana);
  for (std::uint64_t n = 1; n <= 300; ++n) {
    world.send_frame(session, send(n, self, n, "hola"));
    world.run();
    if (n % 50 == 0) world.flush();
  }
  world.flush();
  const auto images = world.log_image();
  ASSERT_EQ(images.size(), 1U);
  EXPECT_GT(images[0].snapshot.index.value(), 0U);
  EXPECT_LT(images[0].entries.size(), 150U);
  world.crash_and_restart();
  const SessionId back = world.connect(ana, Version(), 2);
  world.send_frame(back, send(1, self, 301, "after"));
  world.run();
  const auto accepted = of_kind(world.received(back), client::ServerFrame::kAccepted);
  ASSERT_EQ(accepted.size(), 1U);
  EXPECT_EQ(accepted[0].accepted().seq(), 301U);
}

}  // namespace
}  // namespace chasqui
