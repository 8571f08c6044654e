// `run --history FILE` and `judge FILE...`.
#pragma once

#include <cstdio>
#include <string>

#include "sim/cli/options.h"

namespace chasqui::sim {

// Writes the facts of a run as they come. Not opened, it does nothing.
class HistoryFile {
 public:
  HistoryFile() = default;
  HistoryFile(const HistoryFile&) = delete;
  HistoryFile& operator=(const HistoryFile&) = delete;
  ~HistoryFile();

  // False: told on stderr; so with close().
  [[nodiscard]] bool open(const std::string& path, Time settle_bound, const std::string& from);
  void watch(WorldOptions& options);
  [[nodiscard]] bool close(const Report& report);

 private:
  void write(const std::string& line);

  std::string path_;
  std::FILE* file_ = nullptr;
};

// Exit codes as of `run`: 0 each was ok, 1 one was not, 3 one could not be read.
int run_judge(const Options& options);

}  // namespace chasqui::sim
