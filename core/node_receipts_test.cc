// Delivered and read, and what is unread, over three nodes: who is told what of whom.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/index_marks.h"
#include "core/testing/club.h"
#include "core/testing/nodes.h"
#include "core/testing/town.h"

namespace chasqui {
namespace {

using testing::ack;
using testing::add_member;
using testing::change_frame;
using testing::Client;
using testing::create_group;
using testing::Login;
using testing::Nodes;
using testing::remove_member;
using testing::text_frame;
using Body = client::ServerFrame;

client::ClientFrame private_reads(bool are_private) {
  client::ClientFrame frame;
  frame.set_request_id(500);
  frame.mutable_set_privacy()->set_read_receipts(!are_private);
  return frame;
}

// Of a stranger's message nothing is told before that.
client::ClientFrame accept(UserId user) {
  client::ClientFrame frame;
  frame.set_request_id(700);
  frame.mutable_set_gate()->set_user(user.value());
  frame.mutable_set_gate()->set_gate(client::OPEN);
  return frame;
}

client::ClientFrame info(const ConversationId& conversation, std::uint64_t seq) {
  client::ClientFrame frame;
  frame.set_request_id(600);
  frame.mutable_ask_receipts()->set_conversation(conversation.str());
  frame.mutable_ask_receipts()->set_seq(seq);
  return frame;
}

client::ClientFrame text_naming(std::uint64_t outbox_seq, const ConversationId& conversation, UserId named) {
  client::ClientFrame frame = text_frame(outbox_seq, conversation, "hola");
  client::Payload payload;
  EXPECT_TRUE(payload.ParseFromString(frame.send().payload()));
  payload.add_mentions(named.value());
  frame.mutable_send()->set_payload(payload.SerializeAsString());
  return frame;
}

struct World {
  Nodes nodes{3};
  Login ana = nodes.provision("ana", 1);
  Login beto = nodes.provision("beto", 2);
  Login carla = nodes.provision("carla", 3);
  ConversationId club = ConversationId::group(ana.user, 1);
  ConversationId both = ConversationId::direct(ana.user, beto.user);
  Client ana_phone = nodes.connect(1, ana);
  Client beto_phone = nodes.connect(2, beto);
  Client carla_phone = nodes.connect(3, carla);

