#include "core/gateway/group_content.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/gateway/content.h"

namespace chasqui::gateway {
namespace {

using client::GroupChange;

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// Marks that turn the direction of text around could make one title look like another (RELIABILITY.md section 8).
bool has_bidi_control(std::string_view text) {
  for (std::size_t at = text.find('\xe2'); at != std::string_view::npos; at = text.find('\xe2', at + 1)) {
    const std::string_view mark = text.substr(at + 1, 2);
    const bool is_mark = mark.size() == 2 && mark[0] == '\x80' &&
                         (mark[1] == '\x8e' || mark[1] == '\x8f' || (mark[1] >= '\xaa' && mark[1] <= '\xae'));
    const bool is_isolate = mark.size() == 2 && mark[0] == '\x81' && mark[1] >= '\xa6' && mark[1] <= '\xa9';
    if (is_mark || is_isolate) return true;
  }
  return false;
}

absl::Status check_title(std::string_view title) {
  const auto points =
      static_cast<std::uint64_t>(std::count_if(title.begin(), title.end(), [](char c) { return !is_continuation(c); }));
  if (points == 0 || points > bounds::group_title_points_max) {
    return absl::InvalidArgumentError(absl::StrCat("a group's title has 1 to ", bounds::group_title_points_max,
                                                   " characters, this one has ", points));
  }
  const bool has_control =
      std::any_of(title.begin(), title.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (has_control || has_bidi_control(title) || !is_utf8(title)) {
    return absl::InvalidArgumentError("a group's title is UTF-8 without control characters");
  }
  return absl::OkStatus();
}

absl::Status check_description(std::string_view text) {
  if (text.size() > bounds::group_description_bytes_max || text.find('\0') != std::string_view::npos ||
      !is_utf8(text)) {
    return absl::InvalidArgumentError(absl::StrCat("a group's description is UTF-8 without NUL of at most ",
                                                   bounds::group_description_bytes_max, " bytes, this one has ",
                                                   text.size()));
  }
  return absl::OkStatus();
}

absl::Status check_picture(std::string_view id) {
  if (id.empty() || id.size() == bounds::group_picture_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a picture is named by ", bounds::group_picture_bytes, " bytes"));
}

template <class Users>
absl::Status check_users(const Users& users) {
  std::set<std::uint64_t> all;
  for (const std::uint64_t user : users) {
    if (!is_valid(UserId(user)) || !all.insert(user).second) {
      return absl::InvalidArgumentError(absl::StrCat("user ", user, " is none, or is named twice: name each once"));
    }
  }
  if (all.size() >= bounds::group_members_max) {
    return absl::InvalidArgumentError(absl::StrCat("a group has at most ", bounds::group_members_max, " members, and ",
                                                   all.size(), " are named: start another group"));
  }
  return absl::OkStatus();
}

absl::Status check_hash(std::string_view hash) {
  if (hash.size() == bounds::digest_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError("a link is named by the BLAKE2b-256 of its secret: 32 bytes");
}

absl::Status check_create(const client::CreateGroup& create) {
  absl::Status status = check_title(create.title());
  status.Update(check_description(create.description()));
  status.Update(check_picture(create.picture()));
  status.Update(check_users(create.members()));
  return status;
}

absl::Status check_edit(const client::EditGroup& edit) {
  absl::Status status;
  if (edit.has_title()) status.Update(check_title(edit.title()));
  if (edit.has_description()) status.Update(check_description(edit.description()));
  if (edit.has_picture()) status.Update(check_picture(edit.picture()));
  if (!edit.has_title() && !edit.has_description() && !edit.has_picture()) {
    status.Update(absl::InvalidArgumentError("nothing is to be changed: say a title, a description or a picture"));
  }
  return status;
}

}  // namespace

absl::Status find_group_change(std::string_view bytes, std::string& change) {
  client::Payload payload;
  if (!payload.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !payload.has_change()) {
    return absl::OkStatus();
  }
  change = payload.change().SerializeAsString();
  if (change.empty()) return absl::InvalidArgumentError("a change of a group that changes nothing: say what");
  if (payload.has_about()) return absl::InvalidArgumentError("a change of a group is not about an earlier event");
  return check_group_change(payload.change());
}

absl::Status check_group_change(const GroupChange& change) {
  switch (change.what_case()) {
    case GroupChange::kCreate: return check_create(change.create());
    case GroupChange::kAdd:
      if (change.add().users().empty()) return absl::InvalidArgumentError("nobody is to be added: name somebody");
      return check_users(change.add().users());
    case GroupChange::kEdit: return check_edit(change.edit());
    case GroupChange::kCreateLink: return check_hash(change.create_link().secret_hash());
    case GroupChange::kRevokeLink: return check_hash(change.revoke_link().secret_hash());
    case GroupChange::kJoin:
      if (change.join().secret().empty()) return absl::OkStatus();  // who is invited
      if (change.join().secret().size() == bounds::group_link_secret_bytes) return absl::OkStatus();
      return absl::InvalidArgumentError("the secret of a link has 16 bytes: copy the whole link");
    case GroupChange::kRemove:
    case GroupChange::kLeave:
    case GroupChange::kSetRole:
    case GroupChange::kSetPermissions:
    case GroupChange::kMute:
    case GroupChange::kLiftBan:
    case GroupChange::kAnswer:
    case GroupChange::kDeleteGroup:
    case GroupChange::WHAT_NOT_SET: break;  // what they name is judged where it is known
  }
  return absl::OkStatus();
}

}  // namespace chasqui::gateway
