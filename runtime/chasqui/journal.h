// The device's journal: an append-only file of records, synced before append() returns.
//
// Format: the 16 bytes of `magic`, then for each record its length (4 bytes), the CRC32C of length and bytes (4 bytes),
// both little-endian, and its bytes. Invariant: what append() reported as done is read back by every later open().
// A torn end (a crash in the middle of an append) is cut at open(); what was cut is kept in PATH.torn.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/chasqui/file.h"

namespace chasqui::cli {

class Journal {
 public:
  static constexpr std::string_view magic = "chasqui-journal1";
  static constexpr std::uint64_t record_bytes_max = 16 * 1024 * 1024;

  // Opens or creates it and reads all records into `records`. DataLoss: the file is something else.
  static absl::StatusOr<Journal> open(std::string path, std::vector<std::string>& records);

  // All of them or none: on an error the file is as before. ResourceExhausted: the disk is full.
  [[nodiscard]] absl::Status append(const std::vector<std::string>& records);
  // Puts these records in place of all there are; a crash leaves the old ones or the new ones.
  [[nodiscard]] absl::Status rewrite(const std::vector<std::string>& records);
  // It has grown so much since it was last short that a rewrite pays.
  [[nodiscard]] bool is_long() const { return size_bytes_ > 256 * 1024 && size_bytes_ > 4 * short_bytes_; }
  // The caller looked, and this is as short as it gets.
  void is_short() { short_bytes_ = size_bytes_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
  [[nodiscard]] std::uint64_t cut_bytes() const { return cut_bytes_; }  // of a torn end, by this open()

 private:
  Journal(std::string path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  Descriptor file_;
  std::uint64_t size_bytes_ = 0;
  std::uint64_t short_bytes_ = 0;
  std::uint64_t cut_bytes_ = 0;
};

}  // namespace chasqui::cli
