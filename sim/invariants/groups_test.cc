// I14 and I15 on histories made by hand, that they must accept, and refuse.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "sim/judge.h"

namespace chasqui::sim {
namespace {

const UserId ana(10), beto(20), eva(30);
const ConversationId club = ConversationId::group(ana, 1), nowhere = ConversationId::group(ana, 2);
const DeviceId phone(1);
using History = std::vector<Fact>;

// What judge `number` alone finds after beto was a member at seqs 1 and 2 of 3.
std::size_t found(int number, const History& history) {
  Judge judge(second, {number});
  Time at = 0;
  judge.see(at, DeviceJoined{0, ana, phone});
  judge.see(at, DeviceJoined{1, beto, phone});
  judge.see(at, DeviceJoined{2, eva, phone});
  client::GroupChange create;
  create.mutable_create()->add_members(beto.value());
  client::GroupChange remove;
  remove.mutable_remove()->set_user(beto.value());
  std::uint64_t index = 0;
  for (const std::optional<client::GroupChange>& change :
       {std::optional(create), std::optional(remove), std::optional<client::GroupChange>()}) {
    ++index;
    LoggedSend send;
    send.conversation = club;
    send.sender = ana;
    send.device = phone;
    send.number = OutboxSeq(index);
    send.digest = "digest";
    if (change) send.change = *change;
    judge.see(at, EntryCommitted{0, {{0, ShardId(1)}, RaftIndex(index), {1}, {send}}, 1});
  }
  for (const Fact& fact : history) judge.see(at += millisecond, fact);
  return judge.finish(at, Ending::Over).violations.size();
}

EventSeen seen(std::uint32_t device, std::uint64_t seq) {
  return {device, club, Seq(seq), {1}, ana, phone, "text"};
}
EventTold told(UserId user, std::uint64_t seq) {
  return {0, user, club, Seq(seq)};
}

TEST(Membership, what_a_member_sees_while_he_is_one_is_right) {
  EXPECT_EQ(found(14, {seen(0, 1), seen(0, 3), seen(1, 1), seen(1, 2), told(beto, 2), told(ana, 3)}), 0U);
}
TEST(Membership, what_came_after_he_had_gone_is_not_for_him) {
  EXPECT_GT(found(14, {seen(1, 3)}), 0U);
  EXPECT_GT(found(14, {told(beto, 3)}), 0U);
}
TEST(Membership, a_stranger_sees_nothing) {
  EXPECT_GT(found(14, {seen(2, 1)}), 0U);
  EXPECT_GT(found(14, {told(eva, 1)}), 0U);
}

// Seed 955849914: a phone that starts again shows what it has not marked as shown, the last event for it included.
TEST(Gapless, the_last_event_of_who_has_left_may_be_shown_again) {
  EXPECT_EQ(found(4, {seen(1, 1), seen(1, 2), seen(1, 2)}), 0U);
  EXPECT_EQ(found(4, {seen(0, 1), seen(0, 2), seen(0, 3), seen(0, 3)}), 0U);
}
TEST(Gapless, a_member_sees_a_group_without_a_gap) {
  EXPECT_GT(found(4, {seen(0, 1), seen(0, 3)}), 0U);
  EXPECT_GT(found(4, {seen(1, 2)}), 0U);
}

AnswerLeft answer(const ConversationId& group, UserId user, const std::string& why,
                  client::Code code = client::PERMISSION_DENIED) {
  return {0, {group, user, phone, OutboxSeq(1)}, code, {}, {}, absl::StrCat(why, " ", group.hex())};
}

TEST(Strangers, hear_the_same_whether_there_is_a_group_or_not) {
  EXPECT_EQ(found(15, {answer(club, eva, "no"), answer(nowhere, eva, "no"), answer(nowhere, beto, "no")}), 0U);
  EXPECT_EQ(found(15, {answer(nowhere, eva, "no"), answer(club, beto, "you have left")}), 0U) << "he was a member";
  EXPECT_EQ(found(15, {answer(nowhere, eva, "no"), answer(club, eva, "later", client::RESOURCE_EXHAUSTED)}), 0U);
}
// Seed 901690637: refused twice as a stranger, he is given a link, and sends that under his third number.
TEST(Strangers, who_shows_a_link_may_hear_which_number_is_his) {
  AnswerLeft gap = answer(club, eva, "number 3 leaves a gap", client::OUT_OF_RANGE);
  EXPECT_GT(found(15, {answer(nowhere, eva, "no"), gap}), 0U);
  gap.asks_in = true;
  EXPECT_EQ(found(15, {answer(nowhere, eva, "no"), gap}), 0U);
}
TEST(Strangers, hear_another_code_or_other_words) {
  EXPECT_GT(found(15, {answer(nowhere, eva, "no"), answer(club, eva, "not you")}), 0U);
  EXPECT_GT(found(15, {answer(nowhere, eva, "no"), answer(club, eva, "no", client::NOT_FOUND)}), 0U);
}

}  // namespace
}  // namespace chasqui::sim
