// What a user would notice of the client core, against a small server (model_server.h).
//
// Over 400 lines because it is one list of promises, each a few lines long, over one fixture.
#include "core/client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/client/model_server.h"

namespace chasqui::client::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const ConversationId chat = ConversationId::direct(UserId(1), UserId(2));

class ClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ana.open();
    beto.open();
  }
  void TearDown() override {
    EXPECT_THAT(ana.complaints, IsEmpty());
    EXPECT_THAT(beto.complaints, IsEmpty());
  }
  void settle() {
    for (int i = 0; i < 4; ++i) {
      ana.settle();
      beto.settle();
    }
  }
  void settle_for(std::int64_t ms) {
    for (std::int64_t passed = 0; passed < ms; passed += 50) {
      ana.pass(50);
      beto.pass(50);
      settle();
    }
  }
  // Her phone crashes, and has this journal when it is opened again.
  void restore_ana(const std::vector<std::string>& backup) {
    ana.crash();
    ana.journal = backup;
    ana.seen.clear();
  }
  // A backup that is older than what she sent: she must renew, and the server's answers to that are lost.
  void begin_a_renewal_that_is_not_answered() {
    settle();
    const std::vector<std::string> backup = ana.journal;
    ASSERT_TRUE(ana.send(chat, "a").ok());
    ana.settle();
    restore_ana(backup);
    server.lose_renewals = true;
    ana.open();
    ASSERT_TRUE(ana.send(chat, "b").ok());
  }
  ModelServer server;
  ModelDevice ana{server, 1, 1};
  ModelDevice beto{server, 2, 1};
};

TEST_F(ClientTest, two_people_chat_and_see_ticks) {
  settle();
  ASSERT_TRUE(ana.send(chat, "hola").ok());
  settle_for(200);
  EXPECT_THAT(server.texts(chat), ElementsAre("hola"));
  ASSERT_THAT(ana.heard<SendAccepted>(), SizeIs(1));
  EXPECT_EQ(ana.heard<SendAccepted>()[0].seq, Seq(1));
  ASSERT_THAT(beto.heard<Received>(), SizeIs(1));
  ASSERT_THAT(ana.heard<MarksMoved>(), SizeIs(1));  // delivered
  EXPECT_EQ(ana.heard<MarksMoved>()[0].delivered, Seq(1));
  EXPECT_EQ(ana.heard<MarksMoved>()[0].read, Seq());
  Outputs out;
  beto.client->mark_read(beto.now, chat, Seq(1), out);
  beto.carry(out);
  settle_for(200);
  ASSERT_THAT(ana.heard<MarksMoved>(), SizeIs(2));
  EXPECT_EQ(ana.heard<MarksMoved>()[1].read, Seq(1));
  EXPECT_EQ(server.histories, 0U);  // pushes sufficed
}

