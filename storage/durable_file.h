// Files beside RocksDB, written so that a crash leaves the old content or the new one, never a mixture (R12).
//
// Files are 0600, directories 0700 (RocksDB's files are 0644 less the umask, in a directory of 0700); a symbolic link
// in place of a file is refused. Nothing here retries: after an error that is Internal the disk is suspect (failure.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace chasqui::storage {

// A file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Makes `path` and the parents that are missing. There already: fine, if it is a directory.
absl::Status make_directory(const std::string& path);
// So that names made, renamed or removed in it survive a power cut.
absl::Status sync_directory(const std::string& path);

// Replaces directory/name: temporary file, sync, rename, sync of the directory.
absl::Status write_file(const std::string& directory, const std::string& name, std::string_view bytes);
// All of it. NotFound; FailedPrecondition: over `bytes_max`, or no ordinary file.
absl::StatusOr<std::string> read_file(const std::string& path, std::uint64_t bytes_max);

// The whole of `bytes` at the file's position, or an error.
absl::Status write_all(int fd, std::string_view bytes, const std::string& path);

}  // namespace chasqui::storage
