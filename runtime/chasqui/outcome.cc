#include "runtime/chasqui/outcome.h"

#include <cstdio>

#include "absl/strings/cord.h"
#include "core/base/text.h"
#include "runtime/chasqui/printable.h"

namespace chasqui::cli {
namespace {

constexpr absl::string_view usage_mark = "chasqui/usage";

}  // namespace

absl::Status usage_error(std::string_view message) {
  absl::Status status = absl::InvalidArgumentError(text(message));
  status.SetPayload(usage_mark, absl::Cord("1"));
  return status;
}

int exit_code(const absl::Status& status) {
  if (status.ok()) return exit_done;
  if (status.GetPayload(usage_mark).has_value()) return exit_usage;
  const bool passes = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsAborted(status) ||
                      absl::IsCancelled(status);
  return passes ? exit_unreachable : exit_refused;
}

void report(const absl::Status& status) {
  if (status.ok()) return;
  const std::string message = printable(std_view(status.message()));
  if (status.GetPayload(usage_mark).has_value()) {
    std::fprintf(stderr, "chasqui: %s\n", message.c_str());
  } else {
    std::fprintf(stderr, "chasqui: %s: %s\n", code_name(status.code()).c_str(), message.c_str());
  }
}

absl::StatusCode code_from_name(std::string_view name) {
  for (int code = 0; code <= 16; ++code) {
    if (code_name(static_cast<absl::StatusCode>(code)) == name) return static_cast<absl::StatusCode>(code);
  }
  return absl::StatusCode::kUnknown;
}

std::string code_name(absl::StatusCode code) {
  return absl::StatusCodeToString(code);
}

}  // namespace chasqui::cli
