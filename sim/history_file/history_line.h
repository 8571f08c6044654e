// A history as lines of text: one JSON object for each D fact (sim/history.h), a head before them, an end behind them.
// docs/history.md says what each means.
//
// What was tapped inside nodes has no line: whoever watches real processes cannot know it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "sim/history.h"
#include "sim/judge.h"

namespace chasqui::sim {

constexpr std::uint64_t history_format = 1;

struct HistoryHead {
  Time settle_bound = 0;  // I23's
  std::string from;       // who made it, in words
};
[[nodiscard]] std::string head_line(const HistoryHead& head);
[[nodiscard]] std::string fact_line(Time at, const Fact& fact);  // empty: it is no D fact
[[nodiscard]] std::string end_line(Time at, Ending ending);

struct HistoryLine {
  Time at = 0;  // 0 of a head
  std::variant<HistoryHead, Fact, Ending> said;
};
// InvalidArgument: what is wrong with it, in a sentence.
[[nodiscard]] absl::StatusOr<HistoryLine> parse_history_line(std::string_view line);

}  // namespace chasqui::sim
