#include "core/base/ids.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>

namespace chasqui {
namespace {

UserId any_user() {
  return UserId(*rc::gen::inRange<std::uint64_t>(1, user_id_max));
}

RC_GTEST_PROP(ConversationLaw, both_sides_name_it_alike, ()) {
  const UserId a = any_user();
  const UserId b = any_user();
  const ConversationId conversation = ConversationId::direct(a, b);
  RC_ASSERT(conversation == ConversationId::direct(b, a));
  RC_ASSERT(conversation.lower() == std::min(a, b));
  RC_ASSERT(conversation.higher() == std::max(a, b));
  RC_ASSERT(!conversation.is_group());
  RC_ASSERT(conversation.has_direct_member(a) && conversation.has_direct_member(b));
}

RC_GTEST_PROP(ConversationLaw, bytes_and_hex_come_back, ()) {
  const ConversationId conversation = ConversationId::direct(any_user(), any_user());
  RC_ASSERT(ConversationId::parse(conversation.bytes()) == conversation);
  RC_ASSERT(ConversationId::from_hex(conversation.hex()) == conversation);
}

RC_GTEST_PROP(ConversationLaw, any_bytes_are_read_or_refused, (std::string bytes)) {
  bytes.resize(*rc::gen::inRange<std::size_t>(15, 18), '\1');
  const auto parsed = ConversationId::parse(bytes);
  if (parsed) RC_ASSERT(parsed->bytes() == bytes);
  if (bytes.size() != 16) RC_ASSERT(!parsed);
}

TEST(Conversation, with_oneself_has_one_member) {
  const UserId ana(7);
  const ConversationId conversation = ConversationId::direct(ana, ana);
  EXPECT_EQ(conversation.lower(), conversation.higher());
  EXPECT_TRUE(conversation.has_direct_member(ana));
  EXPECT_FALSE(conversation.has_direct_member(UserId(8)));
}

TEST(Conversation, a_pair_out_of_order_or_with_nobody_is_refused) {
  const std::string low(7, '\0');
  EXPECT_TRUE(ConversationId::parse(low + "\1" + low + "\2"));
  EXPECT_FALSE(ConversationId::parse(low + "\2" + low + "\1"));
  EXPECT_FALSE(ConversationId::parse(std::string(8, '\0') + low + "\1"));
  EXPECT_FALSE(ConversationId::parse(low + "\1" + "\x80" + low));
  EXPECT_FALSE(ConversationId::from_hex("00"));
  EXPECT_FALSE(ConversationId::from_hex(std::string(32, 'G')));
}

TEST(Conversation, a_group_has_no_direct_members) {
  const auto group = ConversationId::parse("\x80" + std::string(15, '\7'));
  ASSERT_TRUE(group);
  EXPECT_TRUE(group->is_group());
  EXPECT_FALSE(group->has_direct_member(group->lower()));
  EXPECT_FALSE(group->has_direct_member(group->higher()));
}

TEST(User, an_id_is_1_to_63_bits) {
  EXPECT_FALSE(is_valid(UserId(0)));
  EXPECT_TRUE(is_valid(UserId(1)));
  EXPECT_TRUE(is_valid(UserId(user_id_max)));
  EXPECT_FALSE(is_valid(UserId(user_id_max + 1)));
}

RC_GTEST_PROP(ShardLaw, the_home_does_not_move_a_hash_and_every_shard_is_below_the_count, ()) {
  const UserId user = any_user();
  const ShardCount count{*rc::gen::inRange<std::uint32_t>(1, 65'536)};
  const UserId at_home_0(user.value() & ((std::uint64_t{1} << 53) - 1));
  RC_ASSERT(shard_of(user, count) == shard_of(at_home_0, count));
  RC_ASSERT(shard_of(user, count).value() < count.value);
  RC_ASSERT(shard_of(ConversationId::direct(user, any_user()), count).value() < count.value);
}

// Where things live is on disk: another hash would lose them all.
TEST(Shard, where_things_live_never_changes) {
  const ShardCount count{64};
  const UserId ana(0x0000616e61000000);
  const UserId beto(0x0000626574000000);
  EXPECT_EQ(shard_of(ana, count), ShardId(0x35));
  EXPECT_EQ(shard_of(ConversationId::direct(ana, beto), count), ShardId(0x30));
  EXPECT_EQ(shard_of_handle("ana", count), ShardId(0x3a));
}

TEST(Shard, people_spread_over_all_shards) {
  std::map<ShardId, int> people;
  for (std::uint64_t user = 1; user <= 6'400; ++user) ++people[shard_of(UserId(user), ShardCount{64})];
  EXPECT_EQ(people.size(), 64U);
  for (const auto& [shard, count] : people) EXPECT_LT(count, 200) << shard.value();
}

}  // namespace
}  // namespace chasqui
