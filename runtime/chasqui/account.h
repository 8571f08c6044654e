// Creates an account, or logs a device in: one HTTP call, repeatable without harm since the device's secret is drawn
// and kept before the call leaves.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "core/base/now.h"
#include "net/client/server_list.h"
#include "runtime/chasqui/credentials.h"
#include "runtime/chasqui/home.h"
#include "runtime/chasqui/password.h"

namespace chasqui::cli {

enum class AccountCall { Register, Login };

// The home must be locked. On success the login is written. Errors: the server's refusal, with its code; Unavailable or
// DeadlineExceeded: repeat the same command.
[[nodiscard]] absl::StatusOr<Login> call_account(const Home& home, net::ServerList servers, AccountCall call,
                                                 const std::string& handle, const Password& password, Duration timeout);

}  // namespace chasqui::cli
