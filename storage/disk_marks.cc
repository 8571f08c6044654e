#include "storage/disk_marks.h"

#include <algorithm>

#include "core/base/check.h"

namespace chasqui::storage {
namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t gib = 1 << 30;

std::uint64_t left_at(std::uint64_t mark) {
  return mark + mark / 4;
}

}  // namespace

DiskMarks disk_marks(std::uint64_t disk_bytes, std::uint64_t room_needed_bytes) {
  DiskMarks marks;
  marks.no_writes_bytes = std::max(std::min(disk_bytes / 20, gib), room_needed_bytes);
  marks.no_uploads_bytes = std::max(std::min(disk_bytes / 10, 2 * gib), marks.no_writes_bytes);
  return marks;
}

Pressure::Disk decide(const DiskMarks& marks, Pressure::Disk before, std::uint64_t free_bytes) {
  CHASQUI_ASSERT(marks.no_writes_bytes <= marks.no_uploads_bytes, "writes are refused after uploads, not before");
  if (free_bytes < marks.no_writes_bytes) return Pressure::Disk::NoWrites;
  if (before == Pressure::Disk::NoWrites && free_bytes < left_at(marks.no_writes_bytes)) return before;
  if (free_bytes < marks.no_uploads_bytes) return Pressure::Disk::NoUploads;
  if (before != Pressure::Disk::Ok && free_bytes < left_at(marks.no_uploads_bytes)) return Pressure::Disk::NoUploads;
  return Pressure::Disk::Ok;
}

std::uint64_t ballast_bytes(std::uint64_t disk_bytes, std::uint64_t free_bytes, const DiskMarks& marks,
                            std::uint64_t bytes_max) {
  const std::uint64_t above = free_bytes > marks.no_uploads_bytes ? free_bytes - marks.no_uploads_bytes : 0;
  const std::uint64_t bytes = std::min({disk_bytes / 50, bytes_max, above / 4});
  return bytes < mib ? 0 : bytes;
}

}  // namespace chasqui::storage
