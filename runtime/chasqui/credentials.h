// Who this device is, as the home keeps it: written durably and readable by its owner alone.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/client/client.h"
#include "runtime/chasqui/home.h"

namespace chasqui::cli {

struct Login {
  std::string server;  // URL at which it was made
  client::Credentials credentials;
};

// NotFound (as a usage error): nobody is logged in here. DataLoss: the file is damaged.
[[nodiscard]] absl::StatusOr<Login> read_login(const Home& home);
[[nodiscard]] absl::Status write_login(const Home& home, const Login& login);
// Credentials, journal and caches: what belongs to the device that was.
[[nodiscard]] absl::Status forget_login(const Home& home);

// A secret that is about to be told to a server. Repeated for the same server, handle and kind ("accounts", "login"),
// it is the same secret, so that the server knows the retry by its hash.
[[nodiscard]] absl::StatusOr<std::string> pending_secret(const Home& home, const std::string& server,
                                                         const std::string& handle, const std::string& kind);
[[nodiscard]] absl::Status forget_pending(const Home& home);

[[nodiscard]] std::string to_hex(std::string_view bytes);

}  // namespace chasqui::cli
