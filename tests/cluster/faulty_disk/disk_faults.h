// The faulty disk of one process, from the test's side: what fails, and what has failed.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/cluster/faulty_disk/control.h"

namespace chasqui::cluster {

class DiskFaults {
 public:
  // Those of all files below `root`; `path` is where both sides meet.
  DiskFaults(std::string path, std::string root) : path_(std::move(path)), root_(std::move(root)) {
    const int fd = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    EXPECT_EQ(::ftruncate(fd, sizeof(DiskControl)), 0) << path_;
    void* at = ::mmap(nullptr, sizeof(DiskControl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    EXPECT_NE(at, MAP_FAILED) << path_;
    ::close(fd);
    control_ = static_cast<DiskControl*>(at);
  }
  ~DiskFaults() { ::munmap(control_, sizeof(DiskControl)); }
  DiskFaults(const DiskFaults&) = delete;
  DiskFaults& operator=(const DiskFaults&) = delete;

  // For the process that shall have this disk.
  [[nodiscard]] std::vector<std::string> environment() const {
    return {"LD_PRELOAD=" CHASQUI_BIN_DIR "/libfaulty_disk.so", absl::StrCat(DiskControl::path_variable, "=", path_),
            absl::StrCat(DiskControl::root_variable, "=", root_)};
  }

  void delay_syncs(std::uint32_t ms) { control_->sync_delay_ms = ms; }
  void fail_syncs(std::uint32_t count) { control_->syncs_to_fail = count; }
  void fail_writes(int error, std::uint32_t count) {
    control_->write_error = error;
    control_->writes_to_fail = count;
  }
  void heal() {
    control_->sync_delay_ms = 0;
    control_->syncs_to_fail = 0;
    control_->writes_to_fail = 0;
  }

  [[nodiscard]] std::uint64_t syncs() const { return control_->syncs; }
  [[nodiscard]] std::uint64_t syncs_delayed() const { return control_->syncs_delayed; }
  [[nodiscard]] std::uint64_t syncs_failed() const { return control_->syncs_failed; }
  [[nodiscard]] std::uint64_t writes_failed() const { return control_->writes_failed; }

 private:
  std::string path_;
  std::string root_;
  DiskControl* control_;
};

}  // namespace chasqui::cluster
