// Where std::string_view meets Abseil: Debian 12's Abseil has a string_view of its own, and StrCat takes only that.
#pragma once

#include <string_view>

#include "absl/strings/string_view.h"

namespace chasqui {

[[nodiscard]] inline absl::string_view text(std::string_view s) {
  return {s.data(), s.size()};
}
[[nodiscard]] inline std::string_view std_view(absl::string_view s) {
  return {s.data(), s.size()};
}

}  // namespace chasqui
