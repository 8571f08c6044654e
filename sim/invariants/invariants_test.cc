// Each judge gets a hand-made history that it must accept, and one for each way of lying that it must refuse.
//
// Over 400 lines because all judges share the cast and the shapes of their histories.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
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
#include "sim/invariants/i18_devices_converge.h"
#include "sim/invariants/i19_revoked.h"
#include "sim/invariants/i20_deleted_is_gone.h"
#include "sim/invariants/i23_settles.h"
#include "sim/invariants/i24_answers.h"
#include "sim/invariants/i25_bounded_traffic.h"
#include "sim/invariants/i26_bounded_memory.h"
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
  return {device, talk, Seq(seq), {}, sender, phone, std::move(text), true, false};
}
EventSeen erased(std::uint32_t device, std::uint64_t seq, UserId sender = ana) {
  EventSeen event = seen(device, seq, "", sender);
  event.erased = true;
  return event;
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

const UserId mal(66);
HostileJoined mal_joins() {
  return {mal, phone};
}
EventSeen from_mal(std::string text, DeviceId id = phone, UserId reader = ana) {
  return {0, ConversationId::direct(mal, reader), Seq(1), {}, mal, id, std::move(text), true};
}

TEST(Invariant, i3_what_a_hostile_user_wrote_is_legal) {
  accepts<NothingInvented>({mal_joins(), HostileSent{mal, ConversationId::direct(mal, ana), "boo"}, from_mal("boo")});
}
TEST(Invariant, i3_a_hostile_user_cannot_make_others_see_what_it_never_sent) {
  const HostileSent wrote{mal, ConversationId::direct(mal, ana), "boo"};
  refuses<NothingInvented>({mal_joins(), wrote, from_mal("other")});
  refuses<NothingInvented>({mal_joins(), wrote, from_mal("boo", DeviceId(9))});
  refuses<NothingInvented>({mal_joins(), HostileSent{mal, ConversationId::direct(mal, beto), "boo"}, from_mal("boo")});
  refuses<NothingInvented>(
      {mal_joins(), HostileSent{mal, ConversationId::direct(mal, beto), "boo"}, from_mal("boo", phone, beto)});
  refuses<NothingInvented>({mal_joins(), HostileSent{mal, talk, "boo"}, seen(1, 1, "boo")});
}
TEST(Invariant, i13_marks_of_hostile_users_are_lies_but_end_at_the_head) {
  const ConversationId there = ConversationId::direct(mal, ana);
  const auto told = [&](std::uint64_t delivered) { return MarksLeft{0, SessionId(1), there, mal, Seq(delivered), {}}; };
  const HostileSent wrote{mal, there, "boo"};
  accepts<ReceiptsTrue>({mal_joins(), wrote, told(1), MarksHeard{0, there, mal, Seq(1), Seq()}});
  refuses<ReceiptsTrue>({mal_joins(), wrote, told(2)});
}

std::size_t memory_violations(const History& history) {
  BoundedMemory judge({}, 4);
  const std::size_t count = found(judge, history);
  EXPECT_GT(judge.checks(), 0U);
  return count;
}
NodeMeasured measured(std::uint64_t NodeSizes::* size, std::uint64_t value) {
  NodeMeasured fact;
  fact.sizes.*size = value;
  return fact;
}

TEST(Invariant, i26_what_is_within_its_limit_is_accepted) {
  const Limits limits;
  EXPECT_EQ(memory_violations({NodeMeasured{}, measured(&NodeSizes::calls, limits.calls_max),
                               measured(&NodeSizes::session_missed_most, 1'024)}),
            0U);
  const BoundedMemory judge(limits, 4);
  const std::uint64_t three = limits.push_budget_bytes_max + 3 * judge.answer_bytes_max();
  EXPECT_EQ(memory_violations({SessionQueued{0, SessionId(1), three, 2}}), 0U);
}
TEST(Invariant, i26_every_size_has_its_limit) {
  const std::uint64_t much = std::uint64_t{1} << 40;
#define CHASQUI_NODE_SIZE(name, meaning)                                           \
  if (std::string(#name) != "sessions") {                                          \
    EXPECT_EQ(memory_violations({measured(&NodeSizes::name, much)}), 1U) << #name; \
  }
  CHASQUI_NODE_SIZES(CHASQUI_NODE_SIZE)
#undef CHASQUI_NODE_SIZE
  EXPECT_EQ(memory_violations({NodeMeasured{0, {}, much}}), 1U);
}
TEST(Invariant, i26_a_queue_over_its_budget_may_hold_what_was_owed_and_no_more) {
  const Limits limits;
  const BoundedMemory judge(limits, 4);
  const std::uint64_t five = limits.push_budget_bytes_max + 5 * judge.answer_bytes_max();
  EXPECT_EQ(memory_violations({SessionQueued{0, SessionId(1), five, 2}}), 1U);
}

History attempts(std::size_t count, bool fresh) {
  History history;
  for (std::size_t i = 0; i < count; ++i) history.push_back(ConnectTried{0, fresh});
  return history;
}

TEST(Invariant, i25_who_backs_off_or_gets_through_may_connect_often) {
  accepts<BoundedTraffic>([] {
    History history = attempts(100, true);
    history.push_back(TrafficCounted{2, 60 * second, 4'000, 4'000});
    return history;
  }());
  BoundedTraffic judge;
  EXPECT_EQ(found(judge, attempts(40, false), 100 * millisecond), 0U);
}
TEST(Invariant, i25_who_hammers_is_noticed) {
  BoundedTraffic judge;
  EXPECT_GT(found(judge, attempts(16, false), 20 * millisecond), 0U);
}
TEST(Invariant, i25_frames_follow_from_what_happens) {
  accepts<BoundedTraffic>({TrafficCounted{2, second, 100, 100}});
  refuses<BoundedTraffic>({TrafficCounted{2, second, 121, 0}});
  refuses<BoundedTraffic>({TrafficCounted{2, second, 0, 121}});
  accepts<BoundedTraffic>({sent(1, "a"), TrafficCounted{2, second, 121, 0}});
  // Once more after the next count: not for ever.
  accepts<BoundedTraffic>({sent(1, "a"), TrafficCounted{2, second, 0, 0}, TrafficCounted{2, second, 121, 0}});
  refuses<BoundedTraffic>({sent(1, "a"), TrafficCounted{2, second, 0, 0}, TrafficCounted{2, second, 0, 0},
                           TrafficCounted{2, second, 121, 0}});
}
TEST(Invariant, i25_idle_means_pings_and_nothing_else) {
  accepts<BoundedTraffic>({IdleFrame{0, SessionId(1), true, "ping"}});
  refuses<BoundedTraffic>({IdleFrame{0, SessionId(1), false, "sync"}});
  const auto pings = [](Time apart, std::uint64_t sessions) {
    BoundedTraffic judge;
    for (std::uint64_t i = 0; i < 8; ++i) {
      judge.see(static_cast<Time>(i) * apart, IdleFrame{0, SessionId(1 + i % sessions), true, "ping"});
      judge.see(static_cast<Time>(i) * apart + 50 * millisecond,
                IdleFrame{0, SessionId(1 + i % sessions), true, "pong"});
    }
    return judge.violations().size();
  };
  EXPECT_EQ(pings(28 * second, 1), 0U);
  EXPECT_EQ(pings(5 * second, 8), 0U) << "each of another session";
  EXPECT_GT(pings(5 * second, 1), 0U);
  EXPECT_GT(pings(100 * millisecond, 2), 0U);
}
TEST(Invariant, i25_who_is_told_to_send_later_does_not_send_at_once) {
  const auto refused = [](std::uint64_t number, client::Code code = client::UNAVAILABLE) {
    return AnswerLeft{0, {talk, ana, phone, OutboxSeq(number)}, code, {}, {}};
  };
  const auto violations = [](const History& history, Time step) {
    BoundedTraffic judge;
    return found(judge, history, step);
  };
  const History often(16, refused(1));
  EXPECT_GT(violations(often, 20 * millisecond), 0U);
  EXPECT_EQ(violations(often, 100 * millisecond), 0U);
  History answered = often;  // a final answer, and the number is another message's
  answered[8] = refused(1, client::OK);
  EXPECT_EQ(violations(answered, 20 * millisecond), 0U);
  History window;  // one failure of a whole window
  for (std::uint64_t number = 1; number <= 64; ++number) window.push_back(refused(number));
  EXPECT_EQ(violations(window, millisecond), 0U);
  EXPECT_EQ(violations(History(64, refused(1, client::OUT_OF_RANGE)), millisecond), 0U) << "an echo";
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

TEST(Invariant, i2_a_restored_phone_sends_what_was_refused_behind_what_its_earlier_life_sent_after_it) {
  const RefusalHeard no{0, talk, OutboxSeq(1), "no"};
  const JournalReplaced restored{0, {}, {sent(1, "a"), sent(2, "b")}};
  accepts<OnceInOrder>({sent(1, "a"), sent(2, "b"), no, seen(1, 1, "b"), restored, seen(1, 2, "a")});
  refuses<OnceInOrder>({sent(1, "a"), sent(2, "b"), seen(1, 1, "b"), restored, seen(1, 2, "a")});
  refuses<OnceInOrder>({sent(1, "a"), sent(2, "b"), no, restored, seen(1, 1, "b"), seen(1, 2, "a")});
  refuses<OnceInOrder>({sent(1, "a"), seen(1, 1, "a"), restored, seen(1, 2, "a")});  // twice
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
  accepts<NothingInvented>({sent(1, "a"), erased(1, 1)});
  refuses<NothingInvented>({sent(1, "a"), erased(2, 1)});  // not for a stranger, either
}

TEST(Invariant, what_was_erased_before_it_came_is_neither_lost_nor_out_of_order) {
  accepts<Kept>({sent(1, "a"), accepted(1, 1), erased(0, 1), erased(1, 1)});
  accepts<Kept>({sent(1, "a"), accepted(1, 1), seen(0, 1, "a"), erased(1, 1)});
  accepts<OnceInOrder>({sent(1, "a"), sent(2, "b"), erased(1, 1), seen(1, 2, "b")});
  refuses<OnceInOrder>({sent(1, "a"), erased(1, 1), erased(1, 1)});
  accepts<Gapless>({erased(1, 1), erased(1, 2), seen(1, 3, "c")});
  refuses<Gapless>({erased(1, 2)});
}

TEST(Invariant, i18_each_device_hides_what_its_user_has_hidden) {
  Model model;
  LoggedEntry entry{{0, ShardId(2)}, RaftIndex(1), {1}, {}};
  entry.commands.emplace_back(LoggedNotice{ana, talk, Seq(9), Seq()});
  entry.commands.emplace_back(LoggedHide{ana, talk, 2, 3});
  ASSERT_TRUE(model.apply(entry));
  const auto violations = [&](std::vector<std::uint64_t> ranges) {
    DevicesConverge judge(model);
    judge.see(second, HiddenListed{0, 0, ana, talk, Seq(9), std::move(ranges)});
    return judge.violations().size();
  };
  EXPECT_EQ(violations({2, 3}), 0U);
  EXPECT_GT(violations({}), 0U);
  EXPECT_GT(violations({2, 4}), 0U);
}

TEST(Invariant, i20_what_was_erased_is_on_no_disk) {
  accepts<DeletedIsGone>({DiskSearched{0, 3, {}}});
  refuses<DeletedIsGone>({DiskSearched{0, 3, {{talk, Seq(1)}}}});
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
  // No answer ever came, but the device has found its message in the history under its old id (seed 16 of 3..5 nodes).
  accepts<Gapless>(
      {given(1), given(3), AcceptedHeard{1, ConversationId::direct(UserId(1), UserId(2)), OutboxSeq(2), Seq(2), {1}}});
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
  const auto told_read = [](std::uint64_t delivered, std::uint64_t read) {
    return Fact(
        MarksLeft{0, SessionId(1), ConversationId::direct(UserId(1), UserId(2)), UserId(2), Seq(delivered), Seq(read)});
  };
  accepts<MarksGrow>({told_read(4, 3), told_read(5, 0), told_read(5, 3)});  // nothing is said of what is read
  refuses<MarksGrow>({told_read(4, 3), told_read(5, 0), told_read(5, 2)});
  refuses<MarksGrow>({told_read(4, 3), told_read(3, 0)});
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

TEST(Invariant, i16_a_history_shows_what_was_accepted_before_it_was_asked) {
  const HistoryAsked asked{0, SessionId(1), 9, talk};
  accepts<RealTime>({answer(1, 1), asked, answer(2, 2), HistoryLeft{0, SessionId(1), 9, Seq(1)}});
  accepts<RealTime>({asked, answer(1, 1), HistoryLeft{0, SessionId(1), 9, Seq(1)}});
  refuses<RealTime>({answer(1, 1), answer(2, 2), asked, HistoryLeft{0, SessionId(1), 9, Seq(1)}});
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
  Answers at_device, at_device_never, at_device_lost;
  EXPECT_EQ(found(at_device, {RequestAsked{0, 7}, AnswerHeard{0, 7}}, second), 0U);
  EXPECT_GT(at_device.checks(), 0U);
  EXPECT_GT(found(at_device_never, {RequestAsked{0, 7}, RequestAsked{1, 7}}, 7 * second), 0U);
  EXPECT_EQ(found(at_device_lost, {RequestAsked{0, 7}, ConnectionLost{0}}, 7 * second), 0U);
  EXPECT_EQ(found(excused, {NodeHindered{0, 20 * second}, asked, told}, 7 * second), 0U);
}

TEST(Invariant, i19_a_device_that_is_logged_out_hears_nothing_more) {
  const DeviceRevoked out{0, ana, phone};
  Revoked in_time, late, another;
  EXPECT_EQ(found(in_time, {ToldDevice{0, ana, phone}, out, ToldDevice{0, ana, phone}}), 0U);
  EXPECT_EQ(found(late, {out, ToldDevice{0, ana, phone}}, 2 * second), 1U);
  EXPECT_EQ(found(another, {out, ToldDevice{0, ana, DeviceId(2)}, ToldDevice{0, beto, phone}}, 2 * second), 0U);
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

JournalReplaced replaced(std::uint32_t device, std::vector<MessageSent> waiting = {}, std::uint64_t shown = 0) {
  JournalReplaced fact{device, {}, std::move(waiting)};
  if (shown > 0) fact.shown = {{talk, Seq(shown)}};
  return fact;
}

TEST(ReplacedJournal, i1_what_was_lost_with_a_phone_comes_again) {
  const History before{sent(1, "a"), accepted(1, 1), seen(0, 1, "a"), seen(1, 1, "a"), replaced(1)};
  refuses<Kept>(before);
  History again = before;
  again.push_back(seen(1, 1, "a"));
  accepts<Kept>(again);
  History away = before;
  away.push_back(DeviceGone{1});
  accepts<Kept>(away);
}
TEST(ReplacedJournal, i1_an_old_number_is_that_of_what_the_journal_says) {
  const History before{sent(1, "a"), accepted(1, 1), replaced(0), sent(1, "b"), accepted(1, 2)};
  const History others{seen(1, 1, "a"), seen(1, 2, "b"), seen(0, 1, "a"), seen(0, 2, "b")};
  History once = before, twice = before, forgotten = before;
  twice.insert(twice.end(), {replaced(0, {sent(1, "a")}), accepted(1, 1)});
  forgotten.insert(forgotten.end(), {replaced(0, {sent(1, "a")}), accepted(1, 2)});  // b's place
  for (History* history : {&once, &twice, &forgotten}) history->insert(history->end(), others.begin(), others.end());
  accepts<Kept>(once);
  accepts<Kept>(twice);
  refuses<Kept>(forgotten);
  refuses<Kept>({sent(1, "a"), replaced(0), accepted(1, 1), seen(0, 1, "a"), seen(1, 1, "a")});
}
TEST(ReplacedJournal, i2_a_backup_may_send_what_is_older_than_what_a_new_life_sent) {
  const History before{sent(1, "old"), replaced(0), sent(1, "new"), seen(1, 1, "new"), replaced(0, {sent(1, "old")})};
  History later = before;
  later.push_back(seen(1, 2, "old"));
  accepts<OnceInOrder>(later);
  // What was refused has no place in the order: what forbade it may be over when a restored phone sends it again.
  const RefusalHeard no{0, talk, OutboxSeq(1), "no"};
  accepts<OnceInOrder>({sent(1, "a"), no, sent(2, "b"), seen(1, 1, "b"), replaced(0, {sent(1, "a")}), seen(1, 2, "a")});
  // But what it sends itself stands behind what waited in it.
  History wrong = before;
  wrong.insert(wrong.end(), {sent(2, "newest"), seen(1, 2, "newest"), seen(1, 3, "old")});
  refuses<OnceInOrder>(wrong);
  History twice = later;
  twice.push_back(seen(1, 3, "old"));
  refuses<OnceInOrder>(twice);
}
TEST(ReplacedJournal, i2_what_it_knows_as_shown_is_not_shown_again) {
  const History before{sent(1, "a"), sent(2, "b"), seen(1, 1, "a"), seen(1, 2, "b"), replaced(1, {}, 1)};
  History again = before;
  again.push_back(seen(1, 2, "b"));
  accepts<OnceInOrder>(again);
  again.push_back(seen(1, 1, "a"));
  refuses<OnceInOrder>(again);
}
TEST(ReplacedJournal, i3_what_waited_in_a_copy_may_be_sent_by_the_copy) {
  const DeviceJoined twin{3, ana, DeviceId(7)};
  EventSeen by_twin = seen(1, 1, "a");
  by_twin.sender_device = DeviceId(7);
  accepts<NothingInvented>({sent(1, "a"), twin, replaced(3, {{3, talk, OutboxSeq(1), "a"}}), by_twin});
  refuses<NothingInvented>({sent(1, "a"), twin, replaced(3), by_twin});
  refuses<NothingInvented>({twin, replaced(3, {{3, talk, OutboxSeq(1), "a"}}), by_twin});  // nobody wrote it
}
TEST(ReplacedJournal, i4_a_phone_that_lost_all_starts_at_its_first_event) {
  accepts<Gapless>({seen(1, 1, "a"), seen(1, 2, "b"), replaced(1), seen(1, 1, "a"), seen(1, 2, "b")});
  refuses<Gapless>({seen(1, 1, "a"), seen(1, 2, "b"), replaced(1), seen(1, 2, "b")});
  refuses<Gapless>({seen(1, 1, "a"), seen(1, 2, "b"), replaced(1, {}, 1), seen(1, 3, "c")});
}
TEST(ReplacedJournal, i4_a_message_whose_sender_is_no_more_needs_no_answer) {
  const auto given = [](std::uint64_t seq) {
    return Fact(AnswerLeft{0, {talk, ana, phone, OutboxSeq(seq)}, client::OK, Seq(seq), {}});
  };
  accepts<Gapless>({given(1), seen(1, 1, "a"), seen(1, 2, "b"), replaced(0), given(3)});
  refuses<Gapless>({given(1), seen(1, 1, "a"), seen(1, 2, "b"), given(3)});
  refuses<Gapless>({given(1), seen(1, 1, "a"), replaced(0), given(3)});                         // nobody has seen it
  refuses<Gapless>({given(1), seen(1, 1, "a"), seen(1, 2, "b", beto), replaced(0), given(3)});  // another's
}
TEST(ReplacedJournal, i5_a_number_is_another_messages_in_another_journal) {
  accepts<OneAnswer>({sent(1, "a"), accepted(1, 1), accepted(1, 1), replaced(0), sent(1, "b"), accepted(1, 2)});
  refuses<OneAnswer>({answer(1, 1), replaced(0), answer(1, 2)});  // at the node nothing is forgotten
}
TEST(ReplacedJournal, i6_a_refusal_is_that_of_what_the_journal_says) {
  const RefusalHeard no{0, talk, OutboxSeq(1), "no"};
  accepts<Refused>({sent(1, "a"), no, replaced(0), sent(1, "b"), accepted(1, 1), seen(1, 1, "b")});
  refuses<Refused>({sent(1, "a"), replaced(0, {sent(1, "a")}), no, seen(1, 1, "a")});
  accepts<Refused>({sent(1, "a"), no, replaced(0, {sent(1, "a")}), accepted(1, 1), seen(1, 1, "a")});
}
TEST(ReplacedJournal, i11_a_new_program_hears_marks_anew) {
  const MarksHeard low{0, talk, beto, Seq(1), Seq(1)}, high{0, talk, beto, Seq(2), Seq(1)};
  accepts<MarksGrow>({low, high, replaced(0), low});
  refuses<MarksGrow>({low, high, replaced(1), low});
}
TEST(ReplacedJournal, i16_what_waited_was_sent_when_it_was_written) {
  const History before{sent(1, "a"), sent(2, "z", 1), accepted(2, 9, 1), replaced(0), sent(1, "b")};
  History back = before;
  back.insert(back.end(), {replaced(0, {sent(1, "a")}), accepted(1, 1)});
  accepts<RealTime>(back);
  History early = before;
  early.push_back(accepted(1, 1));
  refuses<RealTime>(early);
}

TEST(Judge, a_run_in_which_nothing_happened_has_shown_nothing) {
  Judge judge(30 * second);
  judge.see(0, Healed{});
  judge.see(0, Settled{});
  EXPECT_EQ(judge.finish(second, Ending::Over).text(), "vacuous");
}

TEST(Judge, an_invariant_that_had_nothing_to_compare_has_shown_nothing) {
  Judge judge(30 * second);
  for (const Fact& fact : cast()) judge.see(0, fact);
  for (std::uint64_t n = 1; n <= Judge::accepted_least; ++n) {
    judge.see(1, sent(n, absl::StrCat("m", n)));
    judge.see(2, accepted(n, n));
    for (const std::uint32_t device : {0U, 1U}) judge.see(3, seen(device, n, absl::StrCat("m", n)));
  }
  const Verdict verdict = judge.finish(second, Ending::Over);
  EXPECT_EQ(verdict.outcome, Outcome::Vacuous);
  EXPECT_EQ(verdict.why, "I7 compared nothing");
}

TEST(Judge, the_first_violation_names_the_verdict) {
  Judge judge(30 * second);
  for (const Fact& fact : cast()) judge.see(0, fact);
  judge.see(1, seen(1, 1, "never sent"));
  judge.see(2, seen(1, 3, "never sent either"));
  EXPECT_EQ(judge.finish(second, Ending::Over).text(), "violated I3");
}

}  // namespace
}  // namespace chasqui::sim
