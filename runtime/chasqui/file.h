// Small files of the home, whole: read, and written so that a crash leaves either the old or the new one.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace chasqui::cli {

// A descriptor that closes itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// "WHAT PATH: why" of errno, with a code that fits: NotFound, ResourceExhausted, PermissionDenied or Internal.
[[nodiscard]] absl::Status errno_status(std::string_view what, const std::string& path);

// NotFound: there is none.
[[nodiscard]] absl::StatusOr<std::string> read_file(const std::string& path);
// Mode 0600: written beside, synced, renamed, and the folder synced.
[[nodiscard]] absl::Status write_file_durably(const std::string& path, std::string_view bytes);
// Gone, or was never there.
[[nodiscard]] absl::Status remove_file(const std::string& path);
[[nodiscard]] absl::Status write_all(int fd, std::string_view bytes, const std::string& path);
[[nodiscard]] absl::Status sync_folder_of(const std::string& path);

}  // namespace chasqui::cli
