#include "sim/cli/histories.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "sim/history_file/judge_history.h"
#include "sim/report/report.h"

namespace chasqui::sim {

HistoryFile::~HistoryFile() {
  if (file_ != nullptr) std::fclose(file_);
}

bool HistoryFile::open(const std::string& path, Time settle_bound, const std::string& from) {
  path_ = path;
  file_ = std::fopen(path.c_str(), "w");
  if (file_ == nullptr) {
    std::fprintf(stderr, "chasqui-sim: %s: %s\n", path.c_str(), std::strerror(errno));
    return false;
  }
  write(head_line({settle_bound, from}));
  return true;
}

void HistoryFile::write(const std::string& line) {
  if (line.empty()) return;
  std::fwrite(line.data(), 1, line.size(), file_);
  std::fputc('\n', file_);
}

void HistoryFile::watch(WorldOptions& options) {
  if (file_ == nullptr) return;
  options.on_fact = [this](Time at, const Fact& fact) { write(fact_line(at, fact)); };
}

bool HistoryFile::close(const Report& report) {
  if (file_ == nullptr) return true;
  write(end_line(report.simulated, report.ending));
  const bool failed = std::ferror(file_) != 0;
  const bool closed = std::fclose(std::exchange(file_, nullptr)) == 0;
  if (!failed && closed) return true;
  std::fprintf(stderr, "chasqui-sim: %s could not be written: %s\n", path_.c_str(), std::strerror(errno));
  return false;
}

int run_judge(const Options& options) {
  int result = 0;
  for (const std::string& path : options.files) {
    std::ifstream file(path);
    HistoryJudge judge;
    absl::Status status;
    for (std::string line; status.ok() && std::getline(file, line);) status = judge.take(line);
    if (status.ok() && file.bad()) status = absl::UnavailableError("it could not be read to its end");
    if (!status.ok()) {
      std::fprintf(stderr, "%s: %s\n", path.c_str(), std::string(status.message()).c_str());
      result = 3;
      continue;
    }
    const HistoryVerdict verdict = judge.finish();
    if (result == 0 && verdict.verdict.outcome != Outcome::Ok) result = 1;
    std::fputs(history_text(path, verdict).c_str(), stdout);
  }
  return result;
}

}  // namespace chasqui::sim
