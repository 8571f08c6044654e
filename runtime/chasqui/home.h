// The home of one device: a folder (0700) that holds its credentials, journal and caches.
//
// Whoever holds the lock may use them; a program that stays (chat, inbox --follow) serves the others through `socket`.
//   lock              held by flock(2); a line with the holder's process id
//   credentials.json  0600: server, user, device, handle, secret
//   pending.json      0600: a secret drawn for a registration or login whose answer is not known yet
//   journal           what the client core keeps (journal.h)
//   names.json        handles that were looked up
//   socket            of the program that holds the lock
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/chasqui/file.h"

namespace chasqui::cli {

// CHASQUI_HOME, or by XDG: $XDG_STATE_HOME/chasqui, else ~/.local/state/chasqui. Empty: the environment says nothing.
[[nodiscard]] std::string default_home();

class Home {
 public:
  // Creates the folder if need be. PermissionDenied: others could read it, or it is not ours.
  static absl::StatusOr<Home> open(std::string folder);

  // True: locked until this object goes; false: another process holds it.
  [[nodiscard]] absl::StatusOr<bool> try_lock();
  [[nodiscard]] std::string holder() const;  // "process 123", for messages

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] std::string path(std::string_view name) const { return folder_ + "/" + std::string(name); }

 private:
  explicit Home(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
  Descriptor lock_;
};

}  // namespace chasqui::cli
