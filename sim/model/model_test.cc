// The model on logs made by hand.
#include "sim/model/model.h"

#include <gtest/gtest.h>

namespace chasqui::sim {
namespace {

const UserId ana(10), beto(20), eva(30);
const ConversationId talk = ConversationId::direct(ana, beto);
const DeviceId phone(1), laptop(2);
constexpr LoggedShard talks{0, ShardId(1)}, users{0, ShardId(2)};

LoggedSend send(std::uint64_t number, std::string digest, UserId sender = ana, DeviceId device = phone,
                std::uint32_t refused = 0) {
  LoggedSend sent;
  sent.conversation = talk;
  sent.sender = sender;
  sent.device = device;
  sent.number = OutboxSeq(number);
  sent.digest = std::move(digest);
  sent.refused = refused;
  return sent;
}
LoggedNotice notice(UserId user, std::uint64_t head, std::uint64_t read = 0) {
  return {user, talk, Seq(head), Seq(read)};
}

// Entries of both shards, each in its order.
class Logs : public testing::Test {
 protected:
  void add(LoggedShard shard, std::vector<LoggedCommand> commands, std::int64_t time_ms = 5) {
    ASSERT_TRUE(model.apply({shard, RaftIndex(++last_[shard]), {time_ms}, std::move(commands)}));
  }
  [[nodiscard]] std::string digests() const {
    std::string all;
    for (Seq seq(1); model.event(talk, seq) != nullptr; seq = seq.next()) all += model.event(talk, seq)->digest;
    return all;
  }
  [[nodiscard]] Seq answered(std::uint64_t number, DeviceId device = phone) const {
    const Model::Answer* answer = model.answer(talk, ana, device, OutboxSeq(number));
    return answer == nullptr ? Seq() : answer->seq;
  }
  Model model;

