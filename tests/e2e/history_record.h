// The history of a test with real processes, as docs/history.md says, and what the simulator's judges say of it.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdio>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/clock.h"
#include "sim/history_file/history_line.h"
#include "tests/e2e/program.h"

namespace chasqui::e2e {

class HistoryRecord {
 public:
  // `settle_ns`: within how long after Healed all must have arrived.
  HistoryRecord(std::string path, sim::Time settle_ns, const std::string& from)
      : path_(std::move(path)), file_(path_), begun_(mono_now().ns) {
    file_ << sim::head_line({settle_ns, from}) << '\n';
  }
  void see(const sim::Fact& fact) { file_ << sim::fact_line(now(), fact) << '\n'; }
  // The run is over; the file is there for others to read.
  void end() {
    file_ << sim::end_line(now(), sim::Ending::Over) << '\n';
    file_.close();
    ASSERT_TRUE(file_) << path_ << " could not be written";
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  [[nodiscard]] sim::Time now() const { return mono_now().ns - begun_; }

  std::string path_;
  std::ofstream file_;
  sim::Time begun_;
};

inline Ran judge(const std::string& path) {
  return run({CHASQUI_BIN_DIR "/chasqui-sim", "judge", path});
}

// What somebody might do to a history, so that it lies. None of these changes a time.
class Doctor {
 public:
  explicit Doctor(const std::string& path) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) lines_.push_back(boost::json::parse(line).as_object());
  }
  // False: there was no event to do it with.
  bool remove_sight() {
    const auto pair = two_sights();
    if (pair) lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(pair->first));
    return pair.has_value();
  }
  bool double_sight() {
    const auto pair = two_sights();
    if (pair) lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(pair->first), lines_[pair->first]);
    return pair.has_value();
  }
  bool swap_sights() {
    const auto pair = two_sights();
    if (!pair) return false;
    boost::json::object &one = lines_[pair->first], &two = lines_[pair->second];
    std::swap(one, two);
    std::swap(one["t_ns"], two["t_ns"]);
    return true;
  }
  void write(const std::string& path) const {
    std::ofstream file(path);
    for (const boost::json::object& line : lines_) file << line << '\n';
  }

 private:
  // Two events that one device saw one after the other in one conversation: in the middle of the history.
  [[nodiscard]] std::optional<std::pair<std::size_t, std::size_t>> two_sights() const {
    std::optional<std::size_t> first;
    for (std::size_t i = lines_.size() / 2; i < lines_.size(); ++i) {
      if (lines_[i].at("what") != "seen") continue;
      if (!first) {
        first = i;
      } else if (lines_[i].at("device") == lines_[*first].at("device") &&
                 lines_[i].at("conversation") == lines_[*first].at("conversation")) {
        return std::pair(*first, i);
      }
    }
    return std::nullopt;
  }

  std::vector<boost::json::object> lines_;
};

}  // namespace chasqui::e2e
