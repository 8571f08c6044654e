// The marks of the core's rare branches (CHASQUI_MARK), at which a plan can aim a fault. ci/checks/points holds this
// list against the core.
#pragma once

#include <span>
#include <string_view>

namespace chasqui::sim {

// Ascending.
[[nodiscard]] std::span<const std::string_view> known_marks();

// Those that a plan without a group can reach.
[[nodiscard]] std::span<const std::string_view> marks_without_groups();

// Why no plan reaches this mark; empty: plans must.
[[nodiscard]] std::string_view why_unreached(std::string_view mark);

}  // namespace chasqui::sim
