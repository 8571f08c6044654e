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
      "). Check the disk and make a copy of the directory. What was acknowledged before the failure is on the other "
      "nodes of a cluster, which go on without this one; a node that stands alone may lack it. Then remove ",
      path,
      " to take it back as it is. An emptied or exchanged disk is no way back: the other nodes refuse a node with "
      "another store"));
}

}  // namespace chasqui::storage