 private:
  std::map<LoggedShard, std::uint64_t> last_;
};
using ModelOfLogs = Logs;

TEST_F(ModelOfLogs, each_number_of_a_device_is_taken_once_and_in_turn) {
  add(talks, {send(1, "a"), send(3, "x"), send(1, "a"), send(2, "b"), send(1, "b", ana, laptop)});
  EXPECT_EQ(digests(), "abb");
  EXPECT_EQ(answered(1), Seq(1));
  EXPECT_EQ(answered(2), Seq(2));
  EXPECT_EQ(answered(1, laptop), Seq(3)) << "another device counts for itself";
  EXPECT_EQ(answered(3), Seq()) << "it came before its turn";
  EXPECT_EQ(model.head(talk), Seq(3));
}

TEST_F(ModelOfLogs, a_refused_command_takes_its_number_and_a_strangers_does_not) {
  add(talks, {send(1, "", ana, phone, client::INVALID_ARGUMENT), send(2, "b"), send(1, "e", eva)});
  EXPECT_EQ(model.answer(talk, ana, phone, OutboxSeq(1))->code, client::INVALID_ARGUMENT);
  EXPECT_EQ(answered(2), Seq(1));
  EXPECT_EQ(model.answer(talk, eva, phone, OutboxSeq(1)), nullptr);
  EXPECT_EQ(digests(), "b");
}

TEST_F(ModelOfLogs, an_event_has_the_log_time_of_its_entry) {
  add(talks, {send(1, "a")}, 7);
  add(talks, {send(2, "b")}, 9);
  EXPECT_EQ(model.event(talk, Seq(2))->time.ms, 9);
  EXPECT_EQ(model.answer(talk, ana, phone, OutboxSeq(1))->time.ms, 7);
}

TEST_F(ModelOfLogs, marks_grow_are_cut_at_the_head_and_read_raises_delivered) {
  add(talks, {send(1, "a"), send(2, "b")});
  add(talks, {LoggedMark{talk, beto, Seq(1), Seq(0)}, LoggedMark{talk, eva, Seq(2), Seq(2)}});
  EXPECT_EQ(model.conversation(talk)->marks.at(beto).delivered, Seq(1));
  EXPECT_FALSE(model.conversation(talk)->marks.contains(eva));
  add(talks, {LoggedMark{talk, beto, Seq(0), Seq(9)}, LoggedMark{talk, beto, Seq(1), Seq(1)}});
  EXPECT_EQ(model.conversation(talk)->marks.at(beto).read, Seq(2));
  EXPECT_EQ(model.conversation(talk)->marks.at(beto).delivered, Seq(2));
}

TEST_F(ModelOfLogs, an_index_keeps_the_highest_and_the_entry_that_changed_it) {
  add(users, {notice(ana, 3)});
  add(users, {notice(ana, 2)});
  EXPECT_EQ(model.index(ana)->at(talk).head, Seq(3));
  EXPECT_EQ(model.index(ana)->at(talk).changed, RaftIndex(1));
  add(users, {notice(ana, 0, 2)});
  EXPECT_EQ(model.index(ana)->at(talk).read, Seq(2));
  EXPECT_EQ(model.index(ana)->at(talk).changed, RaftIndex(3));
  EXPECT_EQ(model.index(beto), nullptr);
}

TEST_F(ModelOfLogs, a_cursor_that_moves_before_everyone_is_told_is_noticed) {
  add(talks, {send(1, "a")});
  add(users, {notice(ana, 1), notice(beto, 1)});
  add(talks, {LoggedCursor{RaftIndex(1)}});
  EXPECT_TRUE(model.untold().empty());
  add(talks, {send(2, "b")});
  add(users, {notice(ana, 2)});
  add(talks, {LoggedCursor{RaftIndex(3)}});
  ASSERT_EQ(model.untold().size(), 1U);
  EXPECT_EQ(model.untold().front().user, beto);
  EXPECT_EQ(model.untold().front().seq, Seq(2));
  add(talks, {});
  EXPECT_TRUE(model.untold().empty());
}

TEST_F(ModelOfLogs, a_cursor_may_pass_what_is_parked_but_that_must_be_told_before_it_is_unparked) {
  add(talks, {send(1, "a"), send(2, "b")});
  add(users, {notice(ana, 2)});
  add(talks, {LoggedParked{beto, talk, Seq(1)}, LoggedCursor{RaftIndex(1)}});
  ASSERT_EQ(model.untold().size(), 1U) << "of two only one is parked";
  EXPECT_EQ(model.untold().front().seq, Seq(2));
  add(talks, {send(3, "c")});
  add(users, {notice(ana, 3)});
  add(talks, {LoggedParked{beto, talk, Seq(3)}, LoggedCursor{RaftIndex(3)}});
  EXPECT_TRUE(model.untold().empty());
  add(talks, {LoggedUnparked{beto, talk, Seq(2)}});
  EXPECT_TRUE(model.untold().empty()) << "it holds more, and stays";
  add(talks, {LoggedUnparked{beto, talk, Seq(3)}});
  ASSERT_EQ(model.untold().size(), 1U);
  EXPECT_EQ(model.untold().front().user, beto);
  add(talks, {LoggedParked{beto, talk, Seq(3)}});
  add(users, {notice(beto, 3)});
  add(talks, {LoggedUnparked{beto, talk, Seq(3)}});
  EXPECT_TRUE(model.untold().empty());
}

TEST_F(ModelOfLogs, an_entry_that_comes_again_changes_nothing_and_a_gap_is_told) {
  add(talks, {send(1, "a")});
  EXPECT_TRUE(model.apply({talks, RaftIndex(1), {}, {send(2, "b")}}));
  EXPECT_EQ(digests(), "a");
  EXPECT_FALSE(model.apply({talks, RaftIndex(3), {}, {}}));
}

TEST_F(ModelOfLogs, what_is_no_entry_has_no_commands) {
  log::Entry kept;
  EXPECT_TRUE(decode_entry(talks, RaftIndex(1), "\xff\xff", kept).commands.empty());
  log::Entry entry;
  entry.set_log_time_ms(4);
  log::Send& message = *entry.add_commands()->mutable_send();
  message.set_conversation(talk.str());
  message.set_sender(10);
  message.set_device(1);
  message.set_outbox_seq(1);
  message.set_digest("d");
  entry.add_commands()->mutable_move_cursor()->set_index(8);
  for (auto* marks : {entry.add_commands()->mutable_park()->mutable_marks(),
                      entry.add_commands()->mutable_unpark()->mutable_marks()}) {
    log::IndexMark& mark = *marks->Add();
    mark.set_user(20);
    mark.set_conversation(talk.str());
    mark.set_head(7);
  }
  const LoggedEntry decoded = decode_entry(talks, RaftIndex(1), entry.SerializeAsString(), kept);
  ASSERT_EQ(decoded.commands.size(), 4U);
  EXPECT_EQ(std::get<LoggedSend>(decoded.commands[0]).digest, "d");
  EXPECT_EQ(std::get<LoggedCursor>(decoded.commands[1]).index, RaftIndex(8));
  EXPECT_EQ(std::get<LoggedParked>(decoded.commands[2]).user, beto);
  EXPECT_EQ(std::get<LoggedParked>(decoded.commands[2]).head, Seq(7));
  EXPECT_EQ(std::get<LoggedUnparked>(decoded.commands[3]).head, Seq(7));
  EXPECT_EQ(decoded.time.ms, 4);
}

TEST_F(ModelOfLogs, what_is_read_in_private_is_told_to_nobody) {
  log::Entry entry, kept;
  log::Mark& said = *entry.add_commands()->mutable_mark();
  said.set_conversation(talk.str());
  said.set_user(beto.value());
  said.set_read(2);
  said.set_read_is_private(true);
  const LoggedEntry decoded = decode_entry(talks, RaftIndex(1), entry.SerializeAsString(), kept);
  ASSERT_EQ(decoded.commands.size(), 1U);
  add(talks, {send(1, "a"), send(1, "b", beto), LoggedMark{talk, beto, Seq(1), Seq(1)}, decoded.commands[0]});
  EXPECT_EQ(model.marks(talk, beto).read, Seq(2));
  EXPECT_EQ(model.marks_told(talk, beto).delivered, Seq(2));
  EXPECT_EQ(model.marks_told(talk, beto).read, Seq(1));
}

// ------------------------------------------------------------------------------------- about an earlier event

LoggedSend about(std::uint64_t number, std::uint32_t kind, std::uint64_t seq, UserId sender = ana) {
  LoggedSend sent = send(number, "about", sender);
  sent.about_kind = kind;
  sent.about = Seq(seq);
  return sent;
}

TEST_F(ModelOfLogs, a_deletion_erases_a_message_and_its_edits_and_nothing_else) {
  add(talks, {send(1, "a"), about(2, client::About::EDIT, 1), about(1, client::About::REPLY, 1, beto), send(3, "b")});
  add(talks, {about(2, client::About::DELETION, 1, beto), about(4, client::About::DELETION, 1)});
  EXPECT_EQ(model.answer(talk, beto, phone, OutboxSeq(2))->code, client::PERMISSION_DENIED);
  EXPECT_EQ(answered(4), Seq(5));
  for (const auto& [seq, erased] : {std::pair{1, true}, {2, true}, {3, false}, {4, false}, {5, false}}) {
    EXPECT_EQ(model.event(talk, Seq(static_cast<std::uint64_t>(seq)))->erased, erased) << seq;
  }
  EXPECT_EQ(model.erased(), 2U);
  add(talks,
      {about(5, client::About::EDIT, 1), about(6, client::About::REACTION, 1), about(7, client::About::REPLY, 1)});
  EXPECT_EQ(model.answer(talk, ana, phone, OutboxSeq(5))->code, client::FAILED_PRECONDITION);
  EXPECT_EQ(model.answer(talk, ana, phone, OutboxSeq(6))->code, client::FAILED_PRECONDITION);
  EXPECT_EQ(answered(7), Seq(6));
}

TEST_F(ModelOfLogs, what_is_not_there_or_is_no_message_is_nothing_to_speak_about) {
  add(talks, {about(1, client::About::REPLY, 1), send(2, "a"), about(3, client::About::REACTION, 1),
              about(4, client::About::REPLY, 2), about(5, client::About::REPLY, 0), about(6, 99, 1)});
  EXPECT_EQ(model.answer(talk, ana, phone, OutboxSeq(1))->code, client::NOT_FOUND);
  EXPECT_EQ(answered(3), Seq(2));
  EXPECT_EQ(model.answer(talk, ana, phone, OutboxSeq(4))->code, client::NOT_FOUND) << "a reaction is no message";
  EXPECT_EQ(model.answer(talk, ana, phone, OutboxSeq(5))->code, client::NOT_FOUND);
  EXPECT_EQ(model.answer(talk, ana, phone, OutboxSeq(6))->code, client::UNIMPLEMENTED);
}

TEST_F(ModelOfLogs, an_edit_comes_within_fifteen_minutes) {
  add(talks, {send(1, "a")}, 1'000);
  add(talks, {about(2, client::About::EDIT, 1)}, 901'000);
  add(talks, {about(3, client::About::EDIT, 1)}, 901'001);
  EXPECT_EQ(answered(2), Seq(2));
  EXPECT_EQ(model.answer(talk, ana, phone, OutboxSeq(3))->code, client::FAILED_PRECONDITION);
}

TEST_F(ModelOfLogs, three_are_pinned) {
  add(talks, {send(1, "a"), send(2, "b"), send(3, "c"), send(4, "d")});
  add(talks, {about(5, client::About::PIN, 1), about(6, client::About::PIN, 2), about(7, client::About::PIN, 3),
              about(8, client::About::PIN, 4), about(9, client::About::UNPIN, 2), about(10, client::About::PIN, 4)});
  EXPECT_EQ(model.answer(talk, ana, phone, OutboxSeq(8))->code, client::FAILED_PRECONDITION);
  EXPECT_EQ(model.conversation(talk)->pins, (std::vector<Seq>{Seq(1), Seq(3), Seq(4)}));
}

TEST_F(ModelOfLogs, a_message_disappears_by_log_time_and_not_before) {
  LoggedSend timer = send(1, "t");
  timer.timer_s = 10;
  add(talks, {timer, send(2, "a")}, 1'000);
  EXPECT_EQ(model.event(talk, Seq(1))->expires_ms, 0);
  EXPECT_EQ(model.event(talk, Seq(2))->expires_ms, 11'000);
  add(talks, {LoggedDue{talk, Seq(2), 11'000}, LoggedDue{talk, Seq(2), 1}, LoggedDue{talk, Seq(1), 1}}, 10'999);
  EXPECT_EQ(model.erased(), 0U);
  add(talks, {LoggedDue{talk, Seq(2), 11'000}, LoggedDue{talk, Seq(2), 11'000}}, 11'000);
  EXPECT_TRUE(model.event(talk, Seq(2))->erased);
  EXPECT_EQ(model.erased(), 1U);
}

TEST_F(ModelOfLogs, a_user_hides_what_their_index_knows) {
  add(users, {LoggedHide{ana, talk, 1, 1}});
  EXPECT_FALSE(model.is_hidden(ana, talk, Seq(1))) << "that conversation is not known there";
  add(users, {notice(ana, 9), LoggedHide{ana, talk, 2, 4}, LoggedHide{ana, talk, 8, 7}});
  EXPECT_TRUE(model.is_hidden(ana, talk, Seq(4)));
  EXPECT_FALSE(model.is_hidden(ana, talk, Seq(5)));
  EXPECT_FALSE(model.is_hidden(beto, talk, Seq(4)));
}

}  // namespace
}  // namespace chasqui::sim
