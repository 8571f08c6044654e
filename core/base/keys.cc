#include "core/base/keys.h"

#include "core/base/check.h"

namespace chasqui::keys {
namespace {

constexpr std::size_t prefix_bytes = 2;
constexpr std::size_t conversation_bytes = 16;

template <std::size_t Bytes>
void put(std::string& key, std::uint64_t value) {
  for (std::size_t i = 0; i < Bytes; ++i) key.push_back(static_cast<char>(value >> (8 * (Bytes - 1 - i)) & 0xff));
}

std::uint64_t get(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

std::string tagged(ShardId shard, char tag) {
  CHASQUI_ASSERT(shard.value() < 65'536, "a shard's prefix is two bytes");
  std::string key;
  key.reserve(40);
  put<2>(key, shard.value());
  key.push_back(tag);
  return key;
}

std::string of_conversation(ShardId shard, const ConversationId& conversation, char part) {
  std::string key = tagged(shard, 'C');
  key.append(conversation.bytes());
  key.push_back(part);
  return key;
}

std::string of_user(ShardId shard, UserId user, char part) {
  std::string key = tagged(shard, 'U');
  put<8>(key, user.value());
  key.push_back(part);
  return key;
}

}  // namespace

std::string shard_begin(ShardId shard) {
  std::string key;
  put<2>(key, shard.value());
  return key;
}

std::string shard_end(ShardId shard) {
  std::string key;
  if (shard.value() == 65'535) return "\xff\xff\xff";  // tags are ASCII: no key of the last shard is above
  put<2>(key, shard.value() + 1);
  return key;
}

std::string header(ShardId shard, const ConversationId& conversation) {
  return of_conversation(shard, conversation, 'h');
}
std::string event(ShardId shard, const ConversationId& conversation, Seq seq) {
  std::string key = of_conversation(shard, conversation, 'e');
  put<8>(key, seq.value());
  return key;
}
std::string group(ShardId shard, const ConversationId& conversation) {
  return of_conversation(shard, conversation, 'g');
}
std::string group_marks(ShardId shard, const ConversationId& conversation) {
  return of_conversation(shard, conversation, 'w');
}
std::string former(ShardId shard, const ConversationId& conversation, UserId user) {
  std::string key = of_conversation(shard, conversation, 'l');
  put<8>(key, user.value());
  return key;
}
std::string member_counts(ShardId shard, const ConversationId& conversation, UserId user) {
  std::string key = of_conversation(shard, conversation, 'n');
  put<8>(key, user.value());
  return key;
}
std::string sender(ShardId shard, const ConversationId& conversation, UserId user, DeviceId device) {
  std::string key = of_conversation(shard, conversation, 'o');
  put<8>(key, user.value());
  put<4>(key, device.value());
  return key;
}
std::string account(ShardId shard, UserId user) {
  return of_user(shard, user, 'h');
}
std::string device(ShardId shard, UserId user, DeviceId device) {
  std::string key = of_user(shard, user, 'd');
  put<4>(key, device.value());
  return key;
}
std::string index(ShardId shard, UserId user, const ConversationId& conversation) {
  std::string key = of_user(shard, user, 'i');
  key.append(conversation.bytes());
  return key;
}
std::string version(ShardId shard, UserId user, Version version) {
  std::string key = of_user(shard, user, 'v');
  put<8>(key, version.value());
  return key;
}
std::string gate(ShardId shard, UserId user, UserId other) {
  std::string key = of_user(shard, user, 'b');
  put<8>(key, other.value());
  return key;
}
std::string handle(ShardId shard, std::string_view handle) {
  std::string key = tagged(shard, 'H');
  key.append(handle);
  return key;
}
std::string feed(ShardId shard, RaftIndex index) {
  std::string key = tagged(shard, 'F');
  put<8>(key, index.value());
  return key;
}
std::string hidden(ShardId shard, UserId user, const ConversationId& conversation) {
  std::string key = of_user(shard, user, 'x');
  key.append(conversation.bytes());
  return key;
}
std::string expiry(ShardId shard, std::int64_t expires_ms, const ConversationId& conversation, Seq seq) {
  CHASQUI_ASSERT(expires_ms > 0, "keys are ordered by time");
  std::string key = tagged(shard, 'E');
  put<8>(key, static_cast<std::uint64_t>(expires_ms));
  key.append(conversation.bytes());
  put<8>(key, seq.value());
  return key;
}
std::string expiry_begin(ShardId shard) {
  return tagged(shard, 'E');
}
std::string expiry_end(ShardId shard) {
  return tagged(shard, 'E' + 1);
}
std::string parked_begin(ShardId shard, std::uint64_t destination) {
  CHASQUI_ASSERT(destination <= 65'536, "a destination is a shard, or the one behind the last");
  if (destination == 65'536) return tagged(shard, 'P' + 1);
  std::string key = tagged(shard, 'P');
  put<2>(key, destination);
  return key;
}
std::string parked(ShardId shard, ShardId destination, UserId user, const ConversationId& conversation) {
  std::string key = parked_begin(shard, destination.value());
  put<8>(key, user.value());
  key.append(conversation.bytes());
  return key;
}
std::string numbers(ShardId shard) {
  return tagged(shard, 'R');
}
std::string ingested(ShardId shard) {
  std::string key = tagged(shard, 'L');
  key.push_back('i');
  return key;
}

std::optional<ShardId> shard_of(std::string_view key) {
  if (key.size() < prefix_bytes) return std::nullopt;
  return ShardId(get(key.substr(0, prefix_bytes)));
}

namespace {

// What stands behind a conversation's id: a part, and its fields.
std::optional<Parsed> parse_part(Parsed parsed, char part, std::string_view rest) {
  if (part == 'h' || part == 'g' || part == 'w') {
    if (!rest.empty()) return std::nullopt;
    parsed.kind = part == 'h' ? Kind::Header : part == 'g' ? Kind::Group : Kind::GroupMarks;
    return parsed;
  }
  if (part == 'e') {
    if (rest.size() != 8) return std::nullopt;
    parsed.kind = Kind::Event;
    parsed.number = get(rest);
    return parsed;
  }
  if (part != 'l' && part != 'n' && part != 'o') return std::nullopt;
  if (rest.size() != (part == 'o' ? 12 : 8)) return std::nullopt;
  parsed.kind = part == 'l' ? Kind::Former : part == 'n' ? Kind::MemberCounts : Kind::Sender;
  parsed.user = UserId(get(rest.substr(0, 8)));
  parsed.number = get(rest.substr(8));
  return is_valid(parsed.user) ? std::optional(parsed) : std::nullopt;
}

}  // namespace

std::optional<Parsed> parse(std::string_view key) {
  if (key.size() <= prefix_bytes) return std::nullopt;
  Parsed parsed;
  parsed.shard = ShardId(get(key.substr(0, prefix_bytes)));
  const char tag = key[prefix_bytes];
  std::string_view rest = key.substr(prefix_bytes + 1);
  const auto take = [&rest](std::size_t bytes) {
    const std::string_view taken = rest.substr(0, bytes);
    rest.remove_prefix(bytes);
    return taken;
  };
  if (tag == 'C') {
    if (rest.size() < conversation_bytes + 1) return std::nullopt;
    const auto conversation = ConversationId::parse(take(conversation_bytes));
    if (!conversation) return std::nullopt;
    parsed.conversation = *conversation;
    const char part = take(1)[0];
    return parse_part(parsed, part, rest);
  }
  if (tag == 'U') {
    if (rest.size() < 9) return std::nullopt;
    parsed.user = UserId(get(take(8)));
    if (!is_valid(parsed.user)) return std::nullopt;
    const char part = take(1)[0];
    if (part == 'i' || part == 'x') {
      const auto conversation = ConversationId::parse(rest);
      if (!conversation) return std::nullopt;
      parsed.kind = part == 'i' ? Kind::Index : Kind::Hidden;
      parsed.conversation = *conversation;
      return parsed;
    }
    if (part == 'h' && rest.empty()) {
      parsed.kind = Kind::Account;
      return parsed;
    }
    if (part == 'd' && rest.size() == 4) {
      parsed.kind = Kind::Device;
    } else if (part == 'v' && rest.size() == 8) {
      parsed.kind = Kind::Version;
    } else if (part == 'b' && rest.size() == 8 && is_valid(UserId(get(rest)))) {
      parsed.kind = Kind::Gate;
    } else {
      return std::nullopt;
    }
    parsed.number = get(rest);
    return parsed;
  }
  if (tag == 'H') {
    if (rest.empty()) return std::nullopt;
    parsed.kind = Kind::Handle;
    parsed.handle = std::string(rest);
    return parsed;
  }
  if (tag == 'F' && rest.size() == 8) {
    parsed.kind = Kind::Feed;
    parsed.number = get(rest);
    return parsed;
  }
  if (tag == 'E' && rest.size() == 8 + conversation_bytes + 8) {
    const std::uint64_t expires_ms = get(take(8));
    const auto conversation = ConversationId::parse(take(conversation_bytes));
    if (!conversation || expires_ms == 0 || expires_ms > std::uint64_t{1} << 62) return std::nullopt;
    parsed.kind = Kind::Expiry;
    parsed.conversation = *conversation;
    parsed.expires_ms = static_cast<std::int64_t>(expires_ms);
    parsed.number = get(rest);
    return parsed;
  }
  if (tag == 'P' && rest.size() == 2 + 8 + conversation_bytes) {
    parsed.number = get(take(2));
    parsed.user = UserId(get(take(8)));
    const auto conversation = ConversationId::parse(rest);
    if (!is_valid(parsed.user) || !conversation) return std::nullopt;
    parsed.kind = Kind::Parked;
    parsed.conversation = *conversation;
    return parsed;
  }
  if (tag == 'R' && rest.empty()) {
    parsed.kind = Kind::Numbers;
    return parsed;
  }
  if (tag == 'L' && rest == "i") {
    parsed.kind = Kind::Ingested;
    return parsed;
  }
  return std::nullopt;
}

}  // namespace chasqui::keys
