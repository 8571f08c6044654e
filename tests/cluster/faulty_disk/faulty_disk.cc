// A disk that is slow, full or broken, for a process that is started with this in LD_PRELOAD: what it writes and syncs
// goes through here, and does what the test has asked for in DiskControl.
//
// A sync that fails does as Linux does: what was written since the last one is gone (the file is cut back to it), and
// the next sync succeeds. Whoever syncs again and goes on has lost something without a word.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "tests/cluster/faulty_disk/control.h"

namespace chasqui::cluster {
namespace {

// By descriptor: whether it is a file of the root, and how much of it would survive.
struct Seen {
  enum : int { Unknown, Ours, Other };
  std::atomic<int> whose{Unknown};
  std::atomic<off_t> synced_bytes{0};
};
std::array<Seen, 8192> seen;

// Errors of its own would be those of the program under test: it says so and ends.
[[noreturn]] void give_up(const char* why) {
  constexpr const char* who = "faulty_disk: ";
  (void)!::writev(STDERR_FILENO,
                  std::array<iovec, 3>{{{const_cast<char*>(who), std::strlen(who)},
                                        {const_cast<char*>(why), std::strlen(why)},
                                        {const_cast<char*>("\n"), 1}}}
                      .data(),
                  3);
  std::_Exit(125);
}

template <class Function>
Function next(const char* name) {
  void* found = ::dlsym(RTLD_NEXT, name);
  if (found == nullptr) give_up(name);
  return reinterpret_cast<Function>(found);
}

DiskControl& control() {
  static DiskControl* const mapped = [] {
    const char* path = std::getenv(DiskControl::path_variable);
    if (path == nullptr) give_up("its control file is not named");
    const int fd = ::open(path, O_RDWR | O_CLOEXEC);
    void* at = fd < 0 ? MAP_FAILED : ::mmap(nullptr, sizeof(DiskControl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) give_up("its control file cannot be mapped");
    next<int (*)(int)>("close")(fd);
    return static_cast<DiskControl*>(at);
  }();
  return *mapped;
}

bool is_below_root(int fd) {
  static const char* const root = std::getenv(DiskControl::root_variable);
  struct stat info{};
  if (root == nullptr || ::fstat(fd, &info) != 0 || (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))) return false;
  std::array<char, 64> link{};
  std::array<char, PATH_MAX> path{};
  std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", fd);
  return ::readlink(link.data(), path.data(), path.size() - 1) > 0 &&
         std::strncmp(path.data(), root, std::strlen(root)) == 0;
}

off_t size_of(int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? info.st_size : 0;
}

// At the first sight of a file all that it has counts as synced: it was written by somebody before.
Seen* ours(int fd) {
  if (fd < 0 || static_cast<std::size_t>(fd) >= seen.size()) return nullptr;
  Seen& file = seen[static_cast<std::size_t>(fd)];
  if (file.whose == Seen::Unknown) {
    const bool is_ours = is_below_root(fd);
    if (is_ours) file.synced_bytes = size_of(fd);
    file.whose = is_ours ? Seen::Ours : Seen::Other;
  }
  return file.whose == Seen::Ours ? &file : nullptr;
}

// One of those that were asked for.
bool take_one(std::atomic<std::uint32_t>& count) {
  std::uint32_t left = count;
  while (left != 0 && !count.compare_exchange_weak(left, left - 1)) {
  }
  return left != 0;
}

template <class Sync>
int sync(int fd, Sync real) {
  Seen* const file = ours(fd);
  if (file == nullptr) return real();
  DiskControl& asked = control();
  ++asked.syncs;
  if (const std::uint32_t delay_ms = asked.sync_delay_ms; delay_ms != 0) {
    ++asked.syncs_delayed;
    const timespec time{delay_ms / 1'000, static_cast<long>(delay_ms % 1'000) * 1'000'000};
    ::nanosleep(&time, nullptr);
  }
  if (take_one(asked.syncs_to_fail)) {
    ++asked.syncs_failed;
    if (size_of(fd) > file->synced_bytes) (void)!::ftruncate(fd, file->synced_bytes);
    errno = EIO;
    return -1;
  }
  const off_t bytes = size_of(fd);
  const int result = real();
  if (result == 0) file->synced_bytes = bytes;
  return result;
}

// True: errno is set, and nothing is to be written.
bool fails_to_write(int fd) {
  if (ours(fd) == nullptr) return false;
  DiskControl& asked = control();
  if (!take_one(asked.writes_to_fail)) return false;
  ++asked.writes_failed;
  errno = asked.write_error;
  return true;
}

}  // namespace
}  // namespace chasqui::cluster

using namespace chasqui::cluster;  // NOLINT: what follows has no namespace, as it stands in for the C library's

extern "C" {

int fsync(int fd) {
  static const auto real = next<int (*)(int)>("fsync");
  return sync(fd, [fd] { return real(fd); });
}

int fdatasync(int fd) {
  static const auto real = next<int (*)(int)>("fdatasync");
  return sync(fd, [fd] { return real(fd); });
}

// Makes nothing durable, and tells of no error: it only waits.
int sync_file_range(int fd, off64_t offset, off64_t bytes, unsigned flags) {
  static const auto real = next<int (*)(int, off64_t, off64_t, unsigned)>("sync_file_range");
  if (ours(fd) != nullptr) {
    if (const std::uint32_t delay_ms = control().sync_delay_ms; delay_ms != 0) {
      const timespec time{delay_ms / 1'000, static_cast<long>(delay_ms % 1'000) * 1'000'000};
      ::nanosleep(&time, nullptr);
    }
  }
  return real(fd, offset, bytes, flags);
}

ssize_t write(int fd, const void* bytes, size_t count) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
  return fails_to_write(fd) ? -1 : real(fd, bytes, count);
}

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return fails_to_write(fd) ? -1 : real(fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t offset) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  return fails_to_write(fd) ? -1 : real(fd, bytes, count, offset);
}

ssize_t writev(int fd, const iovec* pieces, int count) {
  static const auto real = next<ssize_t (*)(int, const iovec*, int)>("writev");
  return fails_to_write(fd) ? -1 : real(fd, pieces, count);
}

// The next file with this number is another one.
int close(int fd) {
  static const auto real = next<int (*)(int)>("close");
  if (fd >= 0 && static_cast<std::size_t>(fd) < seen.size()) seen[static_cast<std::size_t>(fd)].whose = Seen::Unknown;
  return real(fd);
}

}  // extern "C"
