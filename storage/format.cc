#include "storage/format.h"

#include <sys/random.h>

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/digest.h"
#include "storage/durable_file.h"

namespace chasqui::storage {
namespace {

constexpr std::uint64_t format_bytes_max = 4096;
constexpr std::size_t id_bytes = 16;

std::string hex_32(std::uint32_t value) {
  return absl::StrCat(absl::Hex(value, absl::kZeroPad8));
}

// "name value" in a line of its own; nullopt-like empty if it is not that line.
bool take(const std::string& line, const std::string& name, std::string& value) {
  if (line.compare(0, name.size() + 1, name + " ") != 0) return false;
  value = line.substr(name.size() + 1);
  return !value.empty();
}

// Only whole bytes in lower case, so that equal ids are equal text.
bool take_id(const std::string& line, const std::string& name, std::string& id) {
  std::string digits;
  if (!take(line, name, digits) || digits.size() != 2 * id_bytes) return false;
  if (digits.find_first_not_of("0123456789abcdef") != std::string::npos) return false;
  id = absl::HexStringToBytes(digits);
  return true;
}

}  // namespace

std::string to_text(const Format& format) {
  CHASQUI_ASSERT(format.store.size() == id_bytes && format.cluster.size() == id_bytes, "ids are 16 bytes");
  std::string text =
      absl::StrCat("chasqui store\nversion ", format.version, "\nstore ", absl::BytesToHexString(format.store),
                   "\ncluster ", absl::BytesToHexString(format.cluster), "\nshards ", format.shards.value,
                   "\ncreated_ms ", format.created_ms, "\n");
  absl::StrAppend(&text, "crc32c ", hex_32(crc32c(text)), "\n");
  return text;
}

absl::StatusOr<Format> parse_format(const std::string& text, const std::string& path) {
  const auto damaged = [&path](const char* why) {
    return absl::DataLossError(absl::StrCat(path, " is damaged (", why,
                                            "): do not start on this store; restore it from a backup, or use another "
                                            "--data-dir"));
  };
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  std::string value;
  Format format;
  if (lines.size() < 2 || lines[0] != "chasqui store") return damaged("its first line is not \"chasqui store\"");
  if (!take(lines[1], "version", value) || !absl::SimpleAtoi(value, &format.version)) return damaged("no version");
  if (format.version > format_version) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": the store was made by a newer Chasqui (format ",
                                                      format.version, ", this one reads up to ", format_version,
                                                      "): upgrade, or use another --data-dir"));
  }
  const std::size_t crc_at = text.rfind("crc32c ");
  if (crc_at == std::string::npos ||
      text.substr(crc_at) != absl::StrCat("crc32c ", hex_32(crc32c(std::string_view(text).substr(0, crc_at))), "\n")) {
    return damaged("its checksum is wrong");
  }
  if (lines.size() != 8 || format.version == 0 || !take_id(lines[2], "store", format.store) ||
      !take_id(lines[3], "cluster", format.cluster) || !take(lines[4], "shards", value) ||
      !absl::SimpleAtoi(value, &format.shards.value) || format.shards.value == 0 ||
      format.shards.value > bounds::shards_max || !take(lines[5], "created_ms", value) ||
      !absl::SimpleAtoi(value, &format.created_ms)) {
    return damaged("a line is missing or makes no sense");
  }
  return format;
}

absl::StatusOr<Format> read_format(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/FORMAT");
  auto bytes = read_file(path, format_bytes_max);
  if (!bytes.ok()) return bytes.status();
  return parse_format(*bytes, path);
}

absl::Status write_format(const std::string& directory, const Format& format) {
  return write_file(directory, "FORMAT", to_text(format));
}

std::string random_store_id() {
  std::string id(id_bytes, '\0');
  const ssize_t got = ::getrandom(id.data(), id.size(), 0);
  CHASQUI_ASSERT(got == static_cast<ssize_t>(id.size()), "up to 256 bytes of the system's generator come whole");
  return id;
}

}  // namespace chasqui::storage
