// What I13 and I14 say of gates, and I13 of read receipts that are off, on histories made by hand that they must
// accept, and refuse.
#include <gtest/gtest.h>

#include "proto/state.pb.h"
#include "sim/judge.h"

namespace chasqui::sim {
namespace {

const UserId ana(10), beto(20);
const ConversationId talk = ConversationId::direct(ana, beto);
const DeviceId phone(1);
using History = std::vector<Fact>;

LoggedSend send(std::uint64_t number, UserId sender = ana) {
  LoggedSend sent;
  sent.conversation = talk;
  sent.sender = sender;
  sent.device = phone;
  sent.number = OutboxSeq(number);
  sent.digest = "digest";
  return sent;
}
LoggedNotice says(UserId user, std::uint32_t stance, std::uint64_t version) {
  LoggedNotice notice;
  notice.user = user;
  notice.conversation = talk;
  notice.stance = LoggedStance{stance, version};
  return notice;
}
LoggedMark mark(UserId user, std::uint64_t seq) {
  return {talk, user, Seq(seq), Seq(seq)};
}

// What judge `number` alone finds in what devices saw after the log had these commands.
std::size_t found(int number, const std::vector<LoggedCommand>& log, const History& history) {
  Judge judge(second, {number});
  Time at = 0;
  judge.see(at, DeviceJoined{0, ana, phone});
  judge.see(at, DeviceJoined{1, beto, phone});
  std::uint64_t index = 0;
  for (const LoggedCommand& command : log) {
    ++index;
    judge.see(at, EntryCommitted{0, {{0, ShardId(1)}, RaftIndex(index), {1}, {command}}, 1});
  }
  for (const Fact& fact : history) judge.see(at += millisecond, fact);
  return judge.finish(at, Ending::Over).violations.size();
}

EventSeen seen(std::uint32_t device, std::uint64_t seq, const char* text = "text") {
  return {device, talk, Seq(seq), {1}, ana, phone, text};
}

TEST(Withheld, who_has_blocked_is_not_shown_what_came_then) {
  const std::vector<LoggedCommand> log{send(1), says(beto, state::BLOCKED, 5), send(2), says(beto, 0, 9), send(3)};
  EXPECT_EQ(found(14, log, {seen(0, 1), seen(0, 2), seen(0, 3), seen(1, 1), seen(1, 3)}), 0U);
  EXPECT_GT(found(14, log, {seen(1, 2)}), 0U) << "nor after unblocking";
}
TEST(Withheld, the_higher_version_counts_wherever_it_comes_from) {
  LoggedSend first = send(1);
  first.recipient = LoggedStance{state::BLOCKED, 7};
  EXPECT_GT(found(14, {first}, {seen(1, 1)}), 0U);
  EXPECT_EQ(found(14, {says(beto, 0, 8), first}, {seen(1, 1)}), 0U) << "asked before he unblocked her";
}

const GateAsked block{1, 1, ana, true}, open{1, 2, ana, false};
const GateHeard blocked{1, 1, true, true}, opened{1, 2, true, true};
MessageSent sent(const char* text, std::uint64_t number) {
  return {0, talk, OutboxSeq(number), text};
}

TEST(Withheld, without_a_log_may_be_what_a_device_of_who_has_blocked_lacks_and_nobody_elses) {
  const History gap{seen(1, 1), seen(1, 3)};
  const History missing{sent("text", 1),
                        sent("more", 2),
                        AcceptedHeard{0, talk, OutboxSeq(1), Seq(1), {1}},
                        AcceptedHeard{0, talk, OutboxSeq(2), Seq(2), {1}},
                        seen(0, 1),
                        seen(0, 2, "more"),
                        seen(1, 1)};
  const auto after = [](Fact first, History rest) {
    rest.insert(rest.begin(), std::move(first));
    return rest;
  };
  EXPECT_GT(found(4, {}, gap), 0U);
  EXPECT_EQ(found(4, {}, after(block, gap)), 0U);
  EXPECT_GT(found(4, {}, after(GateAsked{0, 1, beto, true}, gap)), 0U) << "that was the other";
  EXPECT_GT(found(1, {}, missing), 0U);
  EXPECT_EQ(found(1, {}, after(block, missing)), 0U);
  EXPECT_GT(found(1, {}, after(open, missing)), 0U);
}
TEST(Withheld, what_was_sent_after_he_heard_that_it_is_in_force_never_comes) {
  EXPECT_GT(found(14, {}, {block, blocked, sent("late", 1), seen(1, 1, "late")}), 0U);
  EXPECT_EQ(found(14, {}, {block, sent("early", 1), blocked, seen(1, 1, "early")}), 0U) << "it may have been accepted";
  EXPECT_EQ(found(14, {}, {block, GateHeard{1, 1, true, false}, sent("late", 1), seen(1, 1, "late")}), 0U)
      << "not in force yet";
}
TEST(Withheld, what_waits_until_he_unblocks_may_come) {
  EXPECT_EQ(found(14, {}, {block, blocked, sent("late", 1), open, opened, seen(1, 1, "late")}), 0U);
  const AcceptedHeard accepted{0, talk, OutboxSeq(1), Seq(1), {1}};
  EXPECT_GT(found(14, {}, {block, blocked, sent("late", 1), accepted, open, opened, seen(1, 1, "late")}), 0U)
      << "it was accepted before";
}
TEST(Withheld, of_two_devices_that_say_otherwise_nothing_is_certain) {
  EXPECT_EQ(found(14, {}, {open, block, blocked, sent("late", 1), seen(1, 1, "late")}), 0U);
  EXPECT_EQ(found(14, {}, {block, open, blocked, sent("late", 1), seen(1, 1, "late")}), 0U);
}

MarksHeard heard(std::uint32_t device, UserId of, std::uint64_t delivered) {
  return {device, talk, of, Seq(delivered), Seq()};
}

TEST(ReceiptsOfStrangers, come_with_the_first_reply) {
  const std::vector<LoggedCommand> asked{send(1), mark(beto, 1)};
  std::vector<LoggedCommand> answered = asked;
  answered.emplace_back(send(1, beto));
  const History stored{sent("text", 1), sent("more", 2), seen(0, 1), seen(1, 1)};
  const auto with = [&](MarksHeard last) {
    History history = stored;
    history.emplace_back(last);
    return history;
  };
  EXPECT_GT(found(13, asked, with(heard(0, beto, 1))), 0U);
  EXPECT_EQ(found(13, asked, with(heard(1, beto, 1))), 0U) << "his own devices hear of them";
  EXPECT_EQ(found(13, answered, with(heard(0, beto, 1))), 0U);
}
TEST(ReceiptsOfStrangers, stop_with_a_block_and_go_on_with_the_next_mark_after_it) {
  std::vector<LoggedCommand> log{send(1),       send(1, beto), mark(beto, 1), says(beto, state::BLOCKED, 5),
                                 send(2, beto), mark(beto, 3)};
  const History stored{sent("text", 1), sent("more", 2), sent("third", 3), seen(1, 1), seen(1, 2), seen(1, 3)};
  History history = stored;
  history.emplace_back(heard(0, beto, 1));
  EXPECT_EQ(found(13, log, history), 0U);
  history.emplace_back(heard(0, beto, 3));
  EXPECT_GT(found(13, log, history), 0U);
  log.emplace_back(says(beto, 0, 9));
  EXPECT_GT(found(13, log, history), 0U) << "unblocking tells nothing";
  log.emplace_back(send(3, beto));
  log.emplace_back(mark(beto, 4));
  EXPECT_EQ(found(13, log, history), 0U);
}

TEST(ReceiptsOfStrangers, go_over_what_was_withheld) {
  const std::vector<LoggedCommand> log{send(1), send(1, beto),    says(beto, state::BLOCKED, 5),
                                       send(2), says(beto, 0, 9), mark(beto, 3)};
  EXPECT_EQ(found(13, log, {seen(1, 1), seen(1, 2), heard(0, beto, 3)}), 0U);
  EXPECT_GT(found(13, log, {seen(1, 1), heard(0, beto, 3)}), 0U) << "of what he sees he lacks one";
}

MarksHeard heard_read(std::uint32_t device, UserId of, std::uint64_t read) {
  return {device, talk, of, Seq(2), Seq(read)};
}

TEST(ReceiptsThatAreOff, tell_nobody_what_was_read_but_oneself) {
  const LoggedMark unsaid{talk, beto, Seq(2), Seq(2), true};
  std::vector<LoggedCommand> log{send(1), send(1, beto), mark(beto, 1), unsaid};
  const auto with = [](MarksHeard last) {
    return History{seen(1, 1), seen(1, 2), ReadByPerson{1, talk, Seq(2)}, last};
  };
  EXPECT_EQ(found(13, log, with(heard_read(0, beto, 1))), 0U) << "what was told before stays told";
  EXPECT_GT(found(13, log, with(heard_read(0, beto, 2))), 0U);
  EXPECT_EQ(found(13, log, with(heard_read(1, beto, 2))), 0U);
  log.emplace_back(mark(beto, 2));
  EXPECT_EQ(found(13, log, with(heard_read(0, beto, 2))), 0U) << "they are on again";
}
TEST(ReceiptsThatAreOff, are_not_told_when_a_gate_opens_either) {
  const LoggedMark unsaid{talk, beto, Seq(2), Seq(2), true};
  const std::vector<LoggedCommand> log{send(1), send(2), unsaid, says(beto, state::ACCEPTED, 5)};
  const History read{seen(1, 1), seen(1, 2), ReadByPerson{1, talk, Seq(2)}};
  const auto with = [&](MarksHeard last) {
    History history = read;
    history.emplace_back(last);
    return history;
  };
  EXPECT_EQ(found(13, log, with(heard_read(0, beto, 0))), 0U);
  EXPECT_GT(found(13, log, with(heard_read(0, beto, 1))), 0U);
}

}  // namespace
}  // namespace chasqui::sim
