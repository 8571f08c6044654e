// Groups at their limits, and the laws of intervals.
#include "core/shard/group.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "core/base/bounds.h"
#include "core/base/digest.h"
#include "core/base/keys.h"
#include "core/shard/apply.h"
#include "core/testing/mem_store.h"

namespace chasqui::shard {
namespace {

const UserId ana(1'000'000);
const ConversationId club = ConversationId::group(ana, 1);

// One shard, to which changes are sent by ana's only device.
struct Shard {
  testing::MemStore store;
  Machine machine{ShardId(0), ShardCount{1}, store};
  std::uint64_t number = 0;

  Applied send(const client::GroupChange& change) {
    log::Entry entry;
    log::Send& send = *entry.add_commands()->mutable_send();
    send.set_conversation(club.str());
    send.set_sender(ana.value());
    send.set_device(1);
    send.set_outbox_seq(++number);
    send.set_change(change.SerializeAsString());
    send.set_digest(std::string(view(blake2b_256(send.change()))));
    Applied applied = machine.apply(machine.applied_index().next(), RaftTerm(1), true, entry.SerializeAsString());
    WriteBatch rows;
    machine.write_out(rows, 1 << 20);
    store.write(rows);
    return applied;
  }
  // OK, or why not.
  client::Code code(const client::GroupChange& change) {
    const Applied applied = send(change);
    const auto* refused = std::get_if<Refused>(&applied.replies.at(0));
    return refused == nullptr ? client::OK : refused->code;
  }
};

client::GroupChange create(std::uint64_t others) {
  client::GroupChange change;
  change.mutable_create()->set_title("Club");
  for (std::uint64_t user = 1; user <= others; ++user) change.mutable_create()->add_members(user);
  return change;
}

client::GroupChange add(std::uint64_t user) {
  client::GroupChange change;
  change.mutable_add()->add_users(user);
  return change;
}

client::GroupChange remove(std::uint64_t user, bool ban = false) {
  client::GroupChange change;
  change.mutable_remove()->set_user(user);
  change.mutable_remove()->set_ban(ban);
  return change;
}

TEST(GroupLimits, a_group_has_1024_members_and_not_one_more) {
  Shard full;
  EXPECT_EQ(full.code(create(bounds::group_members_max)), client::FAILED_PRECONDITION);
  EXPECT_EQ(full.code(create(bounds::group_members_max - 1)), client::OK);
  EXPECT_EQ(full.code(add(5'000)), client::FAILED_PRECONDITION);
  EXPECT_EQ(full.code(remove(7)), client::OK);
  EXPECT_EQ(full.code(add(5'000)), client::OK);
  EXPECT_EQ(full.code(add(7)), client::FAILED_PRECONDITION);
}

TEST(GroupLimits, the_feed_s_row_is_as_small_for_a_thousand_as_for_two) {
  Shard shard;
  const Applied created = shard.send(create(bounds::group_members_max - 1));
  std::size_t events = 0;
  for (const Consequence& consequence : created.consequences) {
    if (const auto* event = std::get_if<EventStored>(&consequence)) {
      ASSERT_NE(event->audience, nullptr);
      EXPECT_EQ(event->audience->size(), bounds::group_members_max);
      ++events;
    } else if (const auto* owed = std::get_if<FeedOwed>(&consequence)) {
      EXPECT_EQ(owed->feed.items_size(), 1);
    }
  }
  EXPECT_EQ(events, 1U);
}

TEST(GroupLimits, as_many_are_banned_and_as_many_links_stand_as_may) {
  Shard shard;
  ASSERT_EQ(shard.code(create(0)), client::OK);
  for (std::uint64_t user = 1; user <= bounds::group_banned_max; ++user) {
    ASSERT_EQ(shard.code(remove(user, true)), client::OK) << user;
  }
  EXPECT_EQ(shard.code(remove(5'000, true)), client::FAILED_PRECONDITION);
  client::GroupChange link;
  for (std::uint64_t i = 0; i <= bounds::group_links_max; ++i) {
    link.mutable_create_link()->set_secret_hash(std::string(32, static_cast<char>('a' + i)));
    EXPECT_EQ(shard.code(link), i < bounds::group_links_max ? client::OK : client::FAILED_PRECONDITION) << i;
  }
}

TEST(GroupLimits, who_comes_and_goes_too_often_forgets_the_oldest_time) {
  Shard shard;
  ASSERT_EQ(shard.code(create(0)), client::OK);
  for (std::uint64_t i = 0; i < bounds::member_intervals_max; ++i) {
    ASSERT_EQ(shard.code(add(7)), client::OK);     // 2, 4, ...
    ASSERT_EQ(shard.code(remove(7)), client::OK);  // 3, 5, ...
  }
  const auto former = [&] {
    state::FormerMember row;
    EXPECT_TRUE(row.ParseFromString(shard.store.get(keys::former(ShardId(0), club, UserId(7))).value_or("x")));
    return row;
  };
  EXPECT_EQ(former().intervals_size(), static_cast<int>(bounds::member_intervals_max));
  EXPECT_TRUE(sees(former().intervals(), Seq(2)));
  ASSERT_EQ(shard.code(add(7)), client::OK);
  ASSERT_EQ(shard.code(remove(7)), client::OK);
  EXPECT_EQ(former().intervals_size(), static_cast<int>(bounds::member_intervals_max));
  EXPECT_FALSE(sees(former().intervals(), Seq(2))) << "away from his favour";
  EXPECT_TRUE(sees(former().intervals(), Seq(4)));
}

Intervals any_intervals() {
  Intervals intervals;
  std::uint64_t at = 0;
  const int count = *rc::gen::inRange(0, 5);
  for (int i = 0; i < count; ++i) {
    state::Interval& interval = *intervals.Add();
    interval.set_joined(at + *rc::gen::inRange<std::uint64_t>(1, 6));
    interval.set_from(*rc::gen::arbitrary<bool>() ? interval.joined() : 1);
    at = interval.joined() + *rc::gen::inRange<std::uint64_t>(0, 6);
    const bool is_open = i + 1 == count && *rc::gen::arbitrary<bool>();
    if (!is_open) interval.set_left(at);
  }
  return intervals;
}

RC_GTEST_PROP(IntervalLaw, what_is_visible_is_what_is_seen_and_its_ranges_lie_apart, ()) {
  const Intervals intervals = any_intervals();
  const Seq head(*rc::gen::inRange<std::uint64_t>(0, 40));
  const std::vector<SeqRange> ranges = visible(intervals, head);
  std::set<std::uint64_t> in_ranges;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    RC_ASSERT(ranges[i].from <= ranges[i].to);
    if (i > 0) RC_ASSERT(ranges[i - 1].to.next() < ranges[i].from);
    for (Seq seq = ranges[i].from; seq <= ranges[i].to; seq = seq.next()) in_ranges.insert(seq.value());
  }
  for (Seq seq(1); seq <= head; seq = seq.next()) {
    RC_ASSERT(sees(intervals, seq) == in_ranges.contains(seq.value()));
  }
}

RC_GTEST_PROP(MarksLaw, each_keeps_what_was_set_for_him, (std::vector<std::pair<std::uint8_t, std::uint8_t>> sets)) {
  state::GroupMarks packed;
  std::map<std::uint64_t, std::uint64_t> plain;
  for (const auto& [who, mark] : sets) {
    const UserId user(1 + who % 16);
    if (mark == 0) {
      remove_marks(packed, user);
      plain.erase(user.value());
    } else {
      set_marks(packed, user, {mark, mark / 2U, mark / 3U});
      plain[user.value()] = mark;
    }
  }
  RC_ASSERT(static_cast<std::size_t>(packed.users_size()) == plain.size());
  for (std::uint64_t user = 1; user <= 16; ++user) {
    const std::uint64_t right = plain.contains(user) ? plain[user] : 0;
    RC_ASSERT(marks_of(packed, UserId(user)).delivered == right);
  }
}

}  // namespace
}  // namespace chasqui::shard
