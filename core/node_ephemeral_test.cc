// Presence, typing, and what a user hides from themselves, over three nodes: it must not matter who is led where.
#include <gtest/gtest.h>

#include "core/testing/club.h"
#include "core/testing/nodes.h"

namespace chasqui {
namespace {

using testing::Client;
using testing::Login;
using testing::Nodes;

client::ClientFrame watch(std::uint64_t id, std::vector<UserId> users) {
  client::ClientFrame frame;
  frame.set_request_id(id);
  frame.mutable_watch();
  for (const UserId user : users) frame.mutable_watch()->add_users(user.value());
  return frame;
}

client::ClientFrame typing(const ConversationId& conversation) {
  client::ClientFrame frame;
  frame.mutable_typing()->set_conversation(conversation.str());
  return frame;
}

client::ClientFrame send(std::uint64_t id, const ConversationId& conversation, std::uint64_t number,
                         const client::Payload& content) {
  client::Payload payload = content;
  payload.set_nonce(std::string(16, 'n'));
  client::ClientFrame frame;
  frame.set_request_id(id);
  frame.mutable_send()->set_conversation(conversation.str());
  frame.mutable_send()->set_outbox_seq(number);
  frame.mutable_send()->set_payload(payload.SerializeAsString());
  return frame;
}

client::Payload text(const char* words) {
  client::Payload payload;
  payload.set_text(words);
  return payload;
}

struct World {
  Nodes nodes{3};
  Login ana = nodes.provision("ana");
  Login beto = nodes.provision("beto", 2);
  Login eva = nodes.provision("eva", 3);
  ConversationId both = ConversationId::direct(ana.user, beto.user);

