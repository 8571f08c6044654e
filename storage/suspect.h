// The file SUSPECT: this store has failed once and may have lost what it said was synced (R1). Best effort: the disk
// that just failed may refuse it; the exit code 74 is the first line.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace chasqui::storage {

void mark_suspect(const std::string& directory, const absl::Status& reason);
// DataLoss, with the reason and what to do, if the store is marked.
absl::Status check_not_suspect(const std::string& directory);

}  // namespace chasqui::storage
