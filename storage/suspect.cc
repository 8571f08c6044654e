#include "storage/suspect.h"

#include "absl/strings/str_cat.h"
#include "storage/durable_file.h"

namespace chasqui::storage {

void mark_suspect(const std::string& directory, const absl::Status& reason) {
  write_file(directory, "SUSPECT", absl::StrCat(std::string(reason.message()), "\n")).IgnoreError();
}

absl::Status check_not_suspect(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/SUSPECT");
  auto reason = read_file(path, 65536);
  if (absl::IsNotFound(reason.status())) return absl::OkStatus();
  std::string why = reason.ok() ? *reason : std::string(reason.status().message());
  while (!why.empty() && why.back() == '\n') why.pop_back();
  return absl::DataLossError(absl::StrCat(
      "the store in ", directory, " has failed before and may have lost what it had promised (", why,
      "). In a cluster: give this node a new --data-dir, it is filled from the others. A node that stands alone: check "
      "the disk, make a copy of the directory, then remove ",
      path, " to take it back as it is"));
}

}  // namespace chasqui::storage
