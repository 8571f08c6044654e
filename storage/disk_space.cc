#include "storage/disk_space.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "storage/durable_file.h"
#include "storage/failure.h"

namespace chasqui::storage {
namespace {

constexpr std::uint64_t mib = 1 << 20;
// A WAL append that meets a full disk aborts the process: stop with a clean exit while this much is left, or a quarter
// of what RocksDB's threads may write beside the append.
constexpr std::uint64_t floor_bytes_min = 2 * mib;
// RocksDB's own files of a store that is opened: MANIFEST, options, a new WAL, and the old one's rows as a table.
constexpr std::uint64_t open_bytes = 8 * mib;

std::uint64_t file_bytes(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) ? static_cast<std::uint64_t>(info.st_size) : 0;
}

}  // namespace

DiskSpace::DiskSpace(std::string directory, const Options& options)
    : directory_(std::move(directory)), ballast_path_(absl::StrCat(directory_, "/BALLAST")), options_(options) {}

absl::StatusOr<std::unique_ptr<DiskSpace>> DiskSpace::open(const std::string& directory, const Options& options) {
  std::unique_ptr<DiskSpace> space(new DiskSpace(directory, options));
  const std::lock_guard lock(space->mutex_);
  space->ballast_bytes_ = file_bytes(space->ballast_path_);
  if (auto status = space->look(); !status.ok()) return status;
  space->marks_ = disk_marks(space->disk_bytes_, 0);
  return space;
}

void DiskSpace::set_room_needed(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  room_needed_bytes_ = bytes;
  marks_ = disk_marks(disk_bytes_, bytes);
}

absl::Status DiskSpace::look() {
  struct statvfs info{};
  if (::statvfs(directory_.c_str(), &info) != 0) return io_error("cannot ask for the free space of", directory_, errno);
  const std::uint64_t total = std::uint64_t{info.f_blocks} * info.f_frsize;
  available_bytes_ = std::uint64_t{info.f_bavail} * info.f_frsize;
  disk_bytes_ = total;
  if (options_.disk_bytes_max != 0 && options_.disk_bytes_max < total) disk_bytes_ = options_.disk_bytes_max;
  return absl::OkStatus();
}

std::uint64_t DiskSpace::free_for_new() const {
  return available_bytes_ > ballast_missing_ ? available_bytes_ - ballast_missing_ : 0;
}

absl::Status DiskSpace::start() {
  const std::lock_guard lock(mutex_);
  if (disk_bytes_ < 4 * room_needed_bytes_) {
    return absl::FailedPreconditionError(absl::StrCat("the disk of ", directory_, " has ", disk_bytes_ / mib,
                                                      " MiB, a store needs ", 4 * room_needed_bytes_ / mib,
                                                      " at least: use another --data-dir"));
  }
  const std::uint64_t wanted = std::max(open_bytes, room_needed_bytes_);
  if (available_bytes_ < wanted) {
    release_ballast();
    if (auto status = look(); !status.ok()) return status;
    if (available_bytes_ < std::min(wanted, open_bytes)) {
      return absl::ResourceExhaustedError(absl::StrCat("the disk of ", directory_, " has ", available_bytes_ / mib,
                                                       " MiB free, opening a store needs ", open_bytes / mib,
                                                       ": make room, nothing was lost"));
    }
  }
  level_ = decide(marks_, Pressure::Disk::Ok, free_for_new());
  if (level_ == Pressure::Disk::Ok && ballast_bytes_ == 0) return make_ballast();
  return absl::OkStatus();
}

absl::StatusOr<Pressure::Disk> DiskSpace::observe() {
  const std::lock_guard lock(mutex_);
  if (auto status = look(); !status.ok()) return status;
  level_ = decide(marks_, level_, free_for_new());
  if (level_ == Pressure::Disk::NoWrites) release_ballast();
  if (level_ == Pressure::Disk::Ok && ballast_missing_ != 0) {
    if (auto status = make_ballast(); !status.ok()) return status;
  }
  return level_;
}

absl::Status DiskSpace::room_for(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (auto status = look(); !status.ok()) return status;
  const std::uint64_t floor_bytes = std::max(floor_bytes_min, room_needed_bytes_ / 4);
  if (available_bytes_ >= bytes + floor_bytes) return absl::OkStatus();
  release_ballast();
  if (auto status = look(); !status.ok()) return status;
  if (available_bytes_ >= bytes + floor_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("the disk of ", directory_, " has ", available_bytes_ / 1024,
                                                   " KiB free, the log needs ", (bytes + floor_bytes) / 1024,
                                                   ": stopping before it is full; make room, nothing was lost"));
}

absl::Status DiskSpace::make_ballast() {
  CHASQUI_ASSERT(ballast_bytes_ == 0, "there is one ballast at most");
  // `available`, not free_for_new: what is missing is what is made now.
  const std::uint64_t bytes =
      ballast_missing_ != 0 ? ballast_missing_
                            : storage::ballast_bytes(disk_bytes_, available_bytes_, marks_, options_.ballast_bytes_max);
  if (bytes == 0) return absl::OkStatus();
  ::unlink(ballast_path_.c_str());
  const Fd file(::open(ballast_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return io_error("cannot create", ballast_path_, errno);
  // Not posix_fallocate, which writes every block where the file system cannot reserve them: then there is no ballast.
  if (::fallocate(file.get(), 0, 0, static_cast<off_t>(bytes)) != 0) {
    const int why = errno;
    ::unlink(ballast_path_.c_str());
    ballast_missing_ = 0;
    if (why == EOPNOTSUPP || why == ENOSPC || why == EDQUOT || why == EFBIG) return absl::OkStatus();
    return io_error("cannot reserve", ballast_path_, why);
  }
  ballast_bytes_ = bytes;
  ballast_missing_ = 0;
  return look();
}

void DiskSpace::release_ballast() {
  if (ballast_bytes_ == 0) return;
  ::unlink(ballast_path_.c_str());  // failing, it frees nothing, and the next look says so
  ballast_missing_ = ballast_bytes_;
  ballast_bytes_ = 0;
}

Pressure::Disk DiskSpace::level() const {
  const std::lock_guard lock(mutex_);
  return level_;
}
std::uint64_t DiskSpace::free_bytes() const {
  const std::lock_guard lock(mutex_);
  return free_for_new();
}
std::uint64_t DiskSpace::ballast_bytes() const {
  const std::lock_guard lock(mutex_);
  return ballast_bytes_;
}
DiskMarks DiskSpace::marks() const {
  const std::lock_guard lock(mutex_);
  return marks_;
}

}  // namespace chasqui::storage
