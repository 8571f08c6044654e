#include "storage/failure.h"

#include <rocksdb/status.h>

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace chasqui::storage {

int exit_code(const absl::Status& status) {
  if (absl::IsInternal(status) || absl::IsDataLoss(status)) return exit_suspect;
  return absl::IsResourceExhausted(status) ? exit_no_room : 1;
}

absl::Status io_error(const std::string& what, const std::string& path, int error_number) {
  const std::string message = absl::StrCat(what, " ", path, ": ", std::generic_category().message(error_number));
  if (error_number == ENOSPC || error_number == EDQUOT) {
    return absl::ResourceExhaustedError(absl::StrCat(message, "; make room on that disk, then start again"));
  }
  if (error_number == ENOENT) return absl::NotFoundError(message);
  if (error_number == EACCES || error_number == EPERM || error_number == EROFS || error_number == ELOOP ||
      error_number == ENOTDIR) {
    return absl::FailedPreconditionError(
        absl::StrCat(message, "; the directory and what is in it must be ordinary files of the user that runs this"));
  }
  return absl::InternalError(message);
}

absl::Status from_rocksdb(const std::string& what, const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat(what, ": ", status.ToString());
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit) {
    return absl::ResourceExhaustedError(absl::StrCat(message, "; make room on that disk, then start again"));
  }
  if (status.IsCorruption()) return absl::DataLossError(message);
  return absl::InternalError(message);
}

}  // namespace chasqui::storage
