// The keys of the state's rows: a 2-byte shard, then tag and big-endian fields, so that one shard is one key range and
// the order of keys is the order of their fields (ARCHITECTURE.md section 6).
//
// parse() is the inverse: it takes every byte string and says nullopt to what no function here can have made.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/ids.h"

namespace chasqui::keys {

[[nodiscard]] std::string shard_begin(ShardId shard);  // at or below every key of the shard
[[nodiscard]] std::string shard_end(ShardId shard);    // above every key of the shard

[[nodiscard]] std::string header(ShardId shard, const ConversationId& conversation);          // C conv h
[[nodiscard]] std::string event(ShardId shard, const ConversationId& conversation, Seq seq);  // C conv e seq
[[nodiscard]] std::string group(ShardId shard, const ConversationId& conversation);           // C conv g
[[nodiscard]] std::string group_marks(ShardId shard, const ConversationId& conversation);     // C conv w
// C conv n user: of a group, what is unread for a member.
[[nodiscard]] std::string member_counts(ShardId shard, const ConversationId& conversation, UserId user);
[[nodiscard]] std::string former(ShardId shard, const ConversationId& conversation, UserId user);  // C conv l user
// C conv o user device: sending once, in a group.
[[nodiscard]] std::string sender(ShardId shard, const ConversationId& conversation, UserId user, DeviceId device);
[[nodiscard]] std::string account(ShardId shard, UserId user);                                     // U user h
[[nodiscard]] std::string device(ShardId shard, UserId user, DeviceId device);                     // U user d device
[[nodiscard]] std::string index(ShardId shard, UserId user, const ConversationId& conversation);   // U user i conv
[[nodiscard]] std::string version(ShardId shard, UserId user, Version version);                    // U user v version
[[nodiscard]] std::string hidden(ShardId shard, UserId user, const ConversationId& conversation);  // U user x conv
[[nodiscard]] std::string gate(ShardId shard, UserId user, UserId other);                          // U user b other
[[nodiscard]] std::string handle(ShardId shard, std::string_view handle);                          // H handle
[[nodiscard]] std::string feed(ShardId shard, RaftIndex index);                                    // F raft_index
// E expires_ms conv seq: a payload that is to be erased then.
[[nodiscard]] std::string expiry(ShardId shard, std::int64_t expires_ms, const ConversationId& conversation, Seq seq);
[[nodiscard]] std::string expiry_begin(ShardId shard);  // at or below every such key
[[nodiscard]] std::string expiry_end(ShardId shard);    // above all of them
// P destination user conv: what is owed to a user of a shard that is silent.
[[nodiscard]] std::string parked(ShardId shard, ShardId destination, UserId user, const ConversationId& conversation);
// At or below every such key of this destination or a later one; of the shard count: above all of them.
[[nodiscard]] std::string parked_begin(ShardId shard, std::uint64_t destination);
[[nodiscard]] std::string numbers(ShardId shard);  // R state
// Of this replica alone: neither hashed nor sent to another.
[[nodiscard]] std::string ingested(ShardId shard);  // L ingested

enum class Kind : std::uint8_t {
  Header,
  Event,
  Account,
  Device,
  Index,
  Version,
  Handle,
  Feed,
  Numbers,
  Ingested,
  Parked,
  Hidden,
  Expiry,
  Group,
  GroupMarks,
  Former,
  Sender,
  MemberCounts,
  Gate
};

struct Parsed {
  Kind kind{};
  ShardId shard;
  ConversationId conversation;  // Header, Event, Index, Parked, Hidden, Expiry, and of groups
  UserId user;                  // Account, Device, Index, Version, Parked, Hidden, Former, Sender, MemberCounts, Gate
  // Event, Expiry: seq; Device, Sender: device; Version: version; Feed: Raft index; Parked: destination; Gate: other
  std::uint64_t number = 0;
  std::int64_t expires_ms = 0;  // Expiry
  std::string handle;           // Handle
};
[[nodiscard]] std::optional<Parsed> parse(std::string_view key);
// Of a key, or of where a range begins.
[[nodiscard]] std::optional<ShardId> shard_of(std::string_view key);

}  // namespace chasqui::keys
