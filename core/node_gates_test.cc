// Gates on one node and on three: first messages, requests, blocks, and whom one adds to groups. Over 400 lines because
// all share one set-up of three people.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/testing/club.h"
#include "core/testing/nodes.h"

namespace chasqui {
namespace {

using testing::add_member;
using testing::change_frame;
using testing::Client;
using testing::create_group;
using testing::history_frame;
using testing::Login;
using testing::Nodes;
using testing::text_frame;
using Body = client::ServerFrame;

client::ClientFrame gate_frame(std::uint64_t id, UserId user, client::Gate gate) {
  client::ClientFrame frame;
  frame.set_request_id(id);
  frame.mutable_set_gate()->set_user(user.value());
  frame.mutable_set_gate()->set_gate(gate);
  return frame;
}

client::ClientFrame ack_frame(const ConversationId& conversation, std::uint64_t seq) {
  client::ClientFrame frame;
  frame.mutable_ack()->set_conversation(conversation.str());
  frame.mutable_ack()->set_delivered_seq(seq);
  frame.mutable_ack()->set_read_seq(seq);
  return frame;
}

client::ClientFrame adds_frame(std::uint64_t id, client::Audience adds) {
  client::ClientFrame frame;
  frame.set_request_id(id);
  frame.mutable_set_privacy()->set_adds(adds);
  return frame;
}

struct World {
  explicit World(std::size_t count, const Limits& limits = Limits{}, ShardCount shards = {6})
      : nodes(count, shards, limits) {}
  [[nodiscard]] std::size_t at(std::size_t wanted) const { return std::min(wanted, nodes.count()); }

  Nodes nodes;
  Login ana = nodes.provision("ana");
  Login beto = nodes.provision("beto", at(2));
  Login eva = nodes.provision("eva", at(3));
  ConversationId both = ConversationId::direct(ana.user, beto.user);