TEST_F(ClientTest, what_is_sent_offline_leaves_in_order_once_connected) {
  ana.reachable = false;
  ana.settle();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(ana.send(chat, std::to_string(i)).ok());
  ana.settle_for(5'000);
  EXPECT_EQ(ana.client->unsent(), 100U);
  ana.reachable = true;
  settle_for(60'000);
  std::vector<std::string> expected;
  for (int i = 0; i < 100; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(server.texts(chat), expected);
  EXPECT_EQ(server.sends, 100U);
  EXPECT_EQ(ana.client->unsent(), 0U);
}

TEST_F(ClientTest, nothing_leaves_before_it_is_on_disk) {
  settle();
  ASSERT_TRUE(ana.send(chat, "not yet").ok());
  ana.carry_up();
  EXPECT_EQ(server.sends, 0U);
  ana.crash();
  ana.open();  // the record was not synced: as if it had never been written
  settle_for(2'000);
  EXPECT_THAT(server.texts(chat), IsEmpty());
  ASSERT_TRUE(ana.send(chat, "now").ok());
  settle();
  EXPECT_THAT(server.texts(chat), ElementsAre("now"));
}

TEST_F(ClientTest, a_crash_after_sending_sends_again_and_stores_once) {
  settle();
  ASSERT_TRUE(ana.send(chat, "a").ok());
  ASSERT_TRUE(ana.send(chat, "b").ok());
  ana.sync_journal();
  ana.carry_up();  // stored; the answers are lost with the process
  ana.crash();
  ana.open();
  settle_for(2'000);
  EXPECT_THAT(server.texts(chat), ElementsAre("a", "b"));
  EXPECT_EQ(ana.heard<SendAccepted>().size(), 2U);
  EXPECT_EQ(ana.client->unsent(), 0U);
}

TEST_F(ClientTest, an_answer_that_never_comes_costs_the_connection_and_the_message_is_sent_again) {
  settle();
  server.faults = {Fault::Silent};
  ASSERT_TRUE(ana.send(chat, "hola").ok());
  settle_for(9'000);
  EXPECT_EQ(ana.client->unsent(), 1U);
  settle_for(3'000);
  EXPECT_THAT(ana.heard<Disconnected>(), SizeIs(1));
  EXPECT_EQ(ana.client->unsent(), 0U);
  EXPECT_THAT(server.texts(chat), ElementsAre("hola"));
}

TEST_F(ClientTest, a_busy_server_gets_everything_later_and_in_order) {
  settle();
  server.faults = {Fault::None, Fault::Unavailable, Fault::AbortedStored, Fault::TooFast, Fault::None, Fault::TooFast};
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(ana.send(chat, std::to_string(i)).ok());
    expected.push_back(std::to_string(i));
  }
  settle_for(20'000);
  EXPECT_EQ(server.texts(chat), expected);
  EXPECT_EQ(ana.heard<SendAccepted>().size(), 20U);
}

TEST_F(ClientTest, a_refused_message_is_told_and_the_next_goes_on) {
  settle();
  ASSERT_TRUE(ana.send(chat, "a").ok());
  ASSERT_TRUE(ana.send(chat, "refuse me").ok());
  ASSERT_TRUE(ana.send(chat, "b").ok());
  settle();
  EXPECT_THAT(server.texts(chat), ElementsAre("a", "b"));
  ASSERT_THAT(ana.heard<SendRefused>(), SizeIs(1));
  EXPECT_EQ(ana.heard<SendRefused>()[0].outbox_seq, OutboxSeq(2));
  EXPECT_EQ(ana.heard<SendRefused>()[0].status.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ClientTest, a_stranger_refused_without_a_number_may_send_once_he_is_a_member) {
  settle();
  server.strangers_may_not_send.insert(chat.str());
  ASSERT_TRUE(ana.send(chat, "let me in").ok());
  ASSERT_TRUE(ana.send(chat, "please").ok());
  settle_for(2'000);
  EXPECT_THAT(ana.heard<SendRefused>(), SizeIs(2));
  server.strangers_may_not_send.clear();
  ASSERT_TRUE(ana.send(chat, "thanks").ok());
  settle_for(2'000);
  EXPECT_THAT(server.texts(chat), ElementsAre("thanks"));
  EXPECT_THAT(ana.heard<DeviceChanged>(), IsEmpty());
}

TEST_F(ClientTest, messages_missed_while_offline_come_at_the_next_connection) {
  settle();
  beto.break_connection();
  beto.reachable = false;
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(ana.send(chat, std::to_string(i)).ok());
  settle_for(1'000);
  beto.reachable = true;
  settle_for(60'000);
  EXPECT_EQ(beto.heard<Received>().size(), 500U);
  EXPECT_EQ(beto.client->taken(chat), Seq(500));
}

TEST_F(ClientTest, a_server_that_tells_heads_only_is_asked_for_the_rest) {
  server.push_heads_only = true;
  settle();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(ana.send(chat, std::to_string(i)).ok());
    settle();
  }
  EXPECT_EQ(beto.heard<Received>().size(), 10U);
}

TEST_F(ClientTest, a_lost_push_of_an_own_message_is_fetched) {
  settle();
  ASSERT_TRUE(ana.send(chat, "hola").ok());
  ana.sync_journal();
  ana.carry_up();
  // The push of it came first in the queue: it is lost, the acceptance arrives.
  ASSERT_THAT(ana.to_device, SizeIs(2));
  ana.to_device.pop_front();
  settle_for(2'000);
  EXPECT_EQ(ana.heard<Received>().size(), 1U);
  EXPECT_EQ(server.histories, 1U);
}

TEST_F(ClientTest, what_was_received_is_heard_once_over_all_restarts) {
  settle();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(ana.send(chat, std::to_string(i)).ok());
  ana.settle();
  beto.carry_down();
  beto.sync_journal(3);  // an early end of the journal
  beto.crash();
  beto.open();
  settle_for(1'000);
  Outputs out;
  beto.client->mark_shown(beto.now, chat, Seq(4), out);
  beto.carry(out);
  beto.settle();
  EXPECT_EQ(beto.client->not_shown().size(), 1U);
  beto.crash();
  beto.open();
  EXPECT_EQ(beto.client->taken(chat), Seq(5));
  EXPECT_EQ(beto.client->not_shown().size(), 1U);
  settle_for(1'000);
  EXPECT_THAT(beto.heard<Received>(), IsEmpty());
  EXPECT_EQ(beto.seen[chat.str()].size(), 5U);  // see() complains about gaps and repeats
}

TEST_F(ClientTest, delivered_is_said_until_it_is_confirmed) {
  settle();
  server.drop_acks = true;
  ASSERT_TRUE(ana.send(chat, "hola").ok());
  settle_for(10'000);
  std::size_t said = 0;
  for (const Ack& ack : server.acks) said += ack.delivered_seq() == 1 ? 1U : 0U;
  EXPECT_GE(said, 4U);   // both devices, each more than once
  EXPECT_LE(said, 10U);  // and not all the time
  server.drop_acks = false;
  beto.break_connection();
  settle_for(2'000);
  EXPECT_EQ((server.marks[{chat.str(), 2}].delivered_seq()), 1U);
  settle_for(35'000);
  const std::size_t before = server.acks.size();
  beto.break_connection();
  settle_for(5'000);
  EXPECT_EQ(server.acks.size(), before);  // confirmed: nothing to say
}

TEST_F(ClientTest, a_confirmed_mark_is_not_said_again_after_a_restart) {
  settle();
  ASSERT_TRUE(ana.send(chat, "hola").ok());
  settle_for(1'000);
  Outputs out;
  beto.client->stop(beto.now, out);
  beto.carry(out);
  beto.settle();
  beto.crash();
  const std::size_t before = server.acks.size();
  beto.open();
  settle_for(5'000);
  EXPECT_EQ(server.acks.size(), before);
}

TEST_F(ClientTest, a_restored_backup_gets_a_new_device_and_nothing_is_lost_or_doubled) {
  settle();
  ASSERT_TRUE(ana.send(chat, "a").ok());
  ana.sync_journal();  // the backup is made here: a is on disk, and not known to be accepted
  const std::vector<std::string> backup = ana.journal;
  const Credentials credentials = ana.credentials;
  ana.settle();
  ASSERT_TRUE(ana.send(chat, "b").ok());
  ana.settle();
  restore_ana(backup);
  ana.credentials = credentials;
  ana.reachable = false;
  ana.open();
  ASSERT_TRUE(ana.send(chat, "c").ok());  // under the number of b
  ASSERT_TRUE(ana.send(chat, "d").ok());
  ana.settle_for(100);
  ana.reachable = true;
  settle_for(40'000);
  EXPECT_THAT(server.texts(chat), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(ana.client->unsent(), 0U);
  ASSERT_THAT(ana.heard<DeviceChanged>(), SizeIs(1));
  EXPECT_EQ(ana.credentials.device, DeviceId(2));
  EXPECT_EQ(ana.heard<Received>().size(), 4U);
  // The new device is what the next life is, and its numbers go on.
  ana.crash();
  ana.open();
  ASSERT_TRUE(ana.send(chat, "e").ok());
  settle_for(2'000);
  EXPECT_THAT(server.texts(chat), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(ana.heard<DeviceChanged>(), IsEmpty());
}

TEST_F(ClientTest, a_backup_of_a_renewed_device_is_a_backup_like_any_other) {
  settle();
  ASSERT_TRUE(ana.send(chat, "a").ok());
  ana.settle();
  const auto restored = [&](const std::vector<std::string>& backup, const Credentials& credentials) {
    restore_ana(backup);
    ana.credentials = credentials;
    ana.open();
  };
  ana.sync_journal();
  const std::vector<std::string> first = ana.journal;
  const Credentials first_credentials = ana.credentials;
  ASSERT_TRUE(ana.send(chat, "b").ok());
  ana.settle();
  restored(first, first_credentials);
  ASSERT_TRUE(ana.send(chat, "c").ok());
  settle_for(40'000);
  ana.sync_journal();  // of device 2, whose numbers were its own when this journal was written
  const std::vector<std::string> second = ana.journal;
  const Credentials second_credentials = ana.credentials;
  EXPECT_EQ(second_credentials.device, DeviceId(2));
  ASSERT_TRUE(ana.send(chat, "d").ok());
  ana.settle();
  restored(second, second_credentials);
  ana.settle();
  ASSERT_TRUE(ana.send(chat, "e").ok());  // under the number of d, which is refused
  ASSERT_TRUE(ana.send(chat, "f").ok());  // must not overtake it
  settle_for(40'000);
  EXPECT_THAT(server.texts(chat), ElementsAre("a", "b", "c", "d", "e", "f"));
}

TEST_F(ClientTest, a_message_that_a_restored_backup_sends_too_late_is_found_in_the_history) {
  settle();
  ASSERT_TRUE(ana.send(chat, "a").ok());
  ana.sync_journal();
  const std::vector<std::string> backup = ana.journal;
  ana.settle();
  for (int i = 0; i < 70; ++i) ASSERT_TRUE(ana.send(chat, "later").ok());
  ana.settle();
  restore_ana(backup);
  ana.open();
  ASSERT_TRUE(ana.send(chat, "b").ok());
  settle_for(40'000);
  const std::vector<std::string> texts = server.texts(chat);
  EXPECT_THAT(texts, SizeIs(72));  // a once, for all that its number is no longer remembered
  EXPECT_EQ(texts.front(), "a");
  EXPECT_EQ(texts.back(), "b");
  const std::vector<SendAccepted> accepted = ana.heard<SendAccepted>();
  ASSERT_THAT(accepted, SizeIs(2));
  EXPECT_EQ(accepted[0].outbox_seq, OutboxSeq(1));
  EXPECT_EQ(accepted[0].seq, Seq(1));
}

TEST_F(ClientTest, what_was_announced_before_a_crash_is_announced_again) {
  settle();
  beto.break_connection();
  beto.reachable = false;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(ana.send(chat, std::to_string(i)).ok());
  settle_for(1'000);
  beto.reachable = true;
  for (int i = 0; i < 100 && beto.heard<Connected>().size() < 2; ++i) {
    beto.pass(50);
    beto.finish_connecting();
    beto.carry_up();
    beto.carry_down(1);
  }
  beto.sync_journal();  // the answer to Hello is digested, the events are not here
  beto.crash();
  beto.open();
  settle_for(1'000);
  EXPECT_EQ(beto.client->taken(chat), Seq(5));
}

TEST_F(ClientTest, a_renewal_whose_answer_is_lost_finds_its_new_device) {
  ASSERT_NO_FATAL_FAILURE(begin_a_renewal_that_is_not_answered());
  settle_for(60'000);
  EXPECT_THAT(server.texts(chat), ElementsAre("a", "b"));
  EXPECT_EQ(ana.credentials.device, DeviceId(2));
  EXPECT_THAT(ana.heard<Ended>(), IsEmpty());
}

TEST_F(ClientTest, a_renewal_that_a_copy_was_first_with_is_given_up_soon) {
  ASSERT_NO_FATAL_FAILURE(begin_a_renewal_that_is_not_answered());
  for (int i = 0; i < 400 && server.last_device[1] == 1; ++i) {
    ana.settle();
    ana.pass(50);
  }
  ASSERT_EQ(server.last_device[1], 2U);
  server.devices.erase({1, 2});  // as if another program had renewed, and that one's secret were another
  settle_for(40'000);            // all ids that can follow are tried, none after a long pause
  ASSERT_THAT(ana.heard<Ended>(), SizeIs(1));
  EXPECT_EQ(ana.heard<Ended>()[0].reason, GoAway::REVOKED);
}

TEST_F(ClientTest, a_crash_in_the_middle_of_a_renewal_finishes_it_in_the_next_life) {
  settle();
  const std::vector<std::string> backup = ana.journal;
  ASSERT_TRUE(ana.send(chat, "a").ok());
  ana.settle();
  restore_ana(backup);
  ana.open();
  ASSERT_TRUE(ana.send(chat, "b").ok());
  for (int i = 0; i < 400 && server.last_device[1] == 1; ++i) {
    ana.pass(50);
    ana.finish_connecting();
    ana.sync_journal();
    ana.carry_up();
    if (server.last_device[1] == 1) ana.carry_down();
  }
  ASSERT_EQ(server.last_device[1], 2U);
  ana.carry_down();  // renewed, but the new device is not on disk
  ana.crash();
  ana.open();
  settle_for(60'000);
  EXPECT_THAT(server.texts(chat), ElementsAre("a", "b"));
  EXPECT_EQ(ana.credentials.device, DeviceId(2));
}

TEST_F(ClientTest, a_compacted_journal_means_the_same) {
  settle();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(ana.send(chat, std::to_string(i)).ok());
  settle_for(1'000);
  Outputs out;
  ana.client->mark_shown(ana.now, chat, Seq(7), out);
  ana.client->mark_read(ana.now, chat, Seq(6), out);
  ana.carry(out);
  ana.break_connection();
  ana.reachable = false;
  ASSERT_TRUE(ana.send(chat, "waits").ok());
  ana.settle();
  const std::vector<std::string> compacted = ana.client->compacted();
  EXPECT_LT(compacted.size(), ana.journal.size());
  const auto reopened = Client::open(ana.credentials, ana.config, Seed{}, ana.journal);
  ASSERT_TRUE(reopened.ok());
  EXPECT_EQ((*reopened)->compacted(), compacted);
  ana.crash();
  ana.journal = compacted;
  ana.reachable = true;
  ana.open();
  EXPECT_EQ(ana.client->compacted(), compacted);
  EXPECT_EQ(ana.client->not_shown().size(), 3U);
  EXPECT_EQ(ana.client->taken(chat), Seq(10));
  settle_for(5'000);
  EXPECT_THAT(server.texts(chat), SizeIs(11));
  EXPECT_EQ(ana.client->unsent(), 0U);
}

TEST_F(ClientTest, a_replaced_session_does_not_come_back_by_itself) {
  settle();
  ServerMessage message;
  message.add_frames()->mutable_go_away()->set_reason(GoAway::SESSION_REPLACED);
  ana.receive(message.SerializeAsString());
  ASSERT_THAT(ana.heard<Ended>(), SizeIs(1));
  EXPECT_EQ(ana.heard<Ended>()[0].reason, GoAway::SESSION_REPLACED);
  ana.settle_for(120'000);
  EXPECT_EQ(ana.connection, 0);
  EXPECT_EQ(ana.client->next_deadline(), MonoTime::never());
}

TEST_F(ClientTest, a_device_that_is_sent_on_to_another_server_goes_at_once_but_only_if_it_was_served) {
  settle();
  ServerMessage message;
  message.add_frames()->mutable_go_away()->set_reason(GoAway::SHUTTING_DOWN);
  const std::size_t hellos = server.hellos.size();
  ana.receive(message.SerializeAsString());
  EXPECT_TRUE(ana.connecting);
  ana.finish_connecting();
  ana.receive(message.SerializeAsString());  // instead of an answer to its Hello
  EXPECT_FALSE(ana.connecting);
  EXPECT_GT(ana.client->next_deadline(), ana.now.mono);
  EXPECT_EQ(server.hellos.size(), hellos);
  ana.settle_for(1'000);
  EXPECT_EQ(server.hellos.size(), hellos + 1);
}

TEST_F(ClientTest, a_server_that_goes_down_is_left_alone_as_long_as_it_says) {
  settle();
  ServerMessage message;
  message.add_frames()->mutable_go_away()->set_reason(GoAway::SHUTTING_DOWN);
  message.mutable_frames(0)->mutable_go_away()->set_after_ms(3'000);
  const std::size_t hellos = server.hellos.size();
  ana.receive(message.SerializeAsString());
  ana.settle_for(2'900);
  EXPECT_EQ(server.hellos.size(), hellos);
  ana.settle_for(1'000);
  EXPECT_EQ(server.hellos.size(), hellos + 1);
  EXPECT_GT(server.hellos.back().generation(), server.hellos[0].generation());
}

TEST_F(ClientTest, a_dead_token_ends_it) {
  server.devices.clear();
  settle();
  ASSERT_THAT(ana.heard<Ended>(), SizeIs(1));
  EXPECT_EQ(ana.heard<Ended>()[0].reason, GoAway::REVOKED);
}

TEST_F(ClientTest, generations_grow_over_lives_even_if_the_journal_lost_its_end) {
  ana.settle();
  ana.crash();
  ana.journal.clear();
  ana.pass(2'000);
  ana.open();
  ana.finish_connecting();
  ana.carry_up();
  std::vector<std::uint64_t> generations;
  for (const Hello& hello : server.hellos) {
    if (hello.user() == 1) generations.push_back(hello.generation());
  }
  ASSERT_THAT(generations, SizeIs(2));
  EXPECT_GT(generations[1], generations[0]);
}

TEST_F(ClientTest, a_silent_connection_is_asked_and_then_given_up) {
  settle();
  ana.settle_for(31'000);
  EXPECT_TRUE(ana.heard<Disconnected>().empty());  // it answered the ping
  for (int i = 0; i < 60; ++i) ana.pass(1'000);    // nothing is carried any more
  EXPECT_THAT(ana.heard<Disconnected>(), SizeIs(1));
}

TEST_F(ClientTest, knows_since_when_it_is_not_served) {
  settle();
  EXPECT_EQ(ana.client->unserved_since(), MonoTime::never());
  server.faults.assign(3, Fault::Unavailable);
  ASSERT_TRUE(ana.send(chat, "hola").ok());
  ana.settle();
  const MonoTime since = ana.client->unserved_since();
  EXPECT_LE(since, ana.now.mono);
  ana.settle_for(100);
  EXPECT_EQ(ana.client->unserved_since(), since) << "the first of them counts";
  settle_for(20'000);
  EXPECT_EQ(ana.client->unsent(), 0U);
  EXPECT_EQ(ana.client->unserved_since(), MonoTime::never());
}

TEST_F(ClientTest, a_damaged_event_is_not_taken_but_fetched_again) {
  settle();
  ASSERT_TRUE(ana.send(chat, "hola").ok());
  ana.settle();
  ASSERT_FALSE(beto.to_device.empty());
  ServerMessage message;
  ASSERT_TRUE(message.ParseFromString(beto.to_device.back()));
  ASSERT_TRUE(message.frames(0).has_push());
  message.mutable_frames(0)->mutable_push()->mutable_event()->mutable_payload()->back() ^= 1;
  beto.to_device.back() = message.SerializeAsString();
  settle_for(3'000);
  EXPECT_THAT(beto.heard<Disconnected>(), SizeIs(1));
  ASSERT_THAT(beto.heard<Received>(), SizeIs(1));
  EXPECT_EQ(beto.heard<Received>()[0].event.payload(), server.logs[chat.str()][0].payload());
}

TEST_F(ClientTest, an_event_of_an_unknown_kind_counts_and_is_shown_as_it_is) {
  settle();
  Event event;
  event.set_seq(1);
  event.set_sender(1);
  event.set_digest(std::string(32, 'x'));
  server.logs[chat.str()].push_back(event);
  ServerMessage message;
  message.add_frames()->mutable_push()->set_conversation(chat.str());
  *message.mutable_frames(0)->mutable_push()->mutable_event() = event;
  beto.receive(message.SerializeAsString());
  settle();
  ASSERT_THAT(beto.heard<Received>(), SizeIs(1));
  EXPECT_EQ(beto.client->taken(chat), Seq(1));
}

TEST_F(ClientTest, questions_wait_for_a_session_and_fail_with_it) {
  Outputs out;
  const std::uint64_t first = ana.client->look_up(ana.now, "beto", out);
  ana.carry(out);
  settle();
  ASSERT_THAT(ana.heard<LookupDone>(), SizeIs(1));
  EXPECT_EQ(ana.heard<LookupDone>()[0].request, first);
  EXPECT_EQ(ana.heard<LookupDone>()[0].profile.user(), 7U);
  out = {};
  ana.client->history(ana.now, chat, Seq(), 50, true, out);
  ana.carry(out);
  ana.break_connection();
  ASSERT_THAT(ana.heard<HistoryDone>(), SizeIs(1));
  EXPECT_EQ(ana.heard<HistoryDone>()[0].status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(ClientTest, what_cannot_be_sent_is_refused_at_once) {
  EXPECT_TRUE(ana.send(chat, std::string(65'536, 'x')).ok());
  EXPECT_EQ(ana.send(chat, std::string(65'537, 'x')).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ana.send(chat, "\xff").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ana.send(chat, std::string(1, '\0')).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ana.client->unsent(), 1U);
}

TEST_F(ClientTest, logging_out_ends_the_session) {
  settle();
  Outputs out;
  ana.client->log_out(ana.now, out);
  ana.carry(out);
  settle();
  ASSERT_THAT(ana.heard<Ended>(), SizeIs(1));
}

TEST_F(ClientTest, a_client_that_only_sends_fetches_nothing) {
  ModelDevice load(server, 1, 5);
  load.config.fetch_events = false;
  load.open();
  load.settle();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(load.send(chat, std::to_string(i)).ok());
  load.settle_for(3'000);
  EXPECT_EQ(load.client->unsent(), 0U);
  EXPECT_THAT(load.heard<Received>(), IsEmpty());
  EXPECT_THAT(load.heard<Synced>(), SizeIs(1));
  EXPECT_EQ(server.histories, 0U);
  EXPECT_THAT(load.complaints, IsEmpty());
}

TEST_F(ClientTest, a_restored_server_is_followed_back) {
  settle();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(ana.send(chat, std::to_string(i)).ok());
  settle_for(1'000);
  beto.break_connection();
  beto.settle_for(1'000);  // its version is what it took
  // A backup of three messages comes back, in a new epoch.
  server.logs[chat.str()].resize(3);
  server.rows.clear();
  server.epoch = 2;
  server.index[{2, chat.str()}].set_head(3);
  beto.seen[chat.str()].resize(3);
  beto.break_connection();
  beto.settle_for(2'000);
  EXPECT_EQ(beto.client->taken(chat), Seq(3));
  ASSERT_TRUE(beto.send(chat, "again").ok());
  beto.settle_for(2'000);
  EXPECT_EQ(beto.client->taken(chat), Seq(4));
  EXPECT_EQ(beto.heard<Received>().back().event.seq(), 4U);
}

TEST(ClientOpenTest, what_is_no_journal_is_refused) {
  const Credentials credentials{UserId(1), DeviceId(1), std::string(32, 's'), "ana"};
  EXPECT_EQ(Client::open(credentials, {}, Seed{}, {"\xff\xff"}).status().code(), absl::StatusCode::kInvalidArgument);
  JournalRecord record;
  record.mutable_shown()->set_conversation("short");
  EXPECT_FALSE(Client::open(credentials, {}, Seed{}, {record.SerializeAsString()}).ok());
  record.mutable_device()->set_user(2);
  record.mutable_device()->set_device(1);
  EXPECT_FALSE(Client::open(credentials, {}, Seed{}, {record.SerializeAsString()}).ok());  // somebody else's
  Credentials short_secret = credentials;
  short_secret.secret = "s";
  EXPECT_FALSE(Client::open(short_secret, {}, Seed{}, {}).ok());
  EXPECT_TRUE(Client::open(credentials, {}, Seed{}, {"\xf8\x07\x01"}).ok());  // a kind of a later program
}

}  // namespace
}  // namespace chasqui::client::testing
