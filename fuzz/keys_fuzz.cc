// Any bytes as a key. What parses was made by one of the functions of keys.h, so making it again gives the same bytes,
// and it lies in its shard's range.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/check.h"
#include "core/base/keys.h"

namespace {

std::string made_again(const chasqui::keys::Parsed& key) {
  using namespace chasqui;
  switch (key.kind) {
    case keys::Kind::Header: return keys::header(key.shard, key.conversation);
    case keys::Kind::Event: return keys::event(key.shard, key.conversation, Seq(key.number));
    case keys::Kind::Account: return keys::account(key.shard, key.user);
    case keys::Kind::Device: return keys::device(key.shard, key.user, DeviceId(key.number));
    case keys::Kind::Index: return keys::index(key.shard, key.user, key.conversation);
    case keys::Kind::Version: return keys::version(key.shard, key.user, Version(key.number));
    case keys::Kind::Handle: return keys::handle(key.shard, key.handle);
    case keys::Kind::Feed: return keys::feed(key.shard, RaftIndex(key.number));
    case keys::Kind::Parked: return keys::parked(key.shard, ShardId(key.number), key.user, key.conversation);
    case keys::Kind::Hidden: return keys::hidden(key.shard, key.user, key.conversation);
    case keys::Kind::Expiry: return keys::expiry(key.shard, key.expires_ms, key.conversation, Seq(key.number));
    case keys::Kind::Group: return keys::group(key.shard, key.conversation);
    case keys::Kind::GroupMarks: return keys::group_marks(key.shard, key.conversation);
    case keys::Kind::Former: return keys::former(key.shard, key.conversation, key.user);
    case keys::Kind::Sender: return keys::sender(key.shard, key.conversation, key.user, DeviceId(key.number));
    case keys::Kind::MemberCounts: return keys::member_counts(key.shard, key.conversation, key.user);
    case keys::Kind::Gate: return keys::gate(key.shard, key.user, UserId(key.number));
    case keys::Kind::Numbers: return keys::numbers(key.shard);
    case keys::Kind::Ingested: return keys::ingested(key.shard);
  }
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chasqui;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto key = keys::parse(bytes);
  if (!key) return 0;
  CHASQUI_ASSERT(made_again(*key) == bytes, "parse is the inverse");
  CHASQUI_ASSERT(keys::shard_begin(key->shard) <= bytes && bytes < keys::shard_end(key->shard), "in its shard's range");
  return 0;
}
