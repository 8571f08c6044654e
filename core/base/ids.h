// Every number and name that identifies something, each with a type of its own, so that a mix-up does not compile.
//
// UserId: 63 bits. From the top: kind bit (0), 10 bits of home (the cell whose shards hold it; one home, 0, today), 53
// random bits. ConversationId: 16 bytes. Kind bit 0: a direct conversation, the ordered pair of its two user ids. Kind
// bit 1: a group, the rest of whose first 11 bits is its home as well; then 53 random bits, and the first 8 bytes of
// BLAKE2b-256("group", those 8 bytes, the creator's id).
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace chasqui {

template <class Tag>
class Number {
 public:
  constexpr Number() = default;  // 0: none, nothing yet
  constexpr explicit Number(std::uint64_t value) : value_(value) {}
  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
  [[nodiscard]] constexpr Number next() const { return Number(value_ + 1); }
  [[nodiscard]] constexpr explicit operator bool() const { return value_ != 0; }
  friend constexpr auto operator<=>(Number, Number) = default;
  template <class H>
  friend H AbslHashValue(H h, Number n) {
    return H::combine(std::move(h), n.value_);
  }

 private:
  std::uint64_t value_ = 0;
};

using UserId = Number<struct UserIdTag>;
using DeviceId = Number<struct DeviceIdTag>;    // counted per user, from 1; 32 bits
using Seq = Number<struct SeqTag>;              // place of an event in its conversation, from 1
using OutboxSeq = Number<struct OutboxSeqTag>;  // a device's own count of what it sent there, from 1
using Version = Number<struct VersionTag>;      // of a user's index; a Raft index of the user's shard
using HistoryEpoch = Number<struct HistoryEpochTag>;
using ShardId = Number<struct ShardIdTag>;  // 0..S-1; 16 bits
using NodeId = Number<struct NodeIdTag>;
using ReplicaId = Number<struct ReplicaIdTag>;  // > 0, never used again
using RaftIndex = Number<struct RaftIndexTag>;
using RaftTerm = Number<struct RaftTermTag>;
using SessionId = Number<struct SessionIdTag>;  // given by the runtime, never used again by a running node
using CallId = Number<struct CallIdTag>;        // one HTTP request; likewise
using ReadId = Number<struct ReadIdTag>;
using AppendId = Number<struct AppendIdTag>;  // counts a node's LogAppends
using StreamId = Number<struct StreamIdTag>;  // a shard's state on its way out or in; counted by a running node

// Which of the S shards; S is fixed when the cluster is created.
struct ShardCount {
  std::uint32_t value = 64;
};

// A client's network address: 16 bytes of IPv6, or of IPv4 mapped into it.
using Address = std::array<std::uint8_t, 16>;

class ConversationId {
 public:
  constexpr ConversationId() = default;
  // The conversation of two people, the same whichever comes first; of one person with oneself if both are equal.
  static ConversationId direct(UserId a, UserId b);
  // A group's: 53 bits drawn by its creator's device, and 64 that prove who may create it. So nobody can create, or
  // find out by trying to, a group whose id somebody else has made.
  static ConversationId group(UserId creator, std::uint64_t drawn);
  [[nodiscard]] bool is_group_of(UserId creator) const;
  // From exactly 16 bytes of the wire. A direct one must be an ordered pair of valid user ids. nullopt: it is none.
  static std::optional<ConversationId> parse(std::string_view bytes);
  static std::optional<ConversationId> from_hex(std::string_view hex);  // 32 lower-case digits

  [[nodiscard]] bool is_group() const { return (bytes_[0] & 0x80) != 0; }
  // Of a direct conversation; equal if with oneself.
  [[nodiscard]] UserId lower() const { return UserId(half(0)); }
  [[nodiscard]] UserId higher() const { return UserId(half(8)); }
  [[nodiscard]] bool has_direct_member(UserId user) const {
    return !is_group() && (user == lower() || user == higher());
  }
  // Of a group that is known where its rows are.
  [[nodiscard]] bool may_have_member(UserId user) const { return is_group() || has_direct_member(user); }
  [[nodiscard]] std::string_view bytes() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }
  [[nodiscard]] std::string str() const { return std::string(bytes()); }
  [[nodiscard]] std::string hex() const;
  // As the bytes are ordered; by two numbers, since every ordered map asks for it all the time.
  friend bool operator==(const ConversationId& a, const ConversationId& b) {
    return a.half(0) == b.half(0) && a.half(8) == b.half(8);
  }
  friend std::strong_ordering operator<=>(const ConversationId& a, const ConversationId& b) {
    const std::strong_ordering high = a.half(0) <=> b.half(0);
    return high != 0 ? high : a.half(8) <=> b.half(8);
  }
  template <class H>
  friend H AbslHashValue(H h, const ConversationId& c) {
    return H::combine(std::move(h), c.bytes_);
  }

 private:
  // Eight bytes from there, big-endian. As one load: GCC 12 makes eight of shifts and ors of bytes.
  [[nodiscard]] std::uint64_t half(std::size_t from) const {
    static_assert(std::endian::native == std::endian::little);
    std::uint64_t reversed = 0;
    std::memcpy(&reversed, bytes_.data() + from, sizeof(reversed));
    return __builtin_bswap64(reversed);
  }

  std::array<std::uint8_t, 16> bytes_{};
};

constexpr std::uint64_t user_id_max = (std::uint64_t{1} << 63) - 1;
[[nodiscard]] constexpr bool is_valid(UserId user) {
  return user.value() != 0 && user.value() <= user_id_max;
}

// Where a thing lives: XXH3-64 (seed 0) of its big-endian bytes with kind and home bits zero, modulo S.
[[nodiscard]] ShardId shard_of(UserId user, ShardCount count);
[[nodiscard]] ShardId shard_of(const ConversationId& conversation, ShardCount count);
[[nodiscard]] ShardId shard_of_handle(std::string_view folded_handle, ShardCount count);

}  // namespace chasqui
