#include "runtime/chasqui/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/text.h"

namespace chasqui::cli {
namespace {

constexpr std::size_t head_bytes = 8;

void put_32(std::string& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>((value >> shift) & 0xFFU));
}

std::uint32_t get_32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

void put_record(std::string& out, std::string_view record) {
  CHASQUI_ASSERT(record.size() <= Journal::record_bytes_max, "a record of the client core is far below the limit");
  std::string length;
  put_32(length, static_cast<std::uint32_t>(record.size()));
  out += length;
  put_32(out, crc32c(record, crc32c(length)));
  out += record;
}

// Reads one record off the front; false: what is there is no whole record.
bool take_record(std::string_view& rest, std::string& record) {
  if (rest.size() < head_bytes) return false;
  const std::uint32_t length = get_32(rest);
  if (length > Journal::record_bytes_max || rest.size() - head_bytes < length) return false;
  const std::string_view bytes = rest.substr(head_bytes, length);
  if (crc32c(bytes, crc32c(rest.substr(0, 4))) != get_32(rest.substr(4))) return false;
  record.assign(bytes);
  rest.remove_prefix(head_bytes + length);
  return true;
}

}  // namespace

absl::StatusOr<Journal> Journal::open(std::string path, std::vector<std::string>& records) {
  records.clear();
  auto bytes = read_file(path);
  if (absl::IsNotFound(bytes.status())) {
    if (absl::Status made = write_file_durably(path, magic); !made.ok()) return made;
    bytes = std::string(magic);
  }
  if (!bytes.ok()) return bytes.status();
  std::string_view rest = *bytes;
  if (!rest.starts_with(magic)) {
    return absl::DataLossError(absl::StrCat(path, " is not a journal of this program: move it away to start anew"));
  }
  rest.remove_prefix(magic.size());
  for (std::string record; take_record(rest, record);) records.push_back(std::move(record));

  Journal journal(path, Descriptor(::open(path.c_str(), O_WRONLY | O_CLOEXEC)));
  if (!journal.file_.is_open()) return errno_status("open", path);
  journal.size_bytes_ = bytes->size() - rest.size();
  journal.cut_bytes_ = rest.size();
  if (!rest.empty()) {
    if (absl::Status kept = write_file_durably(path + ".torn", rest); !kept.ok()) return kept;
    if (::ftruncate(journal.file_.get(), static_cast<off_t>(journal.size_bytes_)) != 0)
      return errno_status("cut", path);
    if (::fdatasync(journal.file_.get()) != 0) return errno_status("sync", path);
  }
  if (::lseek(journal.file_.get(), 0, SEEK_END) < 0) return errno_status("seek", path);
  return journal;
}

absl::Status Journal::append(const std::vector<std::string>& records) {
  std::string bytes;
  for (const std::string& record : records) put_record(bytes, record);
  absl::Status status = write_all(file_.get(), bytes, path_);
  if (status.ok() && ::fdatasync(file_.get()) != 0) status = errno_status("sync", path_);
  if (!status.ok()) {
    // What was half written must not stand before later records.
    if (::ftruncate(file_.get(), static_cast<off_t>(size_bytes_)) != 0 || ::lseek(file_.get(), 0, SEEK_END) < 0) {
      return absl::InternalError(absl::StrCat(status.message(), "; and it cannot be cut"));
    }
    return status;
  }
  size_bytes_ += bytes.size();
  return absl::OkStatus();
}

absl::Status Journal::rewrite(const std::vector<std::string>& records) {
  std::string bytes(magic);
  for (const std::string& record : records) put_record(bytes, record);
  if (absl::Status status = write_file_durably(path_, bytes); !status.ok()) return status;
  Descriptor file(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open()) return errno_status("open", path_);
  if (::lseek(file.get(), 0, SEEK_END) < 0) return errno_status("seek", path_);
  file_ = std::move(file);
  size_bytes_ = short_bytes_ = bytes.size();
  return absl::OkStatus();
}

}  // namespace chasqui::cli
