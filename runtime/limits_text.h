// The limits as rows: by name for the config, as a table for docs/limits.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/bounds.h"

namespace chasqui {

struct LimitRow {
  std::string_view name;
  std::uint64_t Limits::* member;
  std::uint64_t normal;
  std::uint64_t bench;
  std::string_view unit;
  std::string_view reason;
};

[[nodiscard]] std::span<const LimitRow> limit_rows();
[[nodiscard]] std::string limits_markdown();

}  // namespace chasqui
