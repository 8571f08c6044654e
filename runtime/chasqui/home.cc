#include "runtime/chasqui/home.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "core/base/text.h"
#include "runtime/chasqui/outcome.h"

namespace chasqui::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string default_home() {
  if (const std::string home = environment("CHASQUI_HOME"); !home.empty()) return home;
  // XDG: a relative path there is to be ignored.
  if (const std::string state = environment("XDG_STATE_HOME"); state.starts_with('/')) return state + "/chasqui";
  const std::string home = environment("HOME");
  return home.empty() ? "" : home + "/.local/state/chasqui";
}

absl::StatusOr<Home> Home::open(std::string folder) {
  if (folder.empty()) return usage_error("no home folder: set HOME, or say --home DIR");
  std::error_code error;
  folder = std::filesystem::absolute(folder, error).lexically_normal().string();
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  const std::filesystem::path parent = std::filesystem::path(folder).parent_path();
  std::filesystem::create_directories(parent, error);
  if (error) return usage_error(absl::StrCat("cannot make ", parent.string(), ": ", error.message()));
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return usage_error(std_view(errno_status("make the home", folder).message()));
  }
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0) return errno_status("look at", folder);
  if (!S_ISDIR(info.st_mode)) return usage_error(absl::StrCat(folder, " is not a folder: say another --home"));
  if (info.st_uid != ::geteuid()) {
    return usage_error(absl::StrCat(folder, " belongs to another user: say another --home"));
  }
  if ((info.st_mode & 077) != 0 && ::chmod(folder.c_str(), 0700) != 0) return errno_status("protect", folder);
  return Home(std::move(folder));
}

absl::StatusOr<bool> Home::try_lock() {
  const std::string file = path("lock");
  Descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.is_open()) return errno_status("open", file);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    return errno_status("lock", file);
  }
  const std::string pid = absl::StrCat(::getpid(), "\n");
  if (::ftruncate(lock.get(), 0) != 0) return errno_status("write", file);
  if (absl::Status written = write_all(lock.get(), pid, file); !written.ok()) return written;
  lock_ = std::move(lock);
  return true;
}

std::string Home::holder() const {
  auto pid = read_file(path("lock"));
  if (!pid.ok() || pid->empty()) return "another process";
  if (pid->back() == '\n') pid->pop_back();
  return absl::StrCat("process ", *pid);
}

}  // namespace chasqui::cli
