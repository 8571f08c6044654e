// I7 and I12, which ask the model: histories with logs made by hand that they must accept, and refuse.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/judge.h"

namespace chasqui::sim {
namespace {

const UserId ana(10), beto(20), eva(30);
const ConversationId talk = ConversationId::direct(ana, beto);
const DeviceId phone(1);
constexpr LoggedShard talks{0, ShardId(1)}, users{0, ShardId(2)};
constexpr std::int64_t noon_ms = 1'000'000;

using History = std::vector<Fact>;
using Seqs = std::vector<std::pair<ConversationId, Seq>>;

// What judge `number` alone finds.
std::vector<Violation> found(int number, const History& history) {
  Judge judge(second, {number});
  Time at = 0;
  for (const Fact& fact :
       History{DeviceJoined{0, ana, phone}, DeviceJoined{1, beto, phone}, DeviceJoined{2, eva, phone}}) {
    judge.see(at, fact);
  }
  for (const Fact& fact : history) judge.see(at += millisecond, fact);
  std::vector<Violation> violations = judge.finish(at, Ending::Over).violations;
  std::uint64_t checks = 0;
  for (const auto& invariant : judge.invariants()) checks += invariant->number() == number ? invariant->checks() : 0;
  EXPECT_GT(checks, 0U) << "it compared nothing";
  return violations;
}
void accepts(int number, const History& history) {
  const auto violations = found(number, history);
  EXPECT_TRUE(violations.empty()) << violations.front().what;
}
void refuses(int number, const History& history) {
  EXPECT_FALSE(found(number, history).empty());
}

EntryCommitted entry(LoggedShard shard, std::uint64_t index, std::vector<LoggedCommand> commands,
                     std::int64_t time_ms = noon_ms) {
  return {0, {shard, RaftIndex(index), {time_ms}, std::move(commands)}, noon_ms};
}
LoggedSend send(std::uint64_t number) {
  LoggedSend sent;
  sent.conversation = talk;
  sent.sender = ana;
  sent.device = phone;
  sent.number = OutboxSeq(number);
  sent.digest = "digest";
  return sent;
}
LoggedNotice told(UserId user, std::uint64_t head) {
  return {user, talk, Seq(head), Seq()};
}
AuditAnswered answer(Seqs known, bool at_end = false) {
  return {0, 1, ana, Version(3), std::move(known), at_end};
}
// One message, and both indexes know it.
const History message{entry(talks, 1, {send(1)}), entry(users, 1, {told(ana, 1), told(beto, 1)})};
History after(History history, const History& more) {
  history.insert(history.end(), more.begin(), more.end());
  return history;
}

TEST(Invariant, i7_a_cursor_moves_once_everyone_is_told) {
  accepts(7, after(message, {entry(talks, 2, {LoggedCursor{RaftIndex(1)}})}));
  refuses(7,
          {entry(talks, 1, {send(1)}), entry(users, 1, {told(ana, 1)}), entry(talks, 2, {LoggedCursor{RaftIndex(1)}})});
  refuses(7, after(message, {entry(talks, 2, {send(2)}), entry(talks, 3, {LoggedCursor{RaftIndex(2)}})}));
}

TEST(Invariant, i7_what_is_parked_is_owed_until_it_is_told) {
  const History parked{entry(talks, 1, {send(1)}), entry(users, 1, {told(ana, 1)}),
                       entry(talks, 2, {LoggedParked{beto, talk, Seq(1)}, LoggedCursor{RaftIndex(1)}})};
  const EntryCommitted unpark = entry(talks, 3, {LoggedUnparked{beto, talk, Seq(1)}});
  accepts(7, parked);
  accepts(7, after(parked, {entry(users, 2, {told(beto, 1)}), unpark}));
  refuses(7, after(parked, {unpark}));
}

TEST(Invariant, i7_an_answer_holds_what_was_committed_when_it_was_asked) {
  const AuditAsked asked{0, 1, ana};
  accepts(7, after(message, {asked, answer({{talk, Seq(1)}})}));
  accepts(7, after(message, {asked, entry(users, 2, {told(ana, 2)}), answer({{talk, Seq(1)}})}));
  refuses(7, after(message, {asked, answer({})}));
  refuses(7, after(message, {entry(users, 2, {told(ana, 2)}), asked, answer({{talk, Seq(1)}})}));
  refuses(7, after(message, {asked, answer({{talk, Seq(1)}, {ConversationId::direct(beto, eva), Seq(1)}})}));
}

TEST(Invariant, i7_once_all_has_settled_the_answer_is_the_exact_list) {
  const History more = after(message, {entry(talks, 2, {send(2)}), AuditAsked{0, 1, ana}});
  accepts(7, after(more, {answer({{talk, Seq(2)}}, true)}));
  refuses(7, after(more, {answer({{talk, Seq(1)}}, true)}));
  refuses(7, after(more, {answer({{talk, Seq(3)}}, true)}));
}

TEST(Invariant, i7_a_device_lists_what_its_user_may_see_and_nothing_else) {
  const EventSeen seen{1, talk, Seq(1), {}, ana, phone, "hola", true};
  const AcceptedHeard accepted{0, talk, OutboxSeq(1), Seq(1), {}};
  accepts(7, {accepted, seen, ListSeen{0, {{talk, Seq(1)}}}, ListSeen{1, {{talk, Seq(1)}}}, ListSeen{2, {}}});
  refuses(7, {accepted, ListSeen{0, {{talk, Seq(1)}}}, ListSeen{1, {}}});
  refuses(7, {seen, ListSeen{0, {}}});
  refuses(7, {seen, ListSeen{0, {{talk, Seq(1)}}}, ListSeen{2, {{talk, Seq(1)}}}});
  refuses(7, {seen, ListSeen{1, {{talk, Seq(2)}}}});
}

TEST(Invariant, i7_a_device_whose_node_said_that_it_lost_data_need_not_list_all) {
  const EventSeen seen{1, talk, Seq(1), {}, ana, phone, "hola", true};
  const AcceptedHeard accepted{0, talk, OutboxSeq(1), Seq(1), {}};
  const NodeRefused refused{0, "a bad record", {1}};
  const ListSeen full{0, {{talk, Seq(1)}}};
  accepts(7, {accepted, refused, full, ListSeen{1, {}}});
  accepts(7, {accepted, seen, refused, full, ListSeen{1, {{talk, Seq(1)}}}});
  refuses(7, {accepted, refused, ListSeen{0, {}}});                      // another device's node lives
  refuses(7, {accepted, seen, refused, ListSeen{1, {{talk, Seq(2)}}}});  // more than there is
  refuses(7, {accepted, NodeRefused{0, "a bad record", {1, 2}}, full, ListSeen{2, {{talk, Seq(1)}}}});
}

TEST(Invariant, i12_read_is_delivered_and_delivered_is_there) {
  const auto heard = [](std::uint64_t delivered, std::uint64_t read) {
    return MarksHeard{0, talk, beto, Seq(delivered), Seq(read)};
  };
  const auto left = [](std::uint64_t delivered, std::uint64_t read) {
    return MarksLeft{0, SessionId(1), talk, beto, Seq(delivered), Seq(read)};
  };
  accepts(12, {heard(5, 4)});  // from a file: there is no model
  refuses(12, {heard(4, 5)});
  const EntryCommitted marked = entry(talks, 2, {LoggedMark{talk, beto, Seq(1), Seq(0)}});
  accepts(12, after(message, {marked, heard(1, 1), left(1, 0)}));
  refuses(12, after(message, {left(1, 0)}));  // nobody committed it
  refuses(12, after(message, {marked, left(1, 1)}));
  refuses(12, after(message, {left(0, 1)}));
  refuses(12, after(message, {left(2, 0)}));
  refuses(12, after(message, {heard(2, 0)}));
}

TEST(Invariant, i12_an_index_knows_no_more_than_there_is) {
  accepts(12, after(message, {answer({{talk, Seq(1)}})}));
  refuses(12, after(message, {answer({{talk, Seq(2)}})}));
}

TEST(Invariant, i12_a_cursor_stays_below_its_own_entry) {
  accepts(12, {entry(talks, 1, {}), entry(talks, 2, {LoggedCursor{RaftIndex(1)}})});
  refuses(12, {entry(talks, 1, {}), entry(talks, 2, {LoggedCursor{RaftIndex(2)}})});
}

TEST(Invariant, i12_log_time_is_true_while_the_clock_is) {
  accepts(12, {entry(talks, 1, {}, noon_ms - 1'000)});
  refuses(12, {entry(talks, 1, {}, noon_ms + 61'000)});
  refuses(12, {entry(talks, 1, {}, noon_ms - 61'000)});
  accepts(12, {entry(talks, 1, {}), OperatorStep{0, "wall_jump"}, entry(talks, 2, {}, noon_ms + 61'000)});
  refuses(12, {OperatorStep{1, "wall_jump"}, entry(talks, 1, {}, noon_ms + 61'000)});  // another node's
}

// ------------------------------------------------------------------------------- others that ask the model, if there
// is one

EventSeen shown(std::uint32_t device, std::uint64_t seq, DeviceId sender = phone) {
  return {device, talk, Seq(seq), {noon_ms}, ana, sender, "hola", true};
}
const MessageSent written{0, talk, OutboxSeq(1), "hola"};

TEST(Invariant, i1_what_the_log_has_is_on_every_device_even_if_nobody_was_told) {
  accepts(1, after(message, {written, shown(0, 1), shown(1, 1)}));
  refuses(1, message);
  refuses(1, after(message, {written, shown(0, 1)}));
}
TEST(Invariant, i3_what_is_shown_is_what_the_log_has_there) {
  accepts(3, after(message, {written, shown(1, 1)}));
  refuses(3, after(message, {written, DeviceJoined{0, ana, DeviceId(2)}, shown(1, 1, DeviceId(2))}));
}
TEST(Invariant, i4_nothing_is_shown_that_the_log_does_not_have) {
  accepts(4, after(message, {shown(1, 1)}));
  refuses(4, after(message, {shown(1, 1), shown(1, 2)}));
}
TEST(Invariant, i5_answers_are_those_that_the_log_gives) {
  const auto answered = [](std::uint64_t seq, client::Code code = client::OK, std::int64_t time_ms = noon_ms) {
    return AnswerLeft{0, {talk, ana, phone, OutboxSeq(1)}, code, Seq(seq), {time_ms}};
  };
  accepts(5, after(message, {answered(1)}));
  accepts(5, after(message, {answered(1, client::OK, 0)}));
  refuses(5, after(message, {answered(2)}));
  refuses(5, after(message, {answered(1, client::OK, noon_ms + 1)}));
  refuses(5, after(message, {answered(0, client::INVALID_ARGUMENT)}));
  refuses(5, {entry(talks, 1, {}), answered(1)});
}

}  // namespace
}  // namespace chasqui::sim