  void send(const Client& client, const client::ClientFrame& frame, Duration then = seconds(3)) {
    nodes.send_frame(client, frame);
    nodes.run_for(then);
  }
  // What this session was last told of that member's marks in the club.
  client::MemberMarks marks(const Client& client, UserId of) {
    client::MemberMarks last;
    for (const client::ServerFrame& frame : nodes.received(client, Body::kGroupReceipts)) {
      for (const client::MemberMarks& marks : frame.group_receipts().members()) {
        if (marks.user() == of.value()) last = marks;
      }
    }
    return last;
  }
  // The highest counts that this session knows of a conversation.
  Counts counts(const Client& client, const ConversationId& conversation) {
    Counts counts;
    for (const client::ServerFrame& frame : nodes.received(client)) {
      if (frame.head().conversation() == conversation.bytes()) counts.merge(counts_of(frame.head()));
      const bool is_push = frame.push().conversation() == conversation.bytes();
      if (is_push) counts.merge({frame.push().event().messages(), 0, 0, 0});
      for (const auto& entry : frame.hello().sync().entries()) {
        if (entry.conversation() == conversation.bytes()) counts.merge(counts_of(entry));
      }
    }
    return counts;
  }
  client::ReceiptsOf asked(const Client& client, const ConversationId& conversation, std::uint64_t seq) {
    send(client, info(conversation, seq));
    const auto answers = nodes.received(client, Body::kReceiptsOf);
    return answers.empty() ? client::ReceiptsOf() : answers.back().receipts_of();
  }
};

TEST(NodeReceipts, who_sent_hears_of_a_group_s_marks_and_who_did_not_hears_nothing) {
  World t;
  t.send(t.ana_phone, change_frame(1, t.club, create_group("Club", {t.beto.user, t.carla.user})));
  t.send(t.beto_phone, text_frame(1, t.club, "hola"));  // 2
  t.send(t.carla_phone, ack(t.club, 2));
  EXPECT_EQ(t.marks(t.beto_phone, t.carla.user).delivered_seq(), 2U);
  EXPECT_EQ(t.marks(t.beto_phone, t.carla.user).read_seq(), 2U);
  EXPECT_EQ(t.marks(t.ana_phone, t.carla.user).delivered_seq(), 2U) << "she made the group: that is event 1";
  EXPECT_TRUE(t.nodes.received(t.carla_phone, Body::kGroupReceipts).empty());
}

TEST(NodeReceipts, many_marks_of_a_group_are_told_once_a_second) {
  World t;
  t.send(t.ana_phone, change_frame(1, t.club, create_group("Club", {t.beto.user, t.carla.user})));
  for (std::uint64_t n = 2; n <= 40; ++n) t.nodes.send_frame(t.ana_phone, text_frame(n, t.club, "hola"));
  t.nodes.run_for(seconds(2));
  const std::size_t before = t.nodes.received(t.ana_phone, Body::kGroupReceipts).size();
  for (std::uint64_t seq = 1; seq <= 40; ++seq) {
    t.nodes.send_frame(t.beto_phone, ack(t.club, seq));
    t.nodes.send_frame(t.carla_phone, ack(t.club, seq));
    t.nodes.run_for(milliseconds(100));
  }
  t.nodes.run_for(seconds(3));
  const std::size_t told = t.nodes.received(t.ana_phone, Body::kGroupReceipts).size() - before;
  EXPECT_GE(told, 3U);
  EXPECT_LE(told, 8U) << "4 s of marks and 3 s after";
  EXPECT_EQ(t.marks(t.ana_phone, t.beto.user).read_seq(), 40U);
  EXPECT_EQ(t.marks(t.ana_phone, t.carla.user).read_seq(), 40U);
}

TEST(NodeReceipts, a_reader_hears_nothing_of_seqs_outside_his_own_time) {
  World t;
  t.send(t.ana_phone, change_frame(1, t.club, create_group("Club", {t.beto.user})));
  t.send(t.ana_phone, text_frame(2, t.club, "two"));
  t.send(t.beto_phone, ack(t.club, 2));
  t.send(t.ana_phone, change_frame(3, t.club, add_member(t.carla.user)));  // 3
  client::ClientFrame ask;
  ask.set_request_id(9);
  ask.mutable_describe_group()->set_conversation(t.club.str());
  t.send(t.carla_phone, ask);
  const auto told = t.nodes.received(t.carla_phone, Body::kGroup);
  ASSERT_EQ(told.size(), 1U);
  for (const client::GroupMember& member : told[0].group().members()) {
    EXPECT_EQ(member.delivered_seq(), 0U) << "2 is before her time";
    EXPECT_EQ(member.intervals_size(), member.user() == t.carla.user.value() ? 1 : 0);
  }
  t.send(t.carla_phone, info(t.club, 2));
  EXPECT_EQ(t.nodes.received(t.carla_phone, Body::kError).back().error().code(), client::PERMISSION_DENIED);
  t.send(t.carla_phone, text_frame(1, t.club, "four"));                       // 4
  t.send(t.ana_phone, change_frame(4, t.club, remove_member(t.carla.user)));  // 5
  t.send(t.beto_phone, ack(t.club, 5));
  EXPECT_TRUE(t.nodes.received(t.carla_phone, Body::kGroupReceipts).empty()) << "she is no member when he reads it";
  t.send(t.carla_phone, info(t.club, 4));
  EXPECT_EQ(t.nodes.received(t.carla_phone, Body::kError).size(), 2U);
}

TEST(NodeReceipts, message_info_says_who_has_it_since_when) {
  World t;
  t.send(t.ana_phone, change_frame(1, t.club, create_group("Club", {t.beto.user, t.carla.user})));
  t.send(t.ana_phone, text_frame(2, t.club, "two"));
  const std::int64_t before_ms = t.nodes.now().wall.ms;
  t.send(t.beto_phone, ack(t.club, 2));
  const client::ReceiptsOf club = t.asked(t.ana_phone, t.club, 2);
  ASSERT_EQ(club.members_size(), 2);
  for (const client::MemberReceipt& line : club.members()) {
    const bool is_beto = line.user() == t.beto.user.value();
    EXPECT_EQ(line.delivered(), is_beto);
    EXPECT_EQ(line.read(), is_beto);
    if (!is_beto) continue;
    EXPECT_EQ(line.read_ms() % 1'000, 0);
    EXPECT_GE(line.read_ms(), before_ms / 1'000 * 1'000);
    EXPECT_LE(line.read_ms(), t.nodes.now().wall.ms);
  }
  t.send(t.ana_phone, text_frame(1, t.both, "hola"));
  t.send(t.beto_phone, accept(t.ana.user));
  t.send(t.beto_phone, ack(t.both, 1));
  const client::ReceiptsOf pair = t.asked(t.ana_phone, t.both, 1);
  ASSERT_EQ(pair.members_size(), 1);
  EXPECT_TRUE(pair.members(0).read());
  EXPECT_GT(pair.members(0).read_ms(), 0);
  t.send(t.ana_phone, info(t.both, 2));
  EXPECT_EQ(t.nodes.received(t.ana_phone, Body::kError).back().error().code(), client::NOT_FOUND);
}

TEST(NodeReceipts, who_keeps_reading_private_tells_none_and_hears_none_and_own_devices_know) {
  World t;
  const Client beto_tablet = t.nodes.connect(3, t.beto, Version(), 2);
  (void)beto_tablet;
  t.send(t.ana_phone, change_frame(1, t.club, create_group("Club", {t.beto.user, t.carla.user})));
  t.send(t.ana_phone, text_frame(2, t.club, "two"));
  t.send(t.ana_phone, text_frame(1, t.both, "hola"));
  const Client beto = beto_tablet;  // the newer session of that device
  t.send(beto, accept(t.ana.user));
  t.send(beto, private_reads(true));
  ASSERT_EQ(t.nodes.received(beto, Body::kPrivacySet).size(), 1U);
  EXPECT_FALSE(t.nodes.received(beto, Body::kPrivacySet)[0].privacy_set().read_receipts());
  t.send(beto, ack(t.both, 1));
  t.send(beto, ack(t.club, 2));
  std::uint64_t read = 0;
  std::uint64_t delivered = 0;
  for (const auto& frame : t.nodes.received(t.ana_phone, Body::kReceipt)) {
    if (frame.receipt().user() != t.beto.user.value()) continue;
    read = std::max(read, frame.receipt().read_seq());
    delivered = std::max(delivered, frame.receipt().delivered_seq());
  }
  EXPECT_EQ(delivered, 1U);
  EXPECT_EQ(read, 0U);
  EXPECT_EQ(t.marks(t.ana_phone, t.beto.user).delivered_seq(), 2U);
  EXPECT_EQ(t.marks(t.ana_phone, t.beto.user).read_seq(), 0U);
  EXPECT_EQ(t.counts(beto, t.both).unread(), 0U) << "his own devices know";
  // Nor is he told what others read, by any path.
  t.send(beto, text_frame(1, t.both, "que tal"));
  t.send(t.ana_phone, ack(t.both, 2));
  for (const auto& frame : t.nodes.received(beto, Body::kReceipt)) {
    if (frame.receipt().user() == t.ana.user.value()) {
      EXPECT_EQ(frame.receipt().read_seq(), 0U);
    }
  }
  EXPECT_FALSE(t.asked(beto, t.both, 2).members(0).read());
  EXPECT_TRUE(t.asked(beto, t.both, 2).members(0).delivered());
  client::ClientFrame ask;
  ask.set_request_id(9);
  ask.mutable_marks()->add_conversations(t.both.str());
  ask.mutable_marks()->add_conversations(t.club.str());
  t.send(beto, ask);
  const auto pages = t.nodes.received(beto, Body::kMarks);
  ASSERT_EQ(pages.size(), 1U);
  for (const client::Receipt& receipt : pages[0].marks().receipts()) {
    if (receipt.user() != t.beto.user.value()) {
      EXPECT_EQ(receipt.read_seq(), 0U);
    }
  }
  // It holds for a session of later, and ends when it is switched on again.
  const Client later = t.nodes.connect(1, t.beto, Version(), 3);
  t.nodes.run_for(seconds(1));
  EXPECT_FALSE(t.asked(later, t.both, 2).members(0).read());
  t.send(later, private_reads(false));
  EXPECT_TRUE(t.asked(later, t.both, 2).members(0).read());
}

TEST(NodeReceipts, unread_and_mentions_come_with_the_index_and_fall_on_every_device) {
  World t;
  t.send(t.ana_phone, change_frame(1, t.club, create_group("Club", {t.beto.user, t.carla.user})));
  t.send(t.ana_phone, text_naming(2, t.club, t.beto.user));  // 2
  t.send(t.carla_phone, text_frame(1, t.club, "three"));     // 3
  t.send(t.beto_phone, text_frame(1, t.club, "four"));       // 4
  EXPECT_EQ(t.counts(t.beto_phone, t.club).unread(), 2U);
  EXPECT_EQ(t.counts(t.beto_phone, t.club).unread_mentions(), 1U);
  EXPECT_EQ(t.counts(t.carla_phone, t.club).unread(), 2U);
  EXPECT_EQ(t.counts(t.carla_phone, t.club).unread_mentions(), 0U);
  EXPECT_EQ(t.counts(t.ana_phone, t.club).unread(), 2U);
  t.send(t.beto_phone, ack(t.club, 2));
  EXPECT_EQ(t.counts(t.beto_phone, t.club).unread(), 1U);
  EXPECT_EQ(t.counts(t.beto_phone, t.club).unread_mentions(), 0U);
  const Client later = t.nodes.connect(1, t.beto, Version(), 2);
  t.nodes.run_for(milliseconds(100));
  EXPECT_EQ(t.counts(later, t.club), t.counts(t.beto_phone, t.club));
}

TEST(NodeReceipts, of_a_large_group_only_counts_are_told) {
  World t;
  client::GroupChange create = create_group("Club", {t.beto.user, t.carla.user});
  for (int n = 1; n <= 40; ++n) {
    create.mutable_create()->add_members(t.nodes.provision(absl::StrCat("member", n)).user.value());
  }
  t.send(t.ana_phone, change_frame(1, t.club, create));
  t.send(t.ana_phone, text_frame(2, t.club, "two"));
  t.send(t.beto_phone, ack(t.club, 2));
  const auto told = t.nodes.received(t.ana_phone, Body::kGroupReceipts);
  ASSERT_FALSE(told.empty());
  const client::GroupReceipts& last = told.back().group_receipts();
  EXPECT_TRUE(last.members().empty());
  ASSERT_GE(last.counts_size(), 1);
  EXPECT_EQ(last.counts(0).seq(), 2U);
  EXPECT_EQ(last.counts(0).delivered(), 1U);
  EXPECT_EQ(last.counts(0).read(), 1U);
  EXPECT_EQ(last.counts(0).of(), 42U);
  client::ClientFrame ask;
  ask.set_request_id(9);
  ask.mutable_marks()->add_conversations(t.club.str());
  ask.mutable_marks()->add_own_seqs(2);
  t.send(t.ana_phone, ask);
  const auto page = t.nodes.received(t.ana_phone, Body::kMarks);
  ASSERT_EQ(page.size(), 1U);
  ASSERT_EQ(page[0].marks().counts_size(), 1);
  EXPECT_EQ(page[0].marks().counts(0).of(), 42U);
}

}  // namespace
}  // namespace chasqui
