#include "core/shard/direct.h"

#include "absl/strings/str_cat.h"
#include "core/base/check.h"

namespace chasqui::shard {
namespace {

int place_of(const ConversationId& conversation, UserId user) {
  CHASQUI_ASSERT(conversation.has_direct_member(user), "who is no member was refused before");
  return user == conversation.lower() ? 0 : 1;
}

}  // namespace

state::Header header_or_new(const state::Header* stored, const ConversationId& conversation) {
  if (stored != nullptr) return *stored;
  state::Header header;
  header.add_members();
  if (conversation.lower() != conversation.higher()) header.add_members();
  return header;
}

state::DirectMember& member(state::Header& header, const ConversationId& conversation, UserId user) {
  return *header.mutable_members(place_of(conversation, user));
}

const state::DirectMember* member(const state::Header* header, const ConversationId& conversation, UserId user) {
  return header == nullptr ? nullptr : &header->members(place_of(conversation, user));
}

std::string not_a_member(const ConversationId& conversation) {
  return absl::StrCat("not a member of conversation ", conversation.hex(), ": ask one of its members to add you");
}

}  // namespace chasqui::shard
