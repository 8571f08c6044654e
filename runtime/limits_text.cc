#include "runtime/limits_text.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "core/base/text.h"

namespace chasqui {

namespace {

#define CHASQUI_LIMIT_ROW(name, normal, bench, unit, reason) \
  LimitRow{#name, &Limits::name, normal, bench, unit, reason},
constexpr std::array rows{CHASQUI_LIMITS(CHASQUI_LIMIT_ROW)};
#undef CHASQUI_LIMIT_ROW

}  // namespace

std::span<const LimitRow> limit_rows() {
  return rows;
}

std::string limits_markdown() {
  std::string out =
      "# Limits\n\n"
      "Printed by `chasquid --print-limits` from core/base/bounds.h; do not edit. Each row is a key in the table\n"
      "`[limits]` of chasquid.toml. The profile `bench` (`--limits bench`) is for benches and load: rates that never\n"
      "bite.\n\n"
      "| key | default | bench | unit | what it bounds; what happens there |\n"
      "|---|---:|---:|---|---|\n";
  for (const LimitRow& row : rows) {
    absl::StrAppend(&out, "| `", text(row.name), "` | ", row.normal, " | ", row.bench, " | ", text(row.unit), " | ",
                    text(row.reason), " |\n");
  }
  return out;
}

}  // namespace chasqui
