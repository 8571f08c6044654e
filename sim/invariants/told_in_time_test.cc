// Part of I22: histories of what shards tell each other, to be accepted and to be refused.
#include <gtest/gtest.h>

#include "sim/invariants/i22_available.h"

namespace chasqui::sim {
namespace {

// Two shards of three nodes: one of a conversation, one of its members; a third one that is broken.
class ToldInTimeTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t shards = 3;
  explicit ToldInTimeTest(bool rare_branches = false)
      : judge_({{0, 1, 2}, {{0, 1, 2}, {0, 1, 2}, {0, 1, 2}}, rare_branches}, &model_) {
    while (shard_of(member_, ShardCount(shards)) == home()) member_ = member_.next();
    for (std::uint32_t node = 0; node < 3; ++node) see(NodeStarted{node, ""});
    for (std::uint32_t number = 0; number < shards; ++number) {
      see(LeadChanged{number, ShardId(number), RaftTerm(1), true});
    }
    wait(15);
  }
  ConversationId talk() const { return ConversationId::direct(sender_, member_); }
  ShardId home() const { return shard_of(talk(), ShardCount(shards)); }

  void see(const Fact& fact) {
    const auto* committed = std::get_if<EntryCommitted>(&fact);
    EXPECT_TRUE(committed == nullptr || model_.apply(committed->entry));
    judge_.see(at_, fact);
  }
  void wait(int seconds) {
    for (int i = 0; i < 2 * seconds; ++i) {
      at_ += second / 2;
      judge_.see(at_, TrafficCounted{});
    }
  }
  void commit(ShardId to, LoggedCommand command) {
    EntryCommitted fact;
    fact.entry = {{0, to}, RaftIndex(++last_[to]), {}, {std::move(command)}};
    see(fact);
  }
  void send() {
    LoggedSend sent;
    sent.conversation = talk();
    sent.sender = sender_;
    sent.device = DeviceId(1);
    sent.number = OutboxSeq(++number_);
    sent.digest = "digest";
    commit(home(), std::move(sent));
  }
  void tell(UserId user) {
    commit(shard_of(user, ShardCount(shards)), LoggedNotice{user, talk(), Seq(number_), Seq()});
  }
  std::size_t found() const { return judge_.violations().size(); }

  UserId sender_{10};
  UserId member_{20};
  Model model_;
  Available judge_;
  Time at_ = 0;
  std::uint64_t number_ = 0;
  std::map<ShardId, std::uint64_t> last_;
};

TEST_F(ToldInTimeTest, who_is_told_soon_is_fine) {
  send();
  wait(8);
  tell(sender_);
  tell(member_);
  wait(30);
  EXPECT_EQ(found(), 0U);
}

TEST_F(ToldInTimeTest, a_member_who_is_not_told_while_all_is_well_is_noticed) {
  send();
  tell(sender_);
  wait(9);
  EXPECT_EQ(found(), 0U);
  wait(3);
  EXPECT_EQ(found(), 1U);
}

class ToldInTimeWithRareBranches : public ToldInTimeTest {
 protected:
  ToldInTimeWithRareBranches() : ToldInTimeTest(true) {}
};

TEST_F(ToldInTimeWithRareBranches, what_is_refused_several_times_comes_late_but_comes) {
  send();
  tell(sender_);
  wait(119);
  EXPECT_EQ(found(), 0U);
  wait(3);
  EXPECT_EQ(found(), 1U);
}

TEST_F(ToldInTimeTest, a_shard_that_is_silent_is_waited_for_and_what_it_had_owed_as_well) {
  const ShardId members = shard_of(member_, ShardCount(shards));
  see(ShardSilenced{members, true});
  send();
  tell(sender_);
  wait(100);
  see(ShardSilenced{members, false});
  wait(60);  // it has a backlog
  EXPECT_EQ(found(), 0U);
  send();
  tell(sender_);
  wait(12);
  EXPECT_EQ(found(), 1U);
}

TEST_F(ToldInTimeTest, leaders_that_cannot_reach_each_other_excuse_it) {
  const auto from = static_cast<std::uint32_t>(home().value());
  const auto to = static_cast<std::uint32_t>(shard_of(member_, ShardCount(shards)).value());
  see(PathChanged{from, to, false});
  send();
  tell(sender_);
  wait(60);
  EXPECT_EQ(found(), 0U);
}

}  // namespace
}  // namespace chasqui::sim