  void settle() { nodes.run_for(milliseconds(400)); }
  void say(const Client& client, client::ClientFrame frame) {
    nodes.send_frame(client, std::move(frame));
    settle();
  }
  std::vector<std::uint64_t> pushed(const Client& client) {
    std::vector<std::uint64_t> seqs;
    for (const client::ServerFrame& frame : nodes.received(client, Body::kPush)) {
      seqs.push_back(frame.push().event().seq());
    }
    return seqs;
  }
  client::GateSet gate_set(const Client& client) {
    const auto all = nodes.received(client, Body::kGateSet);
    return all.empty() ? client::GateSet() : all.back().gate_set();
  }
  // Of that user's marks, as this session heard last; 0: nothing.
  std::uint64_t delivered_heard(const Client& client, UserId of) {
    std::uint64_t delivered = 0;
    for (const client::ServerFrame& frame : nodes.received(client, Body::kReceipt)) {
      if (frame.receipt().user() == of.value()) delivered = std::max(delivered, frame.receipt().delivered_seq());
    }
    return delivered;
  }
  client::HistoryPage history(const Client& client, const ConversationId& of) {
    say(client, history_frame(++asked, of, 0));
    const auto pages = nodes.received(client, Body::kHistory);
    return pages.empty() ? client::HistoryPage() : pages.back().history();
  }
  std::optional<client::Gate> gate_heard(const Client& client) {
    std::optional<client::Gate> gate;
    for (const client::ServerFrame& frame : nodes.received(client, Body::kHead)) {
      if (frame.head().has_gate()) gate = frame.head().gate();
    }
    return gate;
  }
  std::uint64_t asked = 500;
};

class NodeGates : public ::testing::TestWithParam<std::size_t> {
 protected:
  World w{GetParam()};
  Client ana = w.nodes.connect(1, w.ana);
  Client beto = w.nodes.connect(w.at(2), w.beto);
};

INSTANTIATE_TEST_SUITE_P(Counts, NodeGates, ::testing::Values(1, 3),
                         [](const auto& one) { return "nodes_" + std::to_string(one.param); });

TEST_P(NodeGates, a_strangers_message_is_a_request_and_its_sender_hears_no_mark_before_the_reply) {
  w.say(ana, text_frame(1, w.both, "hola"));
  EXPECT_EQ(w.pushed(beto), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(w.gate_heard(beto), client::REQUEST);
  w.say(beto, ack_frame(w.both, 1));
  w.nodes.run_for(seconds(2));
  EXPECT_EQ(w.delivered_heard(ana, w.beto.user), 0U);
  EXPECT_EQ(w.delivered_heard(beto, w.beto.user), 1U) << "his own devices hear of his marks";
  client::ClientFrame marks;
  marks.set_request_id(40);
  marks.mutable_marks()->add_conversations(w.both.str());
  w.say(ana, marks);
  const auto pages = w.nodes.received(ana, Body::kMarks);
  ASSERT_FALSE(pages.empty());
  for (const client::Receipt& receipt : pages.back().marks().receipts()) {
    if (receipt.user() == w.beto.user.value()) {
      EXPECT_EQ(receipt.delivered_seq(), 0U);
    }
  }
  w.say(beto, text_frame(1, w.both, "hola ana"));
  EXPECT_EQ(w.delivered_heard(ana, w.beto.user), 1U) << "what was kept is told";
  EXPECT_EQ(w.gate_heard(beto), client::OPEN);
}

TEST_P(NodeGates, who_accepts_lets_marks_flow_without_a_word) {
  w.say(ana, text_frame(1, w.both, "hola"));
  w.say(beto, ack_frame(w.both, 1));
  w.say(beto, gate_frame(7, w.ana.user, client::OPEN));
  EXPECT_TRUE(w.gate_set(beto).in_force());
  EXPECT_EQ(w.gate_set(beto).gate(), client::OPEN);
  EXPECT_EQ(w.delivered_heard(ana, w.beto.user), 1U);
}

TEST_P(NodeGates, what_is_sent_to_who_blocks_is_accepted_as_ever_and_never_reaches_them) {
  w.say(ana, text_frame(1, w.both, "hola"));
  w.say(beto, text_frame(1, w.both, "hola"));
  w.say(beto, gate_frame(7, w.ana.user, client::BLOCKED));
  ASSERT_TRUE(w.gate_set(beto).in_force());
  w.say(ana, text_frame(2, w.both, "por que"));
  w.say(ana, text_frame(3, w.both, "por que?"));
  EXPECT_EQ(w.nodes.received(ana, Body::kAccepted).size(), 3U);
  EXPECT_EQ(w.nodes.received(ana, Body::kAccepted).back().accepted().seq(), 4U);
  EXPECT_EQ(w.pushed(ana), (std::vector<std::uint64_t>{1, 2, 3, 4})) << "her own devices see what she sends";
  EXPECT_EQ(w.pushed(beto), (std::vector<std::uint64_t>{1, 2}));

  w.say(beto, text_frame(2, w.both, "adios"));
  EXPECT_EQ(w.pushed(beto).back(), 5U);
  EXPECT_EQ(w.pushed(ana).back(), 5U) << "what he sends does reach her";
  const client::HistoryPage his = w.history(beto, w.both);
  ASSERT_EQ(his.events_size(), 5);
  for (const int withheld : {2, 3}) {
    EXPECT_TRUE(his.events(withheld).withheld());
    EXPECT_EQ(his.events(withheld).payload(), "");
    EXPECT_EQ(his.events(withheld).sender(), 0U);
    EXPECT_EQ(his.events(withheld).digest().size(), 32U);
  }
  const client::HistoryPage hers = w.history(ana, w.both);
  ASSERT_EQ(hers.events_size(), 5);
  for (const client::Event& event : hers.events()) {
    EXPECT_FALSE(event.withheld()) << "she cannot tell";
    EXPECT_NE(event.payload(), "");
  }

  // Unblocked, nothing of the time between is seen, and what comes now is.
  w.say(beto, gate_frame(8, w.ana.user, client::REQUEST));
  EXPECT_EQ(w.gate_set(beto).gate(), client::OPEN) << "he had written there";
  w.say(ana, text_frame(4, w.both, "gracias"));
  EXPECT_EQ(w.pushed(beto).back(), 6U);
  EXPECT_TRUE(w.history(beto, w.both).events(2).withheld());
}

TEST_P(NodeGates, no_mark_flows_while_one_has_blocked_the_other) {
  w.say(ana, text_frame(1, w.both, "hola"));
  w.say(beto, text_frame(1, w.both, "hola"));
  w.say(beto, ack_frame(w.both, 2));
  EXPECT_EQ(w.delivered_heard(ana, w.beto.user), 2U);
  w.say(beto, gate_frame(7, w.ana.user, client::BLOCKED));
  w.say(beto, text_frame(2, w.both, "adios"));
  w.say(beto, ack_frame(w.both, 3));
  w.say(ana, ack_frame(w.both, 3));
  w.nodes.run_for(seconds(2));
  EXPECT_EQ(w.delivered_heard(ana, w.beto.user), 2U);
  EXPECT_EQ(w.delivered_heard(beto, w.ana.user), 0U);
  w.say(beto, gate_frame(8, w.ana.user, client::REQUEST));
  w.nodes.run_for(seconds(2));
  EXPECT_EQ(w.delivered_heard(ana, w.beto.user), 2U) << "unblocking tells nothing";
  w.say(beto, text_frame(3, w.both, "otra vez"));
  w.say(beto, ack_frame(w.both, 4));
  w.nodes.run_for(seconds(2));
  EXPECT_EQ(w.delivered_heard(ana, w.beto.user), 4U);
}

TEST_P(NodeGates, message_info_tells_no_more_than_receipts_and_nothing_of_what_is_withheld) {
  const auto info = [this](const Client& client, std::uint64_t seq) {
    client::ClientFrame frame;
    frame.set_request_id(++w.asked);
    frame.mutable_ask_receipts()->set_conversation(w.both.str());
    frame.mutable_ask_receipts()->set_seq(seq);
    w.say(client, frame);
    const auto answers = w.nodes.received(client, Body::kReceiptsOf);
    return answers.empty() ? client::ReceiptsOf() : answers.back().receipts_of();
  };
  w.say(ana, text_frame(1, w.both, "hola"));
  w.say(beto, ack_frame(w.both, 1));
  ASSERT_EQ(info(ana, 1).members_size(), 1);
  EXPECT_FALSE(info(ana, 1).members(0).delivered());
  EXPECT_EQ(info(ana, 1).members(0).delivered_ms(), 0);
  w.say(beto, gate_frame(7, w.ana.user, client::OPEN));
  EXPECT_TRUE(info(ana, 1).members(0).delivered());
  w.say(beto, gate_frame(8, w.ana.user, client::BLOCKED));
  w.say(ana, text_frame(2, w.both, "por que"));
  w.say(beto, ack_frame(w.both, 2));
  w.nodes.run_for(seconds(2));
  EXPECT_TRUE(info(ana, 1).members(0).delivered()) << "what was told stands";
  EXPECT_FALSE(info(ana, 2).members(0).delivered());
  EXPECT_EQ(info(ana, 2).members_size(), 1) << "as if there were no block";
  (void)info(beto, 2);
  ASSERT_EQ(w.nodes.received(beto, Body::kError).size(), 1U);
  EXPECT_EQ(w.nodes.received(beto, Body::kError).back().error().code(), client::PERMISSION_DENIED);
}

TEST_P(NodeGates, a_block_holds_for_who_never_wrote) {
  w.say(beto, gate_frame(7, w.ana.user, client::BLOCKED));
  ASSERT_TRUE(w.gate_set(beto).in_force());
  w.say(ana, text_frame(1, w.both, "hola"));
  w.say(ana, text_frame(2, w.both, "hola?"));
  EXPECT_EQ(w.nodes.received(ana, Body::kAccepted).size(), 2U);
  EXPECT_TRUE(w.pushed(beto).empty());
  EXPECT_EQ(w.history(beto, w.both).events_size(), 2);
  EXPECT_TRUE(w.history(beto, w.both).events(1).withheld());
}

TEST_P(NodeGates, first_messages_of_one_user_wait_for_one_answer_and_keep_their_order) {
  for (std::uint64_t number = 1; number <= 8; ++number) w.nodes.send_frame(ana, text_frame(number, w.both, "hola"));
  w.settle();
  const auto accepted = w.nodes.received(ana, Body::kAccepted);
  ASSERT_EQ(accepted.size(), 8U) << "and none is told that it leaves a gap";
  for (std::size_t i = 0; i < accepted.size(); ++i) {
    EXPECT_EQ(accepted[i].accepted().outbox_seq(), i + 1);
    EXPECT_EQ(accepted[i].accepted().seq(), i + 1);
  }
}

TEST_P(NodeGates, presence_and_typing_flow_neither_way_past_a_block) {
  const auto watch = [](std::uint64_t id, UserId user) {
    client::ClientFrame frame;
    frame.set_request_id(id);
    frame.mutable_watch()->add_users(user.value());
    return frame;
  };
  client::ClientFrame typing;
  typing.mutable_typing()->set_conversation(w.both.str());
  const auto count = [this](const Client& client, Body::BodyCase kind) {
    return w.nodes.received(client, kind).size();
  };
  w.say(ana, watch(1, w.beto.user));
  w.say(beto, watch(1, w.ana.user));
  w.say(ana, typing);
  w.say(beto, typing);
  ASSERT_EQ(count(ana, Body::kTyping), 1U);
  ASSERT_EQ(count(beto, Body::kTyping), 1U);
  w.say(beto, gate_frame(7, w.ana.user, client::BLOCKED));
  w.say(ana, typing);
  w.say(beto, typing);
  EXPECT_EQ(count(ana, Body::kTyping), 1U);
  EXPECT_EQ(count(beto, Body::kTyping), 1U);
  // Watched anew, both look as if nobody were there.
  w.say(ana, watch(2, w.beto.user));
  w.say(beto, watch(2, w.ana.user));
  for (const Client& client : {ana, beto}) {
    const auto told = w.nodes.received(client, Body::kPresences).back().presences();
    ASSERT_EQ(told.presences_size(), 1);
    EXPECT_FALSE(told.presences(0).is_online());
    EXPECT_EQ(told.presences(0).last_seen_ms(), 0);
  }
}

TEST_P(NodeGates, who_may_not_be_added_is_invited_alike_for_every_reason) {
  const ConversationId club = ConversationId::group(w.ana.user, 1);
  const UserId nobody(123'456'789);
  const Client eva = w.nodes.connect(w.at(3), w.eva);
  w.say(beto, gate_frame(7, w.ana.user, client::BLOCKED));
  w.say(eva, adds_frame(7, client::CONTACTS));
  w.say(ana, change_frame(1, club, create_group("Club", {w.beto.user, w.eva.user, nobody})));
  ASSERT_EQ(w.nodes.received(ana, Body::kAccepted).size(), 1U);
  const client::HistoryPage page = w.history(ana, club);
  ASSERT_EQ(page.events_size(), 1);
  EXPECT_EQ(page.events(0).change().create().invited_size(), 3);
  const auto is_invited = [this](const Client& client) {
    const auto heads = w.nodes.received(client, Body::kHead);
    return std::any_of(heads.begin(), heads.end(), [](const auto& frame) { return frame.head().is_invitation(); });
  };
  EXPECT_TRUE(is_invited(eva));
  EXPECT_FALSE(is_invited(beto)) << "nothing from her reaches him";

  client::GroupChange join;
  join.mutable_join();
  w.say(eva, change_frame(1, club, join));
  EXPECT_EQ(w.nodes.received(eva, Body::kAccepted).size(), 1U);
  EXPECT_EQ(w.history(eva, club).events_size(), 1) << "of her own coming";
}

TEST_P(NodeGates, a_contact_is_added_though_others_may_only_invite) {
  const ConversationId club = ConversationId::group(w.ana.user, 2);
  w.say(beto, adds_frame(7, client::CONTACTS));
  w.say(beto, gate_frame(8, w.ana.user, client::OPEN));
  w.say(ana, change_frame(1, club, create_group("Club", {w.beto.user})));
  EXPECT_EQ(w.history(beto, club).events_size(), 1);
}

TEST(NodeGatesRates, messages_to_strangers_are_counted_and_a_block_does_not_show_in_the_count) {
  Limits limits;
  limits.first_message_user_burst = 2;
  World w(1, limits);
  const Client ana = w.nodes.connect(1, w.ana);
  const Client beto = w.nodes.connect(1, w.beto);
  const Login dora = w.nodes.provision("dora");
  w.say(beto, gate_frame(7, w.ana.user, client::BLOCKED));
  w.say(ana, text_frame(1, w.both, "hola"));
  w.say(ana, text_frame(2, w.both, "hola"));  // it is one stranger
  w.say(ana, text_frame(1, ConversationId::direct(w.ana.user, w.eva.user), "hola"));
  EXPECT_EQ(w.nodes.received(ana, Body::kAccepted).size(), 3U);
  w.say(ana, text_frame(1, ConversationId::direct(w.ana.user, dora.user), "hola"));
  ASSERT_EQ(w.nodes.received(ana, Body::kError).size(), 1U);
  const client::Error error = w.nodes.received(ana, Body::kError).back().error();
  EXPECT_EQ(error.code(), client::RESOURCE_EXHAUSTED);
  EXPECT_GT(error.retry_after_ms(), 0U);
  EXPECT_LE(error.retry_after_ms(), 180'000U);
  w.nodes.run_for(seconds(181));
  w.say(ana, text_frame(1, ConversationId::direct(w.ana.user, dora.user), "hola"));
  EXPECT_EQ(w.nodes.received(ana, Body::kAccepted).size(), 4U);
}

TEST(NodeGatesRates, people_added_to_groups_are_counted_one_by_one) {
  Limits limits;
  limits.add_user_burst = 2;
  World w(1, limits);
  const Client ana = w.nodes.connect(1, w.ana);
  const ConversationId club = ConversationId::group(w.ana.user, 1);
  w.say(ana, change_frame(1, club, create_group("Club", {w.beto.user, w.eva.user})));
  EXPECT_EQ(w.nodes.received(ana, Body::kAccepted).size(), 1U);
  const Login dora = w.nodes.provision("dora");
  w.say(ana, change_frame(2, club, add_member(dora.user)));
  ASSERT_EQ(w.nodes.received(ana, Body::kError).size(), 1U);
  EXPECT_EQ(w.nodes.received(ana, Body::kError).back().error().code(), client::RESOURCE_EXHAUSTED);
}

TEST(NodeGatesRates, whose_shard_is_silent_is_written_to_for_the_first_time_later) {
  World w(3);
  const ShardId of_beto = shard_of(w.beto.user, w.nodes.shards());
  if (of_beto == shard_of(w.both, w.nodes.shards()) || of_beto == shard_of(w.ana.user, w.nodes.shards())) {
    GTEST_SKIP() << "these logins share a shard";
  }
  const Client ana = w.nodes.connect(1, w.ana);
  w.nodes.mute(of_beto, true);
  w.nodes.run_for(seconds(3));
  w.nodes.send_frame(ana, text_frame(1, w.both, "hola"));
  w.nodes.run_for(seconds(5));
  ASSERT_EQ(w.nodes.received(ana, Body::kError).size(), 1U);
  EXPECT_EQ(w.nodes.received(ana, Body::kError).back().error().code(), client::UNAVAILABLE) << "never proposed";
  w.nodes.mute(of_beto, false);
  w.nodes.run_for(seconds(5));
  w.say(ana, text_frame(1, w.both, "hola"));
  EXPECT_EQ(w.nodes.received(ana, Body::kAccepted).size(), 1U);
}

// What asked its own shard while others waited for a leader waited behind them, and they behind it, for ever (seed
// 138).
TEST(NodeGatesRates, first_messages_that_wait_for_a_leader_ask_and_are_sent_once_there_is_one) {
  World w(3, Limits{}, {1});
  const std::vector<Login> logins{w.ana, w.beto, w.eva};
  std::vector<Client> clients;
  for (std::size_t i = 0; i < logins.size(); ++i) clients.push_back(w.nodes.connect(i + 1, logins[i]));
  const auto mute_all = [&w](bool is_mute) {
    for (std::uint32_t shard = 0; shard < w.nodes.shards().value; ++shard) w.nodes.mute(ShardId(shard), is_mute);
  };
  mute_all(true);
  w.nodes.run_for(seconds(3));
  for (std::size_t i = 0; i < logins.size(); ++i) {
    for (std::size_t step = 1; step < logins.size(); ++step) {
      const Login& other = logins[(i + step) % logins.size()];
      w.nodes.send_frame(clients[i], text_frame(1, ConversationId::direct(logins[i].user, other.user), "hola"));
    }
  }
  w.nodes.run_for(milliseconds(500));
  mute_all(false);
  w.nodes.run_for(seconds(6));
  for (const Client& client : clients) {
    EXPECT_EQ(w.nodes.received(client, Body::kAccepted).size(), 2U);
    EXPECT_TRUE(w.nodes.received(client, Body::kError).empty());
  }
}

// The conversation's shard cannot be reached: the block is told when it is back, and holds from then on.
TEST(NodeGatesRates, a_block_that_is_not_in_force_yet_says_so_and_takes_effect_later) {
  World w(3);
  const ShardId of_both = shard_of(w.both, w.nodes.shards());
  if (of_both == shard_of(w.beto.user, w.nodes.shards()) || of_both == shard_of(w.ana.user, w.nodes.shards())) {
    GTEST_SKIP() << "these logins share a shard";
  }
  const Client ana = w.nodes.connect(1, w.ana);
  const Client beto = w.nodes.connect(2, w.beto);
  w.nodes.mute(of_both, true);
  w.nodes.run_for(seconds(3));
  w.nodes.send_frame(beto, gate_frame(7, w.ana.user, client::BLOCKED));
  w.nodes.run_for(seconds(5));
  ASSERT_EQ(w.nodes.received(beto, Body::kGateSet).size(), 1U);
  EXPECT_FALSE(w.gate_set(beto).in_force());
  w.nodes.run_for(seconds(20));  // long enough for it to be parked
  w.nodes.mute(of_both, false);
  w.nodes.run_for(seconds(20));
  w.say(ana, text_frame(1, w.both, "hola"));
  EXPECT_EQ(w.nodes.received(ana, Body::kAccepted).size(), 1U);
  EXPECT_TRUE(w.pushed(beto).empty());
}

}  // namespace
}  // namespace chasqui
