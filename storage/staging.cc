#include "storage/staging.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "storage/durable_file.h"

namespace chasqui::storage {
namespace {

constexpr std::uint64_t file_bytes_max = 64 << 20;

rocksdb::Slice slice(const std::string& bytes) {
  return {bytes.data(), bytes.size()};
}

absl::Status checked(const rocksdb::Status& status) {
  return status.ok() ? absl::OkStatus() : from_rocksdb("cannot take in the state of another replica", status);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Staging>> Staging::open(RocksDb& rocks, std::string directory) {
  std::error_code error;
  std::filesystem::remove_all(directory, error);
  if (error) return io_error("cannot empty", directory, error.value());
  if (auto status = make_directory(directory); !status.ok()) return status;
  return std::unique_ptr<Staging>(new Staging(rocks, std::move(directory)));
}

absl::Status Staging::begin_file(StreamId id, Stream& stream) {
  stream.files.push_back(absl::StrCat(directory_, "/", id.value(), "-", stream.made++, ".sst"));
  stream.writing = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(),
                                                            rocks_.db().GetOptions(rocks_.state()), rocks_.state());
  return checked(stream.writing->Open(stream.files.back()));
}

absl::Status Staging::end_file(Stream& stream) {
  if (stream.writing == nullptr) return absl::OkStatus();
  const rocksdb::Status status = stream.writing->Finish();
  stream.writing.reset();
  return checked(status);
}

absl::Status Staging::add(StreamId id, std::span<const Row> rows) {
  Stream& stream = streams_[id];
  for (const Row& row : rows) {
    if (stream.writing == nullptr) {
      if (auto status = begin_file(id, stream); !status.ok()) return status;
    }
    if (auto status = checked(stream.writing->Put(slice(row.key), slice(row.value))); !status.ok()) return status;
  }
  const bool full = stream.writing != nullptr && stream.writing->FileSize() >= file_bytes_max;
  return full ? end_file(stream) : absl::OkStatus();
}

absl::Status Staging::ingest(StreamId id, const std::string& begin, const std::string& end,
                             std::span<const Row> local) {
  Stream& stream = streams_[id];
  if (auto status = end_file(stream); !status.ok()) return status;
  const std::vector<std::string> rows = std::move(stream.files);
  stream.files.clear();
  if (auto status = begin_file(id, stream); !status.ok()) return status;
  if (auto status = checked(stream.writing->DeleteRange(slice(begin), slice(end))); !status.ok()) return status;
  if (auto status = end_file(stream); !status.ok()) return status;
  std::vector<std::string> files = stream.files;
  files.insert(files.end(), rows.begin(), rows.end());
  stream.files.insert(stream.files.end(), rows.begin(), rows.end());
  if (!local.empty()) {
    if (auto status = begin_file(id, stream); !status.ok()) return status;
    files.push_back(stream.files.back());
    if (auto status = add(id, local); !status.ok()) return status;
    if (auto status = end_file(stream); !status.ok()) return status;
  }
  // What is in memory of the range would be flushed during the ingestion, and every write would wait for it.
  rocksdb::Status status = rocks_.db().Flush(rocksdb::FlushOptions(), rocks_.state());
  if (!status.ok()) return checked(status);
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  options.failed_move_fall_back_to_copy = false;
  options.verify_checksums_before_ingest = true;
  options.write_global_seqno = false;
  status = rocks_.db().IngestExternalFile(rocks_.state(), files, options);
  if (!status.ok()) return checked(status);
  drop(id);
  return absl::OkStatus();
}

void Staging::drop(StreamId id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  found->second.writing.reset();  // an unfinished file is of no use to anybody
  for (const std::string& file : found->second.files) {
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
  }
  streams_.erase(found);
}

}  // namespace chasqui::storage
