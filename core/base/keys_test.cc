#include "core/base/keys.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <string>
#include <tuple>

namespace chasqui::keys {
namespace {

// Small numbers, so that equal fields are common, and edges of bytes and of the range.
std::uint64_t any_number(std::uint64_t max) {
  const std::uint64_t edge = *rc::gen::element<std::uint64_t>(0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000,
                                                              0xffffffff, std::uint64_t{1} << 32, max - 1, max);
  return std::min(edge, max);
}
ShardId any_shard() {
  return ShardId(any_number(65'535));
}
UserId any_user() {
  return UserId(std::max<std::uint64_t>(1, any_number(user_id_max)));
}
ConversationId any_conversation() {
  return ConversationId::direct(any_user(), any_user());
}
std::uint64_t any_64() {
  return any_number(~std::uint64_t{0});
}

struct Made {
  std::string key;
  Kind kind{};
  ShardId shard;
  ConversationId conversation;
  UserId user;
  std::uint64_t number = 0;
  std::int64_t expires_ms = 0;
  std::string handle;
};

// One key of any kind, with the fields it was made of; the fields that a kind has not are left as they are by default.
Made any_key() {
  Made made;
  made.shard = any_shard();
  made.kind = *rc::gen::element(Kind::Header, Kind::Event, Kind::Account, Kind::Device, Kind::Index, Kind::Version,
                                Kind::Handle, Kind::Feed, Kind::Numbers, Kind::Ingested, Kind::Parked, Kind::Hidden,
                                Kind::Expiry, Kind::Group, Kind::GroupMarks, Kind::Former, Kind::Sender, Kind::Gate,
                                Kind::MemberCounts);
  switch (made.kind) {
    case Kind::Header:
      made.conversation = any_conversation();
      made.key = header(made.shard, made.conversation);
      break;
    case Kind::Event:
      made.conversation = any_conversation();
      made.number = any_64();
      made.key = event(made.shard, made.conversation, Seq(made.number));
      break;
    case Kind::Account:
      made.user = any_user();
      made.key = account(made.shard, made.user);
      break;
    case Kind::Device:
      made.user = any_user();
      made.number = any_number(0xffffffff);
      made.key = device(made.shard, made.user, DeviceId(made.number));
      break;
    case Kind::Index:
      made.user = any_user();
      made.conversation = any_conversation();
      made.key = index(made.shard, made.user, made.conversation);
      break;
    case Kind::Version:
      made.user = any_user();
      made.number = any_64();
      made.key = version(made.shard, made.user, Version(made.number));
      break;
    case Kind::Gate:
      made.user = any_user();
      made.number = any_user().value();
      made.key = gate(made.shard, made.user, UserId(made.number));
      break;
    case Kind::Handle:
      made.handle = *rc::gen::nonEmpty<std::string>();
      made.key = handle(made.shard, made.handle);
      break;
    case Kind::Feed:
      made.number = any_64();
      made.key = feed(made.shard, RaftIndex(made.number));
      break;
    case Kind::Parked:
      made.number = any_number(65'535);
      made.user = any_user();
      made.conversation = any_conversation();
      made.key = parked(made.shard, ShardId(made.number), made.user, made.conversation);
      break;
    case Kind::Hidden:
      made.user = any_user();
      made.conversation = any_conversation();
      made.key = hidden(made.shard, made.user, made.conversation);
      break;
    case Kind::Expiry:
      made.expires_ms = static_cast<std::int64_t>(any_number(std::uint64_t{1} << 50));
      if (made.expires_ms == 0) made.expires_ms = 1;
      made.conversation = any_conversation();
      made.number = any_64();
      made.key = expiry(made.shard, made.expires_ms, made.conversation, Seq(made.number));
      break;
    case Kind::Group:
      made.conversation = any_conversation();
      made.key = group(made.shard, made.conversation);
      break;
    case Kind::GroupMarks:
      made.conversation = any_conversation();
      made.key = group_marks(made.shard, made.conversation);
      break;
    case Kind::Former:
      made.conversation = any_conversation();
      made.user = any_user();
      made.key = former(made.shard, made.conversation, made.user);
      break;
    case Kind::Sender:
      made.conversation = any_conversation();
      made.user = any_user();
      made.number = any_number(0xffffffff);
      made.key = sender(made.shard, made.conversation, made.user, DeviceId(made.number));
      break;
    case Kind::MemberCounts:
      made.conversation = any_conversation();
      made.user = any_user();
      made.key = member_counts(made.shard, made.conversation, made.user);
      break;
    case Kind::Numbers: made.key = numbers(made.shard); break;
    case Kind::Ingested: made.key = ingested(made.shard); break;
  }
  return made;
}

RC_GTEST_PROP(KeysLaw, every_key_says_again_what_it_was_made_of, ()) {
  const Made made = any_key();
  const auto parsed = parse(made.key);
  RC_ASSERT(parsed.has_value());
  RC_ASSERT(parsed->kind == made.kind);
  RC_ASSERT(parsed->shard == made.shard);
  RC_ASSERT(parsed->conversation == made.conversation);
  RC_ASSERT(parsed->user == made.user);
  RC_ASSERT(parsed->number == made.number);
  RC_ASSERT(parsed->expires_ms == made.expires_ms);
  RC_ASSERT(parsed->handle == made.handle);
}

RC_GTEST_PROP(KeysLaw, a_shard_is_one_range, ()) {
  const Made made = any_key();
  RC_ASSERT(shard_begin(made.shard) <= made.key);
  RC_ASSERT(made.key < shard_end(made.shard));
  if (made.shard.value() < 65'535) RC_ASSERT(shard_end(made.shard) == shard_begin(made.shard.next()));
}

RC_GTEST_PROP(KeysLaw, keys_are_ordered_like_their_fields, ()) {
  const ShardId s = any_shard();
  const ConversationId c1 = any_conversation();
  const ConversationId c2 = any_conversation();
  const std::uint64_t n1 = any_64();
  const std::uint64_t n2 = any_64();
  const UserId u1 = any_user();
  const UserId u2 = any_user();
  RC_ASSERT((event(s, c1, Seq(n1)) < event(s, c2, Seq(n2))) == (std::tie(c1, n1) < std::tie(c2, n2)));
  RC_ASSERT((version(s, u1, Version(n1)) < version(s, u2, Version(n2))) == (std::tie(u1, n1) < std::tie(u2, n2)));
  RC_ASSERT((index(s, u1, c1) < index(s, u2, c2)) == (std::tie(u1, c1) < std::tie(u2, c2)));
  RC_ASSERT((feed(s, RaftIndex(n1)) < feed(s, RaftIndex(n2))) == (n1 < n2));
  const ShardId d1 = any_shard();
  const ShardId d2 = any_shard();
  RC_ASSERT((parked(s, d1, u1, c1) < parked(s, d2, u2, c2)) == (std::tie(d1, u1, c1) < std::tie(d2, u2, c2)));
  RC_ASSERT((hidden(s, u1, c1) < hidden(s, u2, c2)) == (std::tie(u1, c1) < std::tie(u2, c2)));
  const auto t1 = static_cast<std::int64_t>(n1 >> 2) + 1;
  const auto t2 = static_cast<std::int64_t>(n2 >> 2) + 1;
  RC_ASSERT((expiry(s, t1, c1, Seq(n2)) < expiry(s, t2, c2, Seq(n1))) == (std::tie(t1, c1, n2) < std::tie(t2, c2, n1)));
  RC_ASSERT(expiry_begin(s) <= expiry(s, t1, c1, Seq(n1)) && expiry(s, t1, c1, Seq(n1)) < expiry_end(s));
}

RC_GTEST_PROP(KeysLaw, what_is_parked_for_a_shard_is_one_range, ()) {
  const ShardId s = any_shard();
  const ShardId destination = any_shard();
  const std::string key = parked(s, destination, any_user(), any_conversation());
  RC_ASSERT(parked_begin(s, 0) <= key && key < parked_begin(s, 65'536));
  RC_ASSERT(parked_begin(s, destination.value()) <= key && key < parked_begin(s, destination.value() + 1));
  const Made other = any_key();
  if (other.kind == Kind::Parked || other.shard != s) return;
  RC_ASSERT(other.key < parked_begin(s, 0) || other.key >= parked_begin(s, 65'536));
}

RC_GTEST_PROP(KeysLaw, any_bytes_are_a_key_or_refused, (std::string bytes)) {
  Made made = any_key();
  const auto at = *rc::gen::inRange<std::size_t>(0, made.key.size());
  made.key.replace(at, 1, bytes.substr(0, 2));  // near a true key, where mistakes hide
  for (const std::string& key : {bytes, made.key}) {
    const auto parsed = parse(key);
    if (!parsed) continue;
    RC_ASSERT(shard_begin(parsed->shard) <= key);
    RC_ASSERT(key < shard_end(parsed->shard));
  }
}

// The bytes are on disk: a change here needs a new format.
TEST(Keys, the_bytes_on_disk_never_change) {
  const ShardId shard(0x0102);
  const UserId ana(5);
  const UserId beto(0x0102030405060708);
  const std::string zeros(7, '\0');
  const std::string pair = zeros + "\5\1\2\3\4\5\6\7\b";
  const ConversationId conversation = ConversationId::direct(beto, ana);
  EXPECT_EQ(header(shard, conversation), "\1\2C" + pair + "h");
  EXPECT_EQ(event(shard, conversation, Seq(9)), "\1\2C" + pair + "e" + zeros + "\t");
  EXPECT_EQ(account(shard, ana), "\1\2U" + zeros + "\5h");
  EXPECT_EQ(device(shard, ana, DeviceId(3)), "\1\2U" + zeros + "\5d" + std::string(3, '\0') + "\3");
  EXPECT_EQ(index(shard, ana, conversation), "\1\2U" + zeros + "\5i" + pair);
  EXPECT_EQ(version(shard, ana, Version(4)), "\1\2U" + zeros + "\5v" + zeros + "\4");
  EXPECT_EQ(handle(shard, "ana"), "\1\2Hana");
  EXPECT_EQ(feed(shard, RaftIndex(6)), "\1\2F" + zeros + "\6");
  EXPECT_EQ(parked(shard, ShardId(0x0304), ana, conversation), "\1\2P\3\4" + zeros + "\5" + pair);
  EXPECT_EQ(hidden(shard, ana, conversation), "\1\2U" + zeros + "\5x" + pair);
  EXPECT_EQ(expiry(shard, 7, conversation, Seq(9)), "\1\2E" + zeros + "\a" + pair + zeros + "\t");
  EXPECT_EQ(numbers(shard), "\1\2R");
}

}  // namespace
}  // namespace chasqui::keys
