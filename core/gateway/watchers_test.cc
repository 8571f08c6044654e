#include "core/gateway/watchers.h"

#include <gtest/gtest.h>

namespace chasqui::gateway {
namespace {

constexpr UserId ana{1};
constexpr UserId beto{2};

Now at(std::int64_t s) {
  return {MonoTime{} + seconds(s), WallTime{1'000'000 + s * 1'000}};
}

Watcher session(std::uint64_t number, UserId user = beto) {
  return {NodeId(1), SessionId(number), user};
}

TEST(Watchers, who_watches_is_told_of_a_change_once_a_second) {
  Watchers watchers;
  const Limits limits;
  EXPECT_EQ(watchers.next_deadline(), MonoTime::never());
  EXPECT_TRUE(watchers.add(ana, session(1), false, at(0), limits));
  bool online = true;
  const auto look = [&](std::int64_t s) { return watchers.look(at(s), [&](UserId) { return online; }).size(); };
  EXPECT_EQ(look(0), 0U);  // too early
  EXPECT_EQ(look(1), 1U);
  EXPECT_EQ(look(2), 0U);  // nothing new
  online = false;
  EXPECT_EQ(look(3), 1U);
  EXPECT_EQ(watchers.gone_ms(ana), 1'003'000);
  EXPECT_EQ(watchers.of(ana, at(3)).size(), 1U);
}

TEST(Watchers, a_watch_ends_after_a_minute_unless_it_is_said_again) {
  Watchers watchers;
  const Limits limits;
  EXPECT_TRUE(watchers.add(ana, session(1), false, at(0), limits));
  EXPECT_TRUE(watchers.add(ana, session(2), false, at(0), limits));
  EXPECT_TRUE(watchers.add(ana, session(2), false, at(30), limits));
  EXPECT_EQ(watchers.size(), 2U);
  EXPECT_EQ(watchers.of(ana, at(59)).size(), 2U);
  EXPECT_EQ(watchers.of(ana, at(60)).size(), 1U);
  (void)watchers.look(at(61), [](UserId) { return false; });
  EXPECT_EQ(watchers.size(), 1U);
  (void)watchers.look(at(91), [](UserId) { return false; });
  EXPECT_EQ(watchers.size(), 0U);
  EXPECT_EQ(watchers.next_deadline(), MonoTime::never());
}

TEST(Watchers, there_is_an_end_to_how_many_watch_one_user_and_a_shard) {
  Watchers watchers;
  Limits limits;
  limits.watchers_user_max = 2;
  limits.watchers_shard_max = 3;
  EXPECT_TRUE(watchers.add(ana, session(1), false, at(0), limits));
  EXPECT_TRUE(watchers.add(ana, session(2), false, at(0), limits));
  EXPECT_FALSE(watchers.add(ana, session(3), false, at(0), limits));
  EXPECT_TRUE(watchers.add(ana, session(2), false, at(1), limits));  // again
  EXPECT_TRUE(watchers.add(beto, session(1), false, at(0), limits));
  EXPECT_FALSE(watchers.add(beto, session(2), false, at(0), limits));
  watchers.forget(ana);
  EXPECT_TRUE(watchers.add(beto, session(2), false, at(0), limits));
  EXPECT_EQ(watchers.size(), 2U);
}

TEST(Watchers, last_seen_is_told_to_the_minute_and_to_the_hour_after_a_day) {
  constexpr std::int64_t hour_ms = 3'600'000;
  const std::int64_t seen_ms = 100 * hour_ms + 17 * 60'000 + 12'345;
  EXPECT_EQ(rounded_last_seen_ms(seen_ms, WallTime{seen_ms + hour_ms}), 100 * hour_ms + 17 * 60'000);
  EXPECT_EQ(rounded_last_seen_ms(seen_ms, WallTime{seen_ms + 25 * hour_ms}), 100 * hour_ms);
}

}  // namespace
}  // namespace chasqui::gateway
