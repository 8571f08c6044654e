// Rows of another replica on their way into the store: gathered in table files beside it, then put in the place of a
// whole range at once.
//
//   <store>/staging/<stream>-<n>.sst
//
// ingest() is one call of RocksDB's for all files: the first deletes the range, the next bring the rows, each file
// above the one before (shown for Debian's 7.8.3: store_conformance_test). It is atomic and durable when it returns; a
// crash before leaves the old rows, and staging/ is emptied at open. Not thread-safe: one thread at a time. Failures
// are those of the store: want of room, or the end (failure.h).
#pragma once

#include <rocksdb/sst_file_writer.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/ids.h"
#include "core/store.h"
#include "storage/rocks_db.h"

namespace chasqui::storage {

class Staging {
 public:
  // Empties `directory`, or makes it. `rocks` outlives it.
  static absl::StatusOr<std::unique_ptr<Staging>> open(RocksDb& rocks, std::string directory);

  // Keys ascend over all calls for one stream.
  absl::Status add(StreamId stream, std::span<const Row> rows);
  // What was added, and `local` (which ascends too, and shares no key with it), are from now on all that the range has.
  absl::Status ingest(StreamId stream, const std::string& begin, const std::string& end, std::span<const Row> local);
  void drop(StreamId stream);  // if it is there

 private:
  struct Stream {
    std::vector<std::string> files;                   // finished
    std::unique_ptr<rocksdb::SstFileWriter> writing;  // the last of them, not finished
    std::uint64_t made = 0;
  };
  Staging(RocksDb& rocks, std::string directory) : rocks_(rocks), directory_(std::move(directory)) {}
  absl::Status begin_file(StreamId id, Stream& stream);
  absl::Status end_file(Stream& stream);

  RocksDb& rocks_;
  const std::string directory_;
  std::map<StreamId, Stream> streams_;
};

}  // namespace chasqui::storage
