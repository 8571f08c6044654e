// How a command ends: its exit code and what stderr says.
//
// 0 done; 1 the server (or this program in its place) refused, with the canonical code; 2 usage: the person must type
// something else; 3 unreachable, or out of time: the same command may work later.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace chasqui::cli {

constexpr int exit_done = 0;
constexpr int exit_refused = 1;
constexpr int exit_usage = 2;
constexpr int exit_unreachable = 3;

// An error that is the person's to mend at the keyboard: exit code 2.
[[nodiscard]] absl::Status usage_error(std::string_view message);

[[nodiscard]] int exit_code(const absl::Status& status);

// "chasqui: NOT_FOUND: nobody is called x"; nothing for Ok.
void report(const absl::Status& status);

// From a canonical name as the API says it ("NOT_FOUND"); Unknown if there is no such name.
[[nodiscard]] absl::StatusCode code_from_name(std::string_view name);
[[nodiscard]] std::string code_name(absl::StatusCode code);

}  // namespace chasqui::cli
