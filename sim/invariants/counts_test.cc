// I17 on histories made by hand, with the logs that they have to fit: what is unread, and for whom.
#include <gtest/gtest.h>

#include "proto/state.pb.h"
#include "sim/judge.h"

namespace chasqui::sim {
namespace {

const UserId ana(10), beto(20), eva(30);
const ConversationId talk = ConversationId::direct(ana, beto), club = ConversationId::group(ana, 1);
const DeviceId phone(1);
using Log = std::vector<LoggedCommand>;

LoggedSend send(std::uint64_t number, UserId sender = ana, const ConversationId& conversation = talk) {
  LoggedSend sent;
  sent.conversation = conversation;
  sent.sender = sender;
  sent.device = phone;
  sent.number = OutboxSeq(number);
  sent.digest = "digest";
  return sent;
}
LoggedSend naming(LoggedSend sent, std::vector<UserId> users) {
  sent.mentions = std::move(users);
  return sent;
}
LoggedSend about(LoggedSend sent, client::About::Kind kind, std::uint64_t seq) {
  sent.about_kind = kind;
  sent.about = Seq(seq);
  return sent;
}
LoggedSend changing(LoggedSend sent, client::GroupChange change) {
  sent.change = std::move(change);
  return sent;
}
LoggedNotice says(UserId user, std::uint32_t stance, std::uint64_t version) {
  LoggedNotice notice;
  notice.user = user;
  notice.conversation = talk;
  notice.stance = LoggedStance{stance, version};
  return notice;
}
LoggedMark read(UserId user, std::uint64_t seq, const ConversationId& conversation = talk) {
  return {conversation, user, Seq(seq), Seq(seq)};
}

// Whether I17 lets a device of `user` count so after that log: once all has settled, or on the way.
bool may_count(const Log& log, UserId user, std::uint64_t unread, std::uint64_t mentions = 0,
               const ConversationId& conversation = talk, bool at_end = true) {
  Judge judge(second, {17});
  std::uint64_t index = 0;
  for (const LoggedCommand& command : log) {
    ++index;
    judge.see(0, EntryCommitted{0, {{0, ShardId(1)}, RaftIndex(index), {1}, {command}}, 1});
  }
  judge.see(millisecond, CountsHeard{0, 0, user, conversation, unread, mentions, at_end});
  return judge.finish(second, Ending::Over).violations.empty();
}
bool may_count_on_the_way(const Log& log, UserId user, std::uint64_t unread, std::uint64_t mentions = 0,
                          const ConversationId& conversation = talk) {
  return may_count(log, user, unread, mentions, conversation, false);
}

TEST(Counts, what_another_said_above_the_read_mark_is_unread) {
  const Log log{send(1), send(2), send(1, beto), send(3), read(beto, 1)};
  EXPECT_TRUE(may_count(log, beto, 2));
  EXPECT_FALSE(may_count(log, beto, 1));
  EXPECT_FALSE(may_count(log, beto, 3));
  EXPECT_TRUE(may_count(log, ana, 1));
  EXPECT_FALSE(may_count(log, ana, 0)) << "to write is not to read";
}
TEST(Counts, on_the_way_they_are_at_most_all_there_is) {
  const Log log{send(1), send(2)};
  EXPECT_TRUE(may_count_on_the_way(log, beto, 0));
  EXPECT_TRUE(may_count_on_the_way(log, beto, 2, 2));
  EXPECT_FALSE(may_count_on_the_way(log, beto, 3));
  EXPECT_FALSE(may_count_on_the_way(log, beto, 0, 3));
  EXPECT_FALSE(may_count_on_the_way(log, beto, ~std::uint64_t{0})) << "below 0";
}
TEST(Counts, what_is_about_a_message_is_none_but_an_answer_is) {
  const Log log{send(1), about(send(2), client::About::EDIT, 1), about(send(3), client::About::REPLY, 1)};
  EXPECT_TRUE(may_count(log, beto, 2));
  EXPECT_FALSE(may_count(log, beto, 3));
}
TEST(Counts, mentions_are_those_of_others_that_are_unread) {
  const Log log{naming(send(1), {beto}), naming(send(2), {ana, beto}), naming(send(3), {eva}), read(beto, 1)};
  EXPECT_TRUE(may_count(log, beto, 2, 1));
  EXPECT_FALSE(may_count(log, beto, 2, 0));
  EXPECT_FALSE(may_count(log, beto, 2, 2));
  EXPECT_TRUE(may_count(log, ana, 0, 0)) << "she has named herself";
}
TEST(Counts, who_wrote_more_than_64_times_since_has_seen_it) {
  Log log{send(1)};
  for (std::uint64_t number = 1; number <= 64; ++number) log.emplace_back(send(number, beto));
  EXPECT_TRUE(may_count(log, beto, 1));
  log.emplace_back(send(65, beto));
  EXPECT_TRUE(may_count(log, beto, 0));
  EXPECT_FALSE(may_count(log, beto, 1));
}
TEST(Counts, reading_counts_be_it_told_to_others_or_not) {
  LoggedMark mark = read(beto, 2);
  mark.read_is_private = true;
  const Log log{send(1), send(2), send(3), mark};
  EXPECT_TRUE(may_count(log, beto, 1));
  EXPECT_FALSE(may_count(log, beto, 3));
}

// Seqs 1, 2 withheld, 3 withheld, 4.
const Log with_a_block{send(1),
                       says(beto, state::BLOCKED, 5),
                       naming(send(2), {beto}),
                       about(send(3), client::About::REPLY, 1),
                       says(beto, state::NOTHING_SAID, 9),
                       naming(send(4), {beto})};

TEST(CountsAndGates, what_is_withheld_is_never_unread_nor_a_mention) {
  EXPECT_TRUE(may_count(with_a_block, beto, 2, 1));
  EXPECT_FALSE(may_count(with_a_block, beto, 4, 2)) << "nor after unblocking";
  EXPECT_FALSE(may_count(with_a_block, beto, 2, 2));
  EXPECT_FALSE(may_count(with_a_block, beto, 0, 0)) << "what came before and after is";
}
TEST(CountsAndGates, nor_once_it_is_read_past) {
  Log log = with_a_block;
  log.emplace_back(read(beto, 1));
  EXPECT_TRUE(may_count(log, beto, 1, 1));
  log.emplace_back(read(beto, 4));
  EXPECT_TRUE(may_count(log, beto, 0, 0));
  log.emplace_back(send(5));
  EXPECT_TRUE(may_count(log, beto, 1, 0));
  EXPECT_FALSE(may_count(log, beto, 3, 0));
}
TEST(CountsAndGates, a_block_changes_nothing_for_the_other_nor_of_what_has_come) {
  Log log = with_a_block;
  log.emplace_back(send(1, beto));
  EXPECT_TRUE(may_count(log, ana, 1));
  log.emplace_back(says(beto, state::BLOCKED, 12));
  EXPECT_TRUE(may_count(log, ana, 1)) << "she cannot tell";
  EXPECT_TRUE(may_count(log, beto, 2, 1)) << "what has come has come";
}
TEST(CountsAndGates, a_request_is_unread_as_anything_else) {
  Log log{send(1), naming(send(2), {beto})};
  EXPECT_TRUE(may_count(log, beto, 2, 1));
  EXPECT_FALSE(may_count(log, beto, 0, 0));
  log.emplace_back(says(beto, state::ACCEPTED, 5));
  EXPECT_TRUE(may_count(log, beto, 2, 1));
}
TEST(CountsAndGates, who_was_blocked_before_a_word_counts_as_nothing) {
  const Log log{says(beto, state::BLOCKED, 5), send(1)};
  EXPECT_TRUE(may_count(log, beto, 0));
  EXPECT_FALSE(may_count(log, beto, 1));
  EXPECT_TRUE(may_count({says(beto, state::BLOCKED, 5)}, beto, 0)) << "there is no event yet";
}

TEST(CountsOfGroups, who_is_invited_counts_nothing_before_they_join) {
  client::GroupChange create;
  create.mutable_create()->add_members(beto.value());
  create.mutable_create()->add_members(eva.value());
  LoggedSend first = changing(send(1, ana, club), create);
  first.not_added = {beto};
  Log log{first, naming(send(2, ana, club), {beto, eva})};
  EXPECT_TRUE(may_count(log, eva, 1, 1, club));
  EXPECT_TRUE(may_count(log, beto, 0, 0, club));
  EXPECT_FALSE(may_count(log, beto, 1, 0, club));
  EXPECT_TRUE(may_count_on_the_way(log, beto, 0, 0, club));
  EXPECT_FALSE(may_count_on_the_way(log, beto, 1, 0, club)) << "not even how much there is";

  client::GroupChange join;
  join.mutable_join();
  log.emplace_back(changing(send(1, beto, club), join));
  EXPECT_TRUE(may_count(log, beto, 0, 0, club)) << "what was before their time";
  log.emplace_back(naming(send(3, ana, club), {beto}));
  EXPECT_TRUE(may_count(log, beto, 1, 1, club));
  EXPECT_FALSE(may_count(log, beto, 2, 2, club));
  EXPECT_TRUE(may_count(log, eva, 2, 1, club));
}
TEST(CountsOfGroups, what_came_while_somebody_was_away_is_not_unread) {
  client::GroupChange create;
  create.mutable_create()->add_members(beto.value());
  client::GroupChange remove;
  remove.mutable_remove()->set_user(beto.value());
  client::GroupChange add;
  add.mutable_add()->add_users(beto.value());
  Log log{changing(send(1, ana, club), create), send(2, ana, club), changing(send(3, ana, club), remove),
          send(4, ana, club)};
  EXPECT_TRUE(may_count(log, beto, 1, 0, club));
  EXPECT_FALSE(may_count(log, beto, 2, 0, club));
  log.emplace_back(changing(send(5, ana, club), add));
  log.emplace_back(send(6, ana, club));
  EXPECT_TRUE(may_count(log, beto, 2, 0, club)) << "what was unread still is";
  EXPECT_FALSE(may_count(log, beto, 3, 0, club));
}

}  // namespace
}  // namespace chasqui::sim
