#include "runtime/chasqui/names.h"

#include <boost/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/text.h"
#include "runtime/chasqui/file.h"

namespace chasqui::cli {

namespace json = boost::json;

std::string fold_handle(std::string_view who) {
  if (who.starts_with('@')) who.remove_prefix(1);
  return absl::AsciiStrToLower(text(who));
}

Names::Names(const Home& home) : path_(home.path("names.json")) {
  const auto bytes = read_file(path_);
  if (!bytes.ok()) return;
  boost::system::error_code error;
  const json::value value = json::parse(*bytes, error);
  if (error || !value.is_object()) return;
  for (const auto& [handle, user] : value.get_object()) {
    std::uint64_t id = 0;
    if (!user.is_string() || !absl::SimpleAtoi(user.get_string().c_str(), &id)) continue;
    users_[std::string(handle)] = UserId(id);
    handles_[UserId(id)] = std::string(handle);
  }
}

std::optional<UserId> Names::user(std::string_view folded_handle) const {
  const auto it = users_.find(folded_handle);
  return it == users_.end() ? std::nullopt : std::optional(it->second);
}

std::optional<std::string> Names::handle(UserId user) const {
  const auto it = handles_.find(user);
  return it == handles_.end() ? std::nullopt : std::optional(it->second);
}

void Names::remember(UserId user, std::string_view handle) {
  if (this->handle(user) == std::string(handle) && this->user(handle) == user) return;
  if (handles_.size() >= names_max) {
    handles_.clear();
    users_.clear();
  }
  handles_[user] = std::string(handle);
  users_[std::string(handle)] = user;
  save();
}

void Names::save() const {
  json::object object;
  for (const auto& [handle, user] : users_) object[handle] = absl::StrCat(user.value());
  // A cache that cannot be written is no reason to fail: the disk's trouble shows at the journal.
  write_file_durably(path_, json::serialize(object) + "\n").IgnoreError();
}

}  // namespace chasqui::cli
