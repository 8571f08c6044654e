#include "storage/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "storage/failure.h"

namespace chasqui::storage {

absl::StatusOr<DirectoryLock> DirectoryLock::take(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/LOCK");
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return io_error("cannot open", path, errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return io_error("cannot lock", path, errno);
    std::string holder = read_file(path, 64).value_or("");
    while (!holder.empty() && holder.back() == '\n') holder.pop_back();
    return absl::FailedPreconditionError(absl::StrCat("another process (pid ", holder.empty() ? "not known" : holder,
                                                      ") has the store in ", directory,
                                                      " open: stop it first, or use another --data-dir"));
  }
  // The holder's name is for people; a crash between the two calls leaves it empty, which is fine.
  if (::ftruncate(file.get(), 0) != 0) return io_error("cannot write", path, errno);
  if (auto status = write_all(file.get(), absl::StrCat(::getpid(), "\n"), path); !status.ok()) return status;
  return DirectoryLock(std::move(file));
}

}  // namespace chasqui::storage
