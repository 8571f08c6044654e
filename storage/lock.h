// One process at a time in a store's directory: flock on its file LOCK, which also names the holder.
//
// The kernel lets go when the process ends, however it ends; the file stays. Not over NFS without lockd: then RocksDB's
// own lock is the second line.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "storage/durable_file.h"

namespace chasqui::storage {

class DirectoryLock {
 public:
  // FailedPrecondition: somebody has it; the message names the directory and the holder's process id.
  static absl::StatusOr<DirectoryLock> take(const std::string& directory);

 private:
  explicit DirectoryLock(Fd file) : file_(std::move(file)) {}
  Fd file_;
};

}  // namespace chasqui::storage
