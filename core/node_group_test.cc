// Groups through the whole core of one node: who is told what, and by which paths nobody else is.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/testing/club.h"
#include "core/testing/cluster.h"

namespace chasqui {
namespace {

using testing::add_member;
using testing::change_frame;
using testing::Cluster;
using testing::create_group;
using testing::history_frame;
using testing::Login;
using testing::remove_member;
using testing::text_frame;
using Body = client::ServerFrame;

struct Club {
  Cluster world;
  Login ana = world.provision("ana");
  Login beto = world.provision("beto");
  Login carla = world.provision("carla");
  ConversationId club = ConversationId::group(ana.user, 1);
  ConversationId nowhere = ConversationId::group(ana.user, 2);
  SessionId ana_phone = world.connect(ana);

  void say(std::uint64_t outbox_seq, const std::string& text) {
    world.send_frame(ana_phone, text_frame(outbox_seq, club, text));
    world.run();
  }
  void change(std::uint64_t outbox_seq, const client::GroupChange& change) {
    world.send_frame(ana_phone, change_frame(outbox_seq, club, change));
    world.run();
  }
  std::vector<client::ServerFrame> frames(SessionId session, Body::BodyCase kind) {
    std::vector<client::ServerFrame> found;
    for (const client::ServerFrame& frame : world.received(session)) {
      if (frame.body_case() == kind) found.push_back(frame);
    }
    return found;
  }
  client::HistoryPage history(SessionId session, std::uint64_t after, std::uint32_t limit = 0, bool newest = false) {
    const std::size_t before = frames(session, Body::kHistory).size();
    world.send_frame(session, history_frame(70, club, after, limit, newest));
    world.run();
    const auto pages = frames(session, Body::kHistory);
    EXPECT_EQ(pages.size(), before + 1) << "no page came";
    return pages.empty() ? client::HistoryPage() : pages.back().history();
  }
  static std::string seqs(const client::HistoryPage& page) {
    std::string line;
    for (const client::Event& event : page.events()) absl::StrAppend(&line, event.seq(), " ");
    for (const client::SeqRange& range : page.hidden())
      absl::StrAppend(&line, "-", range.from(), "..", range.to(), " ");
    return absl::StrCat(line, "of ", page.head());
  }
};

TEST(NodeGroup, an_event_is_pushed_to_every_member_and_lies_in_every_member_s_index) {
  Club t;
  const SessionId beto = t.world.connect(t.beto);
  const SessionId carla = t.world.connect(t.carla);
  t.change(1, create_group("Club", {t.beto.user}));
  t.say(2, "hola");
  ASSERT_EQ(t.frames(t.ana_phone, Body::kAccepted).size(), 2U);
  const auto pushed = t.frames(beto, Body::kPush);
  ASSERT_EQ(pushed.size(), 2U);
  EXPECT_EQ(pushed[0].push().event().change().create().title(), "Club");
  EXPECT_FALSE(pushed[1].push().event().payload().empty());
  EXPECT_TRUE(t.frames(carla, Body::kPush).empty());

  t.world.run_for(seconds(2));
  const SessionId later = t.world.connect(t.beto, Version(), 2);
  const auto hello = t.frames(later, Body::kHello);
  ASSERT_EQ(hello.size(), 1U);
  ASSERT_EQ(hello[0].hello().sync().entries_size(), 1);
  EXPECT_EQ(hello[0].hello().sync().entries(0).head(), 2U);
  const SessionId stranger = t.world.connect(t.carla, Version(), 2);
  EXPECT_EQ(t.frames(stranger, Body::kHello)[0].hello().sync().entries_size(), 0);
}

TEST(NodeGroup, each_reads_what_the_intervals_say_and_is_told_what_is_hidden) {
  Club t;
  t.change(1, create_group("Club", {t.beto.user}));
  t.say(2, "two");
  t.change(3, add_member(t.carla.user));  // 3
  t.say(4, "four");
  t.change(5, remove_member(t.carla.user));  // 5
  t.say(6, "six");
  t.say(7, "seven");
  const SessionId carla = t.world.connect(t.carla);
  EXPECT_EQ(t.seqs(t.history(carla, 0)), "3 4 5 -1..2 of 5");
  EXPECT_EQ(t.seqs(t.history(carla, 5)), "of 5");
  EXPECT_EQ(t.history(carla, 0).chain(), "") << "it would tell her that something goes on";
  t.change(8, add_member(t.carla.user));  // 8
  t.say(9, "nine");
  EXPECT_EQ(t.seqs(t.history(carla, 0)), "3 4 5 8 9 -1..2 -6..7 of 9");
  EXPECT_EQ(t.seqs(t.history(carla, 0, 2)), "3 4 -1..2 of 9");
  EXPECT_EQ(t.seqs(t.history(carla, 4, 2)), "5 8 -6..7 of 9");
  EXPECT_EQ(t.seqs(t.history(carla, 9)), "of 9");
  EXPECT_EQ(t.seqs(t.history(carla, 0, 3, true)), "5 8 9 -6..7 of 9");
  EXPECT_EQ(t.seqs(t.history(carla, 8, 10, true)), "3 4 5 of 9");
  EXPECT_EQ(t.history(carla, 0).chain().size(), 32U);
}

TEST(NodeGroup, who_is_removed_is_told_and_hears_nothing_after) {
  Club t;
  const SessionId beto = t.world.connect(t.beto);
  t.change(1, create_group("Club", {t.beto.user, t.carla.user}));
  t.change(2, remove_member(t.beto.user));
  t.say(3, "without him");
  t.world.run_for(seconds(2));
  const auto pushed = t.frames(beto, Body::kPush);
  ASSERT_EQ(pushed.size(), 2U);
  EXPECT_EQ(pushed[1].push().event().change().remove().user(), t.beto.user.value());
  for (const auto& head : t.frames(beto, Body::kHead)) EXPECT_LE(head.head().seq(), 2U);
  const SessionId again = t.world.connect(t.beto, Version(), 2);
  const auto hello = t.frames(again, Body::kHello);
  ASSERT_EQ(hello.size(), 1U);
  ASSERT_EQ(hello[0].hello().sync().entries_size(), 1);
  EXPECT_EQ(hello[0].hello().sync().entries(0).head(), 2U);
}

TEST(NodeGroup, a_deletion_after_one_has_gone_shows_no_later_seq) {
  Club t;
  t.change(1, create_group("Club", {t.beto.user}));
  t.say(2, "oops");
  t.change(3, remove_member(t.beto.user));
  t.say(4, "more");
  client::Payload payload;
  payload.set_nonce(std::string(16, 'n'));
  payload.mutable_about()->set_kind(client::About::DELETION);
  payload.mutable_about()->set_seq(2);
  client::ClientFrame frame = text_frame(5, t.club, "");
  frame.mutable_send()->set_payload(payload.SerializeAsString());
  t.world.send_frame(t.ana_phone, frame);
  t.world.run();
  const SessionId beto = t.world.connect(t.beto);
  const client::HistoryPage page = t.history(beto, 1);
  ASSERT_EQ(page.events_size(), 2);
  EXPECT_TRUE(page.events(0).payload().empty()) << "it is erased for everyone";
  EXPECT_EQ(page.events(0).erased_by(), 3U) << "by an event that he may know of";
}

TEST(NodeGroup, members_see_how_the_group_stands_and_how_far_the_others_are) {
  Club t;
  const SessionId beto = t.world.connect(t.beto);
  t.change(1, create_group("Club", {t.beto.user}));
  client::ClientFrame ack;
  ack.mutable_ack()->set_conversation(t.club.str());
  ack.mutable_ack()->set_delivered_seq(1);
  ack.mutable_ack()->set_history_epoch(1);
  t.world.send_frame(beto, ack);
  t.world.run_for(seconds(2));
  EXPECT_EQ(t.frames(beto, Body::kAcked).size(), 1U);
  client::ClientFrame ask;
  ask.set_request_id(9);
  ask.mutable_describe_group()->set_conversation(t.club.str());
  t.world.send_frame(beto, ask);
  t.world.run();
  const auto told = t.frames(beto, Body::kGroup);
  ASSERT_EQ(told.size(), 1U);
  const client::GroupDescription& group = told[0].group();
  EXPECT_EQ(group.title(), "Club");
  EXPECT_EQ(group.head(), 1U);
  ASSERT_EQ(group.members_size(), 2);
  for (const client::GroupMember& member : group.members()) {
    EXPECT_EQ(member.role(), member.user() == t.ana.user.value() ? client::OWNER : client::MEMBER);
    EXPECT_EQ(member.delivered_seq(), member.user() == t.beto.user.value() ? 1U : 0U);
  }
}

// ------------------------------------------------------------------- every path, for who may not be told anything

// A request of each kind, about that conversation; nullopt: it is about none.
std::optional<client::ClientFrame> request_about(const std::string& kind, const ConversationId& id, UserId somebody) {
  client::ClientFrame frame;
  frame.set_request_id(50);
  if (kind == "send") {
    frame = text_frame(1, id, "let me in");
  } else if (kind == "ack") {
    frame.mutable_ack()->set_conversation(id.str());
    frame.mutable_ack()->set_delivered_seq(1);
    frame.mutable_ack()->set_history_epoch(1);
  } else if (kind == "history") {
    frame = history_frame(50, id, 0);
  } else if (kind == "marks") {
    frame.mutable_marks()->add_conversations(id.str());
  } else if (kind == "describe_group") {
    frame.mutable_describe_group()->set_conversation(id.str());
  } else if (kind == "sync") {
    frame.mutable_sync();
  } else if (kind == "hide") {
    frame.mutable_hide()->set_conversation(id.str());
    frame.mutable_hide()->set_first_seq(1);
    frame.mutable_hide()->set_last_seq(1);
  } else if (kind == "ask_hidden") {
    frame.mutable_ask_hidden()->set_conversation(id.str());
  } else if (kind == "ask_receipts") {
    frame.mutable_ask_receipts()->set_conversation(id.str());
    frame.mutable_ask_receipts()->set_seq(2);
  } else if (kind == "typing") {
    frame.mutable_typing()->set_conversation(id.str());
  } else {
    static const std::set<std::string> about_none = {"hello",  "lookup", "ping",        "renew_device",
                                                     "logout", "watch",  "set_privacy", "set_gate"};
    EXPECT_TRUE(about_none.contains(kind)) << "a new path: say here what a stranger hears on it";
    return std::nullopt;
  }
  (void)somebody;
  return frame;
}

std::vector<std::string> request_kinds() {
  std::vector<std::string> kinds;
  const auto* oneof = client::ClientFrame::descriptor()->FindOneofByName("body");
  for (int i = 0; i < oneof->field_count(); ++i) kinds.push_back(oneof->field(i)->name());
  return kinds;
}

// All that a session is told because of that request, with the id of the conversation blotted out.
std::string heard(Club& t, SessionId session, const client::ClientFrame& frame, const ConversationId& id) {
  const std::size_t before = t.world.received(session).size();
  t.world.send_frame(session, frame);
  t.world.run_for(seconds(2));
  std::string all;
  for (std::size_t i = before; i < t.world.received(session).size(); ++i) {
    all += t.world.received(session)[i].SerializeAsString();
  }
  return absl::StrReplaceAll(all, {{id.str(), "(id)"}, {id.hex(), "(id)"}});
}

TEST(NodeGroup, a_stranger_hears_the_same_on_every_path_whether_the_group_exists_or_not) {
  for (const std::string& kind : request_kinds()) {
    Club t;
    t.change(1, create_group("Club", {t.beto.user}));
    t.say(2, "a secret");
    const SessionId carla = t.world.connect(t.carla);
    const auto there = request_about(kind, t.club, t.beto.user);
    const auto nowhere = request_about(kind, t.nowhere, t.beto.user);
    if (!there) continue;
    const std::string of_there = heard(t, carla, *there, t.club);
    EXPECT_EQ(of_there, heard(t, carla, *nowhere, t.nowhere)) << kind;
    EXPECT_EQ(of_there.find("secret"), std::string::npos) << kind;
    EXPECT_EQ(of_there.find("Club"), std::string::npos) << kind;
  }
}

TEST(NodeGroup, a_stranger_changes_nothing_by_any_kind_of_change) {
  const auto* oneof = client::GroupChange::descriptor()->FindOneofByName("what");
  for (int i = 0; i < oneof->field_count(); ++i) {
    Club t;
    t.change(1, create_group("Club", {t.beto.user}));
    const SessionId carla = t.world.connect(t.carla);
    client::GroupChange change;
    (void)change.GetReflection()->MutableMessage(&change, oneof->field(i));
    if (change.has_create()) change = create_group("Mine", {});
    if (change.has_add()) change = add_member(t.carla.user);
    if (change.has_edit()) change.mutable_edit()->set_title("Mine");
    if (change.has_create_link()) change.mutable_create_link()->set_secret_hash(std::string(32, 'h'));
    if (change.has_revoke_link()) change.mutable_revoke_link()->set_secret_hash(std::string(32, 'h'));
    if (change.has_join()) change.mutable_join()->set_secret(std::string(16, 's'));
    const std::string there = heard(t, carla, change_frame(1, t.club, change), t.club);
    EXPECT_EQ(there, heard(t, carla, change_frame(1, t.nowhere, change), t.nowhere)) << oneof->field(i)->name();
    EXPECT_TRUE(t.frames(carla, Body::kAccepted).empty()) << oneof->field(i)->name();
    EXPECT_EQ(t.frames(t.ana_phone, Body::kPush).size(), 1U) << oneof->field(i)->name();
  }
}

TEST(NodeGroup, who_was_removed_finds_nothing_of_later_on_any_path) {
  for (const std::string& kind : request_kinds()) {
    Club t;
    t.change(1, create_group("Club", {t.carla.user}));
    t.change(2, remove_member(t.carla.user));
    t.say(3, "a secret");
    client::GroupChange rename;
    rename.mutable_edit()->set_title("Renamed");
    t.change(4, rename);
    const SessionId carla = t.world.connect(t.carla);
    const auto frame = request_about(kind, t.club, t.beto.user);
    if (!frame) continue;
    (void)heard(t, carla, *frame, t.club);
    for (const client::ServerFrame& one : t.world.received(carla)) {
      const std::string bytes = one.SerializeAsString();
      EXPECT_EQ(bytes.find("secret"), std::string::npos) << kind;
      EXPECT_EQ(bytes.find("Renamed"), std::string::npos) << kind;
      EXPECT_LE(one.history().head(), 2U) << kind;
      EXPECT_LE(one.acked().delivered_seq(), 2U) << kind;
      for (const auto& entry : one.hello().sync().entries()) EXPECT_LE(entry.head(), 2U) << kind;
      for (const auto& entry : one.sync().entries()) EXPECT_LE(entry.head(), 2U) << kind;
    }
  }
}

}  // namespace
}  // namespace chasqui
