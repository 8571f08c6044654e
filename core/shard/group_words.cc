// What a refusal of a change, or of a message into a group, is in words: made of the code and of the change alone.
#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/shard/group_change.h"

namespace chasqui::shard {

std::string refusal_words(std::uint32_t code, const client::GroupChange* change) {
  const bool joins = change != nullptr && change->has_join();
  if (code == client::PERMISSION_DENIED) {
    if (joins) return "that link or invitation does not let you in (any more): ask for another one";
    if (change != nullptr) return "your role in this group does not allow that, or it is about somebody who is banned";
    return "you may not write that here: you are no member any more, are muted, your role may not, or it is another's";
  }
  if (change == nullptr) return {};
  if (code == client::NOT_FOUND) return "whom or what that names is not in this group: see how the group stands";
  if (code == client::FAILED_PRECONDITION) {
    if (joins) return "an admin of the group is to let you in, or you are in already: wait";
    return absl::StrCat("it is so already, or the group is full: at most ", bounds::group_members_max, " members, ",
                        bounds::group_links_max, " links and ", bounds::group_banned_max, " banned");
  }
  return {};
}

}  // namespace chasqui::shard
