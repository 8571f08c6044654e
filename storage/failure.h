// How storage says that it failed. A code says what to do, and there are five:
//   Internal            write, fsync, read or rename failed (R1): nothing was repeated, nothing may be. Exit 74.
//   DataLoss            what was synced once is not there, or not as it was written (R3, R4). Exit 74.
//   ResourceExhausted   no room; the disk is sound (R17). Exit 75, to be started again later.
//   Unavailable         it could not be opened, and nothing was written: look at the reason, try again. Exit 1.
//   FailedPrecondition  an operator must change something: the message says what.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace rocksdb {
class Status;
}

namespace chasqui::storage {

constexpr int exit_suspect = 74;  // EX_IOERR; the unit has RestartPreventExitStatus=74
constexpr int exit_no_room = 75;  // EX_TEMPFAIL

// What the process should exit with because of `status`; 1 for what neither of the two above covers.
[[nodiscard]] int exit_code(const absl::Status& status);

// Of a failed system call. `what` is a verb: "cannot sync".
[[nodiscard]] absl::Status io_error(const std::string& what, const std::string& path, int error_number);

// Of RocksDB. `what` names what was tried.
[[nodiscard]] absl::Status from_rocksdb(const std::string& what, const rocksdb::Status& status);

// Called at most once, from any thread, when the store may not be used any more: it logs and ends the process with
// exit_code(status). Should it return, storage does so itself: no caller ever sees a failed store go on.
using FatalHandler = std::function<void(const absl::Status&)>;

}  // namespace chasqui::storage
