#include "core/base/ids.h"

#include "core/base/check.h"
#include "core/base/digest.h"

namespace chasqui {
namespace {

constexpr std::uint64_t hashed_bits = (std::uint64_t{1} << 53) - 1;  // below kind bit and home

void put_big_endian(std::uint64_t value, std::uint8_t* out) {
  for (int i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
}

// That the creator of a group has made its id.
std::uint64_t proof_of(std::uint64_t first, UserId creator) {
  std::uint8_t bytes[21] = {'g', 'r', 'o', 'u', 'p'};
  put_big_endian(first, bytes + 5);
  put_big_endian(creator.value(), bytes + 13);
  const Digest digest = blake2b_256({reinterpret_cast<const char*>(bytes), sizeof(bytes)});
  return first_8(view(digest));
}

ShardId spread(std::string_view bytes, ShardCount count) {
  CHASQUI_ASSERT(count.value > 0, "a cluster has at least one shard");
  return ShardId(xxh3_64(bytes) % count.value);
}

}  // namespace

ConversationId ConversationId::direct(UserId a, UserId b) {
  CHASQUI_ASSERT(is_valid(a) && is_valid(b), "a direct conversation is between valid user ids");
  ConversationId id;
  put_big_endian(std::min(a, b).value(), id.bytes_.data());
  put_big_endian(std::max(a, b).value(), id.bytes_.data() + 8);
  return id;
}

ConversationId ConversationId::group(UserId creator, std::uint64_t drawn) {
  CHASQUI_ASSERT(is_valid(creator), "a group has a creator");
  ConversationId id;
  const std::uint64_t first = std::uint64_t{1} << 63 | (drawn & hashed_bits);
  put_big_endian(first, id.bytes_.data());
  put_big_endian(proof_of(first, creator), id.bytes_.data() + 8);
  return id;
}

bool ConversationId::is_group_of(UserId creator) const {
  return is_group() && half(8) == proof_of(half(0), creator);
}

std::optional<ConversationId> ConversationId::parse(std::string_view bytes) {
  if (bytes.size() != 16) return std::nullopt;
  ConversationId id;
  for (std::size_t i = 0; i < 16; ++i) id.bytes_[i] = static_cast<std::uint8_t>(bytes[i]);
  if (id.is_group()) return id;
  if (!is_valid(id.lower()) || !is_valid(id.higher()) || id.lower() > id.higher()) return std::nullopt;
  return id;
}

std::optional<ConversationId> ConversationId::from_hex(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  std::string bytes;
  for (std::size_t i = 0; i < 32; i += 2) {
    const int high = digit(hex[i]);
    const int low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return parse(bytes);
}

std::string ConversationId::hex() const {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(32);
  for (const std::uint8_t byte : bytes_) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

ShardId shard_of(UserId user, ShardCount count) {
  std::uint8_t bytes[8];
  put_big_endian(user.value() & hashed_bits, bytes);
  return spread({reinterpret_cast<const char*>(bytes), 8}, count);
}

ShardId shard_of(const ConversationId& conversation, ShardCount count) {
  std::string bytes = conversation.str();
  bytes[0] = 0;
  bytes[1] = static_cast<char>(bytes[1] & 0x1f);
  return spread(bytes, count);
}

ShardId shard_of_handle(std::string_view folded_handle, ShardCount count) {
  return spread(folded_handle, count);
}

}  // namespace chasqui
