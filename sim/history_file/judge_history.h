// Judges a history line by line, as a run's facts are judged: by every invariant that reads what devices saw.
//
//   HistoryJudge judge;
//   for (line : file) if (const absl::Status status = judge.take(line); !status.ok()) ...
//   const HistoryVerdict verdict = judge.finish();
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "sim/history_file/history_line.h"
#include "sim/judge.h"

namespace chasqui::sim {

struct HistoryVerdict {
  Verdict verdict;
  std::string from;
  std::uint64_t lines = 0;
  std::size_t devices = 0;
  Time length = 0;
  std::uint64_t sent = 0;
  std::uint64_t accepted = 0;
  std::uint64_t seen = 0;
  struct Checks {
    int number = 0;
    std::uint64_t count = 0;
  };
  std::vector<Checks> checks;  // by invariant
};

class HistoryJudge {
 public:
  // InvalidArgument: "line 7: ..."; what was taken before stays. An empty line is none.
  [[nodiscard]] absl::Status take(std::string_view line);
  [[nodiscard]] HistoryVerdict finish();  // once

 private:
  [[nodiscard]] absl::Status take(HistoryLine line);

  std::optional<Judge> judge_;  // from the head on
  std::optional<Ending> ending_;
  std::set<std::uint32_t> joined_;
  Time now_ = 0;
  HistoryVerdict told_;
};

}  // namespace chasqui::sim