  // What was told of that user, the last time; a user of 0: nothing ever.
  client::Presence presence(const Client& client, UserId of) {
    client::Presence last;
    for (const client::ServerFrame& frame : nodes.received(client, client::ServerFrame::kPresences)) {
      for (const client::Presence& one : frame.presences().presences()) {
        if (one.user() == of.value()) last = one;
      }
    }
    return last;
  }
  std::size_t typings(const Client& client) { return nodes.received(client, client::ServerFrame::kTyping).size(); }
};

TEST(NodeEphemeral, who_watches_is_told_who_comes_and_goes_wherever_they_are) {
  World world;
  const Client beto = world.nodes.connect(2, world.beto);
  world.nodes.send_frame(beto, watch(1, {world.ana.user, world.eva.user, world.beto.user}));
  world.nodes.run_for(milliseconds(200));
  EXPECT_EQ(world.presence(beto, world.ana.user).user(), world.ana.user.value());
  EXPECT_FALSE(world.presence(beto, world.ana.user).is_online());
  EXPECT_TRUE(world.presence(beto, world.beto.user).is_online());

  const Client ana = world.nodes.connect(1, world.ana);
  world.nodes.run_for(seconds(2));
  EXPECT_TRUE(world.presence(beto, world.ana.user).is_online());
  EXPECT_EQ(world.presence(beto, world.ana.user).last_seen_ms(), 0);

  world.nodes.input(1, SessionClosed{ana.session});
  world.nodes.run_for(seconds(2));
  const client::Presence gone = world.presence(beto, world.ana.user);
  EXPECT_FALSE(gone.is_online());
  EXPECT_GT(gone.last_seen_ms(), 0);
  EXPECT_EQ(gone.last_seen_ms() % 60'000, 0) << "to the minute";
}

TEST(NodeEphemeral, typing_reaches_the_other_side_if_they_watch_and_nobody_else) {
  World world;
  const Client ana = world.nodes.connect(1, world.ana);
  const Client beto = world.nodes.connect(2, world.beto);
  const Client eva = world.nodes.connect(3, world.eva);
  world.nodes.send_frame(ana, typing(world.both));
  world.nodes.run_for(milliseconds(200));
  EXPECT_EQ(world.typings(beto), 0U) << "he does not watch her";

  world.nodes.send_frame(beto, watch(1, {world.ana.user}));
  world.nodes.send_frame(eva, watch(1, {world.ana.user}));
  world.nodes.run_for(milliseconds(200));
  world.nodes.send_frame(ana, typing(world.both));
  world.nodes.run_for(milliseconds(200));
  ASSERT_EQ(world.typings(beto), 1U);
  const auto told = world.nodes.received(beto, client::ServerFrame::kTyping).front().typing();
  EXPECT_EQ(told.user(), world.ana.user.value());
  EXPECT_EQ(told.conversation(), world.both.str());
  EXPECT_EQ(world.typings(eva), 0U) << "it is not her conversation";
  EXPECT_EQ(world.typings(ana), 0U);

  // A stranger's, and too many: dropped in silence, and the session stands.
  world.nodes.send_frame(eva, typing(world.both));
  for (int i = 0; i < 30; ++i) world.nodes.send_frame(ana, typing(world.both));
  world.nodes.run_for(milliseconds(200));
  EXPECT_LE(world.typings(beto), 11U);
  EXPECT_FALSE(world.nodes.closed(ana));

  // A watch ends after a minute.
  world.nodes.run_for(seconds(61));
  const std::size_t before = world.typings(beto);
  world.nodes.send_frame(ana, typing(world.both));
  world.nodes.run_for(milliseconds(200));
  EXPECT_EQ(world.typings(beto), before);
}

TEST(NodeEphemeral, typing_in_a_group_reaches_members_who_watch_as_long_as_both_are_members) {
  World world;
  const Client ana = world.nodes.connect(1, world.ana);
  const Client beto = world.nodes.connect(2, world.beto);
  const Client eva = world.nodes.connect(3, world.eva);
  for (const Client& one : {beto, eva}) world.nodes.send_frame(one, watch(1, {world.ana.user}));
  const auto say = [&](const Client& who, client::ClientFrame frame) {
    world.nodes.send_frame(who, std::move(frame));
    world.nodes.run_for(milliseconds(400));
  };
  // Ids that fall to different shards: the group's leader is here or elsewhere.
  for (std::uint64_t id = 1; id <= 6; ++id) {
    const ConversationId club = ConversationId::group(world.ana.user, id);
    const auto before = std::pair(world.typings(beto), world.typings(eva));
    say(ana, typing(club));
    EXPECT_EQ(world.typings(beto), before.first) << "there is no such group";
    say(ana, testing::change_frame(1, club, testing::create_group("Club", {world.beto.user})));
    say(ana, typing(club));
    EXPECT_EQ(world.typings(beto), before.first + 1);
    EXPECT_EQ(world.nodes.received(beto, client::ServerFrame::kTyping).back().typing().conversation(), club.str());
    EXPECT_EQ(world.typings(eva), before.second) << "she is no member";
    say(ana, testing::change_frame(2, club, testing::remove_member(world.beto.user)));
    say(ana, typing(club));
    EXPECT_EQ(world.typings(beto), before.first + 1) << "he is none any more";
    world.nodes.run_for(seconds(2));  // no more than one a second
  }
}

TEST(NodeEphemeral, who_wants_to_be_seen_by_nobody_looks_like_nobody) {
  World world;
  const Client ana = world.nodes.connect(1, world.ana);
  const Client beto = world.nodes.connect(2, world.beto);
  world.nodes.send_frame(beto, watch(1, {world.ana.user}));
  world.nodes.run_for(milliseconds(200));
  client::ClientFrame privacy;
  privacy.set_request_id(2);
  privacy.mutable_set_privacy()->set_presence(client::NOBODY);
  world.nodes.send_frame(ana, privacy);
  world.nodes.run_for(milliseconds(500));
  ASSERT_EQ(world.nodes.received(ana, client::ServerFrame::kPrivacySet).size(), 1U);
  world.nodes.send_frame(ana, typing(world.both));
  world.nodes.run_for(milliseconds(200));
  EXPECT_EQ(world.typings(beto), 0U) << "who watched her before does no more";

  const UserId nobody(world.ana.user.value() ^ 1);
  world.nodes.send_frame(beto, watch(3, {world.ana.user, nobody}));
  world.nodes.run_for(milliseconds(200));
  client::Presence hers = world.presence(beto, world.ana.user);
  const client::Presence nobodys = world.presence(beto, nobody);
  hers.set_user(nobody.value());
  EXPECT_EQ(hers.SerializeAsString(), nobodys.SerializeAsString());
}

TEST(NodeEphemeral, at_most_64_are_watched) {
  World world;
  const Client ana = world.nodes.connect(1, world.ana);
  world.nodes.send_frame(ana, watch(1, std::vector<UserId>(64, world.beto.user)));
  world.nodes.send_frame(ana, watch(2, std::vector<UserId>(65, world.beto.user)));
  world.nodes.run_for(milliseconds(200));
  ASSERT_EQ(world.nodes.received(ana, client::ServerFrame::kError).size(), 1U);
  EXPECT_EQ(world.nodes.received(ana, client::ServerFrame::kError).front().request_id(), 2U);
}

TEST(NodeSettings, what_is_hidden_on_one_device_is_told_to_the_others) {
  World world;
  const Client ana = world.nodes.connect(1, world.ana);
  const Client beto = world.nodes.connect(2, world.beto);
  world.nodes.send_frame(ana, send(1, world.both, 1, text("hola")));
  world.nodes.run_for(milliseconds(500));
  client::ClientFrame hide;
  hide.set_request_id(2);
  hide.mutable_hide()->set_conversation(world.both.str());
  hide.mutable_hide()->set_first_seq(1);
  hide.mutable_hide()->set_last_seq(1);
  world.nodes.send_frame(beto, hide);
  world.nodes.run_for(milliseconds(500));
  const auto answers = world.nodes.received(beto, client::ServerFrame::kHidden);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers.front().hidden().hides(), 1U);
  const auto heads = world.nodes.received(beto, client::ServerFrame::kHead);
  ASSERT_FALSE(heads.empty()) << "each session of his is told";
  EXPECT_EQ(heads.back().head().hides(), 1U);
  for (const client::ServerFrame& head : world.nodes.received(ana, client::ServerFrame::kHead)) {
    EXPECT_EQ(head.head().hides(), 0U) << "it is nobody else's business";
  }

  // A new device learns it by its sync, and asks what.
  const Client phone = world.nodes.connect(3, world.beto, Version(), 2);
  world.nodes.run_for(milliseconds(200));
  const auto hello = world.nodes.received(phone, client::ServerFrame::kHello);
  ASSERT_EQ(hello.size(), 1U);
  std::uint64_t hides = 0;
  for (const client::IndexEntry& entry : hello.front().hello().sync().entries()) hides = std::max(hides, entry.hides());
  EXPECT_EQ(hides, 1U);
  client::ClientFrame ask;
  ask.set_request_id(9);
  ask.mutable_ask_hidden()->set_conversation(world.both.str());
  world.nodes.send_frame(phone, ask);
  world.nodes.run_for(milliseconds(200));
  ASSERT_EQ(world.nodes.received(phone, client::ServerFrame::kHidden).size(), 1U);
  EXPECT_EQ(world.nodes.received(phone, client::ServerFrame::kHidden).front().hidden().ranges_size(), 2);
}

TEST(NodeExpiry, a_message_disappears_from_every_replica_when_its_time_is_over) {
  World world;
  const Client ana = world.nodes.connect(1, world.ana);
  client::Payload timer;
  timer.mutable_timer()->set_seconds(5);
  world.nodes.send_frame(ana, send(1, world.both, 1, timer));
  world.nodes.send_frame(ana, send(2, world.both, 2, text("a secret of five seconds")));
  world.nodes.run_for(seconds(4));
  const auto found = [&] {
    std::size_t nodes = 0;
    for (std::size_t node = 1; node <= 3; ++node) {
      for (const auto& [key, value] : world.nodes.store_of(node).rows()) {
        if (value.find("a secret of five seconds") == std::string::npos) continue;
        ++nodes;
        break;
      }
    }
    return nodes;
  };
  EXPECT_EQ(found(), 3U);
  world.nodes.run_for(seconds(3));  // stores lag behind by a second
  EXPECT_EQ(found(), 0U);

  // A new leader goes on where the old one was.
  world.nodes.send_frame(ana, send(3, world.both, 3, text("a secret of five seconds")));
  world.nodes.run_for(milliseconds(1'500));
  EXPECT_EQ(found(), 3U);
  std::size_t leader = 0;
  for (std::uint32_t shard = 0; shard < world.nodes.shards().value; ++shard) {
    const std::size_t leads = world.nodes.leader_of(ShardId(shard));
    for (const auto& [key, value] : world.nodes.store_of(leads).rows()) {
      const bool is_here = key.substr(0, 2) == std::string({'\0', static_cast<char>(shard)});
      if (is_here && value.find("a secret of five seconds") != std::string::npos) leader = leads;
    }
  }
  ASSERT_NE(leader, 0U);
  world.nodes.kill(leader);
  world.nodes.run_for(seconds(2));
  EXPECT_EQ(found(), 2U);
  world.nodes.run_for(seconds(10));
  EXPECT_EQ(found(), 0U);
}

}  // namespace
}  // namespace chasqui
