#include "runtime/chasqui/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/text.h"

namespace chasqui::cli {

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}
Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

absl::Status errno_status(std::string_view what, const std::string& path) {
  const int error = errno;
  const std::string message = absl::StrCat(text(what), " ", path, ": ", std::strerror(error));
  switch (error) {
    case ENOENT: return absl::NotFoundError(message);
    case ENOSPC:
    case EDQUOT: return absl::ResourceExhaustedError(message);
    case EACCES:
    case EPERM:
    case EROFS: return absl::PermissionDeniedError(message);
    default: return absl::InternalError(message);
  }
}

absl::StatusOr<std::string> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return errno_status("open", path);
  std::string bytes;
  std::array<char, 65536> chunk;
  for (;;) {
    const ssize_t count = ::read(file.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_status("read", path);
    if (count == 0) return bytes;
    bytes.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

absl::Status write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_status("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return absl::OkStatus();
}

absl::Status sync_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.is_open()) return errno_status("open", folder);
  if (::fsync(descriptor.get()) != 0) return errno_status("sync", folder);
  return absl::OkStatus();
}

absl::Status write_file_durably(const std::string& path, std::string_view bytes) {
  const std::string beside = absl::StrCat(path, ".new");
  {
    const Descriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.is_open()) return errno_status("create", beside);
    if (::fchmod(file.get(), 0600) != 0) return errno_status("protect", beside);
    if (absl::Status status = write_all(file.get(), bytes, beside); !status.ok()) return status;
    if (::fsync(file.get()) != 0) return errno_status("sync", beside);
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return errno_status("rename", beside);
  return sync_folder_of(path);
}

absl::Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_status("remove", path);
  return sync_folder_of(path);
}

}  // namespace chasqui::cli
