// Handles and the users they name, as they were looked up: kept in the home, since look-ups are rationed and a handle
// is also needed offline. A cache: lost or stale, it costs a look-up.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/ids.h"
#include "runtime/chasqui/home.h"

namespace chasqui::cli {

// "@Ana" -> "ana": as the server folds it.
[[nodiscard]] std::string fold_handle(std::string_view who);

class Names {
 public:
  // Keeps nothing beyond this; then it starts anew.
  static constexpr std::size_t names_max = 100'000;

  explicit Names(const Home& home);

  [[nodiscard]] std::optional<UserId> user(std::string_view folded_handle) const;
  [[nodiscard]] std::optional<std::string> handle(UserId user) const;
  // Remembers it for this run, and for later ones as well as may be.
  void remember(UserId user, std::string_view handle);

 private:
  void save() const;

  std::string path_;
  std::map<UserId, std::string> handles_;
  std::map<std::string, UserId, std::less<>> users_;
};

}  // namespace chasqui::cli
