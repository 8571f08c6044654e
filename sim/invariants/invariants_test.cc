// Each judge gets a hand-made history that it must accept, and one for each way of lying that it must refuse.
#include <gtest/gtest.h>

#include "sim/invariants/i01_kept.h"
#include "sim/invariants/i02_once_in_order.h"
#include "sim/invariants/i03_nothing_invented.h"
#include "sim/invariants/i04_gapless.h"
#include "sim/invariants/i05_one_answer.h"
#include "sim/invariants/i06_refused.h"
#include "sim/invariants/i10_durable_before_said.h"
#include "sim/invariants/i11_marks_grow.h"
#include "sim/invariants/i13_receipts_true.h"
#include "sim/invariants/i16_real_time.h"
#include "sim/invariants/i23_settles.h"
#include "sim/invariants/i24_answers.h"
#include "sim/invariants/i27_beyond_is_named.h"
#include "sim/invariants/i28_contract.h"
#include "sim/judge.h"

namespace chasqui::sim {
namespace {

const UserId ana(10);
const UserId beto(20);
const UserId eva(30);
const ConversationId talk = ConversationId::direct(ana, beto);
const DeviceId phone(1);

using History = std::vector<Fact>;

History cast() {
  return {DeviceJoined{0, ana, phone}, DeviceJoined{1, beto, phone}, DeviceJoined{2, eva, phone}};
}
MessageSent sent(std::uint64_t number, std::string text, std::uint32_t device = 0) {
  return {device, talk, OutboxSeq(number), std::move(text)};
}
AcceptedHeard accepted(std::uint64_t number, std::uint64_t seq, std::uint32_t device = 0) {
  return {device, talk, OutboxSeq(number), Seq(seq), {}};
}
EventSeen seen(std::uint32_t device, std::uint64_t seq, std::string text, UserId sender = ana) {
  return {device, talk, Seq(seq), {}, sender, phone, std::move(text), true};
}

template <class Judge>
std::size_t found(Judge& judge, const History& history, Time step = millisecond) {
  Time at = 0;
  for (const Fact& fact : cast()) judge.see(at, fact);
  for (const Fact& fact : history) judge.see(at += step, fact);
  judge.finish(at + step);
  return judge.violations().size();
}
template <class Judge>
void accepts(const History& history) {
  Judge judge;
  EXPECT_EQ(found(judge, history), 0U) << judge.violations().front().what;
  EXPECT_GT(judge.checks(), 0U) << "it compared nothing";
}
template <class Judge>
void refuses(const History& history) {
  Judge judge;
  EXPECT_GT(found(judge, history), 0U);
}

TEST(Invariant, i1_a_message_that_everyone_has_is_kept) {
  accepts<Kept>({sent(1, "hola"), seen(1, 1, "hola"), accepted(1, 1), seen(0, 1, "hola")});
}
TEST(Invariant, i1_a_message_that_one_device_never_gets_is_lost) {
  refuses<Kept>({sent(1, "hola"), accepted(1, 1), seen(0, 1, "hola")});
}
TEST(Invariant, i1_other_bytes_than_those_accepted_are_no_keeping) {
  refuses<Kept>({sent(1, "hola"), accepted(1, 1), seen(0, 1, "hola"), seen(1, 1, "adios")});
}
TEST(Invariant, i1_an_acceptance_of_what_was_never_sent_is_refused) {
  refuses<Kept>({accepted(1, 1)});
}

TEST(Invariant, i2_once_and_ascending) {
  accepts<OnceInOrder>({sent(1, "a"), sent(2, "b"), seen(1, 1, "a"), seen(1, 2, "b"), seen(0, 1, "a")});
  refuses<OnceInOrder>({sent(1, "a"), seen(1, 1, "a"), seen(1, 1, "a")});
  refuses<OnceInOrder>({sent(1, "a"), sent(2, "b"), seen(1, 2, "b"), seen(1, 1, "a")});
}
TEST(Invariant, i2_a_senders_messages_stand_in_the_order_of_sending) {
  refuses<OnceInOrder>({sent(1, "a"), sent(2, "b"), seen(1, 1, "b"), seen(1, 2, "a")});
  refuses<OnceInOrder>({sent(1, "a"), seen(1, 1, "a"), seen(1, 2, "a")});
}
TEST(Invariant, i2_a_crashed_phone_may_show_again_only_what_its_journal_did_not_know_as_shown) {
  const History before{sent(1, "a"), sent(2, "b"), seen(1, 1, "a"), seen(1, 2, "b")};
  History again = before;
  again.push_back(PhoneCrashed{1, {{talk, Seq(1)}}});
  again.push_back(seen(1, 2, "b"));
  accepts<OnceInOrder>(again);
  History twice = before;
  twice.push_back(PhoneCrashed{1, {{talk, Seq(2)}}});
  twice.push_back(seen(1, 2, "b"));
  refuses<OnceInOrder>(twice);
}

TEST(Invariant, i3_only_what_was_sent_here_by_that_device_may_be_shown) {
  accepts<NothingInvented>({sent(1, "a"), seen(1, 1, "a")});
  refuses<NothingInvented>({sent(1, "a"), seen(1, 1, "b")});
  refuses<NothingInvented>({sent(1, "a"), seen(1, 1, "a", beto)});
  refuses<NothingInvented>({sent(1, "a"), seen(2, 1, "a")});  // a stranger's device
  refuses<NothingInvented>({MessageSent{0, ConversationId::direct(ana, eva), OutboxSeq(1), "a"}, seen(1, 1, "a")});
  refuses<NothingInvented>({sent(1, "a"), MessageForgotten{0, talk, "a"}, seen(1, 1, "a")});
  EventSeen rotten = seen(1, 1, "a");
  rotten.digest_right = false;
  refuses<NothingInvented>({sent(1, "a"), rotten});
}

TEST(Invariant, i4_no_seq_is_skipped) {
  accepts<Gapless>({seen(1, 1, "a"), seen(1, 2, "b"), seen(0, 1, "a")});
  refuses<Gapless>({seen(1, 1, "a"), seen(1, 3, "c")});
  refuses<Gapless>({seen(1, 2, "b")});
  const auto given = [](std::uint64_t seq) {
    const SendKey key{ConversationId::direct(UserId(1), UserId(2)), UserId(1), DeviceId(1), OutboxSeq(seq)};
    return Fact(AnswerLeft{0, key, client::OK, Seq(seq), {}});
  };
  accepts<Gapless>({given(2), given(1), given(1), given(3)});
  refuses<Gapless>({given(1), given(3)});
}

AnswerLeft answer(std::uint64_t number, std::uint64_t seq, client::Code code = client::OK) {
  return {0, {talk, ana, phone, OutboxSeq(number)}, code, Seq(seq), {}};
}
TEST(Invariant, i5_a_retry_gets_the_first_answer) {
  accepts<OneAnswer>({answer(1, 1), answer(1, 1), answer(2, 0, client::UNAVAILABLE), answer(2, 2), answer(1, 1)});
  refuses<OneAnswer>({answer(1, 1), answer(1, 2)});
  refuses<OneAnswer>({answer(1, 1), answer(1, 0, client::PERMISSION_DENIED)});
  AnswerLeft early = answer(1, 1), late = answer(1, 1);
  early.time = {5};
  late.time = {6};
  refuses<OneAnswer>({early, late});
  refuses<OneAnswer>({sent(1, "a"), accepted(1, 1), accepted(1, 2)});
}
TEST(Invariant, i5_a_later_number_never_overtakes) {
  refuses<OneAnswer>({answer(2, 1), answer(1, 2)});
  refuses<OneAnswer>({answer(1, 5), answer(2, 4)});
}

TEST(Invariant, i6_refused_is_refused) {
  const RefusalHeard no{0, talk, OutboxSeq(1), "no"};
  accepts<Refused>({sent(1, "a"), no, sent(2, "b"), accepted(2, 1), seen(1, 1, "b")});
  refuses<Refused>({sent(1, "a"), no, seen(1, 1, "a")});
  refuses<Refused>({sent(1, "a"), seen(1, 1, "a"), no});
  refuses<Refused>({sent(1, "a"), no, accepted(1, 1)});
}

TEST(Invariant, i10_accepted_waits_for_the_disk) {
  const AppendHandedOut append{0, AppendId(1), {{talk, ana, phone, OutboxSeq(1)}}};
  accepts<DurableBeforeSaid>({append, AppendDurable{0, AppendId(1)}, answer(1, 1)});
  accepts<DurableBeforeSaid>({append, NodeCrashed{0, AppendId(1)}, answer(1, 1)});
  refuses<DurableBeforeSaid>({append, answer(1, 1)});
  refuses<DurableBeforeSaid>({append, NodeCrashed{0, AppendId(0)}, answer(1, 1)});
  refuses<DurableBeforeSaid>({append, AppendDurable{1, AppendId(1)}, answer(1, 1)});  // another node's disk
}

TEST(Invariant, i11_marks_and_times_never_go_back) {
  const MarksHeard low{0, talk, beto, Seq(1), Seq(1)}, high{0, talk, beto, Seq(2), Seq(1)};
  accepts<MarksGrow>({low, high, high});
  refuses<MarksGrow>({high, low});
  const auto told = [](std::uint64_t session, std::uint64_t delivered) {
    return Fact(MarksLeft{0, SessionId(session), ConversationId::direct(UserId(1), UserId(2)), UserId(2),
                          Seq(delivered), Seq()});
  };
  accepts<MarksGrow>({told(1, 2), told(1, 2), told(2, 1), SessionOver{0, SessionId(1)}, told(1, 1)});
  refuses<MarksGrow>({told(1, 2), told(2, 3), told(1, 1)});
  EventSeen first = seen(1, 1, "a"), next = seen(1, 2, "b");
  first.time = {9};
  next.time = {8};
  refuses<MarksGrow>({first, next});
}

TEST(Invariant, i13_delivered_means_on_a_disk_and_read_means_read) {
  const MarksHeard delivered{0, talk, beto, Seq(1), Seq(0)}, read{0, talk, beto, Seq(1), Seq(1)};
  const ReadByPerson person{1, talk, Seq(1)};
  accepts<ReceiptsTrue>({seen(1, 1, "a"), delivered, person, read});
  refuses<ReceiptsTrue>({delivered});
  refuses<ReceiptsTrue>({seen(1, 1, "a"), read});
  refuses<ReceiptsTrue>({seen(0, 1, "a"), delivered});  // the sender's own device is not the member's
}

TEST(Invariant, i16_what_was_accepted_first_stands_first) {
  accepts<RealTime>({sent(1, "a"), accepted(1, 1), sent(1, "b", 1), accepted(1, 2, 1)});
  refuses<RealTime>({sent(1, "a"), accepted(1, 2), sent(1, "b", 1), accepted(1, 1, 1)});
}

TEST(Invariant, i23_settling_takes_no_longer_than_its_bound) {
  Settles good(10 * second), slow(10 * second), never(10 * second), silent(10 * second);
  EXPECT_EQ(found(good, {Healed{}, Settled{}}, second), 0U);
  EXPECT_GT(good.checks(), 0U);
  EXPECT_GT(found(slow, {Healed{}, Settled{}}, 11 * second), 0U);
  EXPECT_GT(found(never, {Healed{}, NotSettled{"device 1"}}, second), 0U);
  EXPECT_GT(found(silent, {Healed{}}, second), 0U);
}

TEST(Invariant, i24_a_request_is_answered_or_its_session_ends) {
  const RequestTaken asked{0, SessionId(1), 7};
  const RequestAnswered told{0, SessionId(1), 7};
  const RequestTaken other{0, SessionId(2), 1};
  Answers good, late, never, closed, excused;
  EXPECT_EQ(found(good, {asked, told}, second), 0U);
  EXPECT_GT(good.checks(), 0U);
  EXPECT_GT(found(late, {asked, told}, 7 * second), 0U);
  EXPECT_GT(found(never, {asked, other}, 7 * second), 0U);
  EXPECT_EQ(found(closed, {asked, SessionOver{0, SessionId(1)}}, 7 * second), 0U);
  EXPECT_EQ(found(excused, {NodeHindered{0, 20 * second}, asked, told}, 7 * second), 0U);
}

TEST(Invariant, i27_a_node_that_lost_something_says_so_and_accepts_nothing) {
  const SendKey key{talk, ana, phone, OutboxSeq(1)};
  const AnswerLeft yes{0, key, client::OK, Seq(1), {}};
  const AnswerLeft no{0, key, client::UNAVAILABLE, {}, {}};
  accepts<BeyondIsNamed>({NodeStarted{0, ""}, yes, NodeRefused{0, "a bad record", {}}, no});
  AnswerLeft of_another = yes;
  of_another.node = 1;
  accepts<BeyondIsNamed>({NodeStarted{1, ""}, NodeRefused{0, "a bad record", {}}, of_another});
  refuses<BeyondIsNamed>({NodeStarted{0, "shard 3 had acknowledged up to 7"}});
  refuses<BeyondIsNamed>({NodeRefused{0, "a bad record", {}}, yes});
  refuses<BeyondIsNamed>({NodeRefused{0, "a bad record", {}}, NodeStarted{0, ""}});
}

TEST(Invariant, i01_whom_a_node_refused_to_serve_is_owed_nothing) {
  Kept named, unnamed;
  const History history{sent(1, "hola"), seen(0, 1, "hola")};
  EXPECT_GT(found(unnamed, history), 0U);
  History with = history;
  with.push_back(NodeRefused{0, "a bad record", {1}});
  EXPECT_EQ(found(named, with), 0U);
}

TEST(Invariant, i28_an_output_that_cannot_be_carried_out_is_told) {
  Contract judge;
  EXPECT_EQ(found(judge, {}), 0U);
  EXPECT_EQ(found(judge, {ContractBroken{0, "a gap in its log"}}), 1U);
}

TEST(Judge, a_run_in_which_nothing_happened_has_shown_nothing) {
  Judge judge(30 * second);
  judge.see(0, Healed{});
  judge.see(0, Settled{});
  EXPECT_EQ(judge.finish(second, false).text(), "vacuous");
}

TEST(Judge, the_first_violation_names_the_verdict) {
  Judge judge(30 * second);
  for (const Fact& fact : cast()) judge.see(0, fact);
  judge.see(1, seen(1, 1, "never sent"));
  judge.see(2, seen(1, 3, "never sent either"));
  EXPECT_EQ(judge.finish(second, false).text(), "violated I3");
}

}  // namespace
}  // namespace chasqui::sim
