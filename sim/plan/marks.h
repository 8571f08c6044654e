// The marks of the core's rare branches (CHASQUI_MARK), at which a plan can aim a fault. ci/checks/points holds this
// list against the core.
#pragma once

#include <string_view>
#include <vector>

namespace chasqui::sim {

// Ascending.
[[nodiscard]] const std::vector<std::string_view>& known_marks();

}  // namespace chasqui::sim
