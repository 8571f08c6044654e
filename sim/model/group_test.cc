// The model's own account of groups, on logs made by hand.
#include "sim/model/group.h"

#include <gtest/gtest.h>

#include "sim/model/model.h"

namespace chasqui::sim {
namespace {

const UserId ana(10), beto(20), carla(30), eva(40);
const ConversationId club = ConversationId::group(ana, 1);
const DeviceId phone(1);
constexpr LoggedShard talks{0, ShardId(1)};

client::GroupChange create(std::vector<UserId> members) {
  client::GroupChange change;
  change.mutable_create();
  for (const UserId user : members) change.mutable_create()->add_members(user.value());
  return change;
}
client::GroupChange add(UserId user) {
  client::GroupChange change;
  change.mutable_add()->add_users(user.value());
  return change;
}
client::GroupChange remove(UserId user) {
  client::GroupChange change;
  change.mutable_remove()->set_user(user.value());
  return change;
}
client::GroupChange leave() {
  client::GroupChange change;
  change.mutable_leave();
  return change;
}

class ModelOfGroups : public testing::Test {
 protected:
  // The code that the model says is the answer; OK: it is stored; UNKNOWN: it took no number.
  client::Code send(UserId user, std::optional<client::GroupChange> change = std::nullopt, Seq known = Seq(1'000)) {
    const OutboxSeq number(++numbers_[user]);
    LoggedSend send;
    send.conversation = club;
    send.sender = user;
    send.device = phone;
    send.number = number;
    send.digest = "digest";
    send.known = known;
    if (change) send.change = *std::move(change);
    EXPECT_TRUE(model.apply({talks, RaftIndex(++index_), {5}, {send}}));
    const Model::Answer* answer = model.answer(club, user, phone, number);
    if (answer == nullptr) --numbers_[user];
    return answer == nullptr ? client::UNKNOWN : answer->code;
  }
  void done_up_to(std::uint64_t row) {
    EXPECT_TRUE(model.apply({talks, RaftIndex(++index_), {5}, {LoggedCursor{RaftIndex(row)}}}));
  }
  void knows(UserId user, std::uint64_t head) {
    EXPECT_TRUE(model.apply({{0, ShardId(2)}, RaftIndex(++told_), {5}, {LoggedNotice{user, club, Seq(head), Seq()}}}));
  }
  std::vector<UserId> told(std::uint64_t seq) const { return model.audience(club, Seq(seq)); }
  Model model;

 private:
  std::map<UserId, std::uint64_t> numbers_;
  std::uint64_t index_ = 0;
  std::uint64_t told_ = 0;
};

using Users = std::vector<UserId>;

TEST_F(ModelOfGroups, what_was_said_before_its_device_knew_of_the_group_takes_no_number) {
  ASSERT_EQ(send(ana, create({beto})), client::OK);  // 1
  EXPECT_EQ(send(carla), client::UNKNOWN);
  ASSERT_EQ(send(ana, add(carla)), client::OK);  // 2
  EXPECT_EQ(send(carla, std::nullopt, Seq(1)), client::UNKNOWN);
  EXPECT_EQ(send(carla, std::nullopt, Seq(2)), client::OK);
  EXPECT_EQ(send(carla, std::nullopt, Seq(0)), client::OK) << "once one is taken the numbers tell";
}

TEST_F(ModelOfGroups, an_event_is_for_those_whose_time_holds_it) {
  EXPECT_EQ(send(ana, create({beto})), client::OK);  // 1
  EXPECT_EQ(send(ana, add(carla)), client::OK);      // 2
  EXPECT_EQ(send(ana, remove(beto)), client::OK);    // 3
  EXPECT_EQ(send(carla), client::OK);                // 4
  EXPECT_EQ(send(beto), client::PERMISSION_DENIED) << "who was one is refused, and his number is taken";
  EXPECT_EQ(send(ana, add(beto)), client::OK);  // 5
  EXPECT_EQ(told(1), (Users{ana, beto}));
  EXPECT_EQ(told(3), (Users{ana, beto, carla})) << "he sees that he goes";
  EXPECT_EQ(told(4), (Users{ana, carla}));
  EXPECT_EQ(told(5), (Users{ana, beto, carla}));
  EXPECT_EQ(model.next_for(club, beto, Seq(3)), Seq(5));
  EXPECT_EQ(model.next_for(club, carla, Seq()), Seq(2));
  EXPECT_EQ(model.last_for(club, beto), Seq(5));
}

// Seed 925525009.
TEST_F(ModelOfGroups, who_has_left_is_owed_by_the_row_he_left_with) {
  EXPECT_EQ(send(ana, create({beto})), client::OK);  // 1
  EXPECT_EQ(send(ana), client::OK);                  // 2
  EXPECT_EQ(send(ana, remove(beto)), client::OK);    // 3
  EXPECT_EQ(send(ana, add(beto)), client::OK);       // 4
  knows(ana, 4);
  done_up_to(2);
  EXPECT_TRUE(model.untold().empty());
  done_up_to(3);
  ASSERT_EQ(model.untold().size(), 1U) << "with that row all of it is due";
  EXPECT_EQ(model.untold().front().user, beto);
  EXPECT_EQ(model.untold().front().seq, Seq(3));
  done_up_to(4);
  ASSERT_EQ(model.untold().size(), 1U) << "and who stays is owed by each row";
  EXPECT_EQ(model.untold().front().seq, Seq(4));
}

TEST_F(ModelOfGroups, a_stranger_takes_no_number_whatever_he_says) {
  EXPECT_EQ(send(eva), client::UNKNOWN) << "there is none yet";
  EXPECT_EQ(send(eva, create({})), client::UNKNOWN) << "the id is another's";
  EXPECT_EQ(send(ana, create({beto})), client::OK);
  EXPECT_EQ(send(eva), client::UNKNOWN);
  EXPECT_EQ(send(eva, create({})), client::UNKNOWN);
  EXPECT_EQ(send(eva, leave()), client::UNKNOWN);
  EXPECT_TRUE(model.is_stranger(club, eva, phone));
  EXPECT_FALSE(model.is_stranger(club, beto, phone));
  EXPECT_EQ(model.head(club), Seq(1));
}

TEST_F(ModelOfGroups, the_group_passes_to_who_has_been_there_for_longest) {
  EXPECT_EQ(send(ana, create({})), client::OK);
  EXPECT_EQ(send(ana, add(carla)), client::OK);
  EXPECT_EQ(send(ana, add(beto)), client::OK);
  EXPECT_EQ(send(beto, remove(carla)), client::PERMISSION_DENIED);
  EXPECT_EQ(send(ana, leave()), client::OK);
  EXPECT_EQ(send(carla, remove(beto)), client::OK) << "she owns it now";
  EXPECT_EQ(send(carla, leave()), client::OK);
  EXPECT_EQ(send(carla), client::PERMISSION_DENIED);
  EXPECT_EQ(send(ana, create({})), client::FAILED_PRECONDITION) << "the id is used up";
}

}  // namespace
}  // namespace chasqui::sim
