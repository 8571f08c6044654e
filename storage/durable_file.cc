#include "storage/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "storage/failure.h"

namespace chasqui::storage {

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);  // what must not be lost was synced before
}

absl::Status make_directory(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(path, " is not a directory: name another, or move it away"));
  }
  const auto slash = path.find_last_of('/');
  const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  if (slash != std::string::npos && slash + 1 == path.size()) return make_directory(parent);  // "a/" is "a"
  if (auto status = make_directory(parent); !status.ok()) return status;
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return io_error("cannot make directory", path, errno);
  return sync_directory(parent);
}

absl::Status sync_directory(const std::string& path) {
  const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return io_error("cannot open directory", path, errno);
  if (::fsync(directory.get()) != 0) return io_error("cannot sync directory", path, errno);
  return absl::OkStatus();
}

absl::Status write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;  // nothing was written: no repetition of a failed write
      return io_error("cannot write", path, errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status write_file(const std::string& directory, const std::string& name, std::string_view bytes) {
  const std::string path = absl::StrCat(directory, "/", name);
  const std::string temporary = absl::StrCat(path, ".new");
  ::unlink(temporary.c_str());  // left by a crash; O_EXCL below then knows that the file is ours
  {
    const Fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return io_error("cannot create", temporary, errno);
    if (auto status = write_all(file.get(), bytes, temporary); !status.ok()) return status;
    if (::fsync(file.get()) != 0) return io_error("cannot sync", temporary, errno);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return io_error("cannot rename to", path, errno);
  return sync_directory(directory);
}

absl::StatusOr<std::string> read_file(const std::string& path, std::uint64_t bytes_max) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file) return io_error("cannot open", path, errno);
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return io_error("cannot look at", path, errno);
  if (!S_ISREG(info.st_mode)) return absl::FailedPreconditionError(absl::StrCat(path, " is no ordinary file"));
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size > bytes_max) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " has ", size, " of at most ", bytes_max, " bytes: it is not one of ours"));
  }
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("cannot read", path, errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace chasqui::storage
