#include "runtime/stream_files.h"

#include <utility>

namespace chasqui {
namespace {

// The core has one job of each stream under way, and closes.
constexpr std::size_t waiting_max = 1'024;

}  // namespace

StreamFiles::StreamFiles(storage::NodeStore& store, std::function<void(Input)> done,
                         std::function<void(const absl::Status&)> failed)
    : store_(store), done_(std::move(done)), failed_(std::move(failed)), worker_(1, waiting_max) {}

void StreamFiles::submit(std::function<void()> job) {
  if (!worker_.submit(std::move(job))) {
    failed_(absl::InternalError("the store does not keep up with the streams of the shards' states"));
  }
}

void StreamFiles::carry_out(const StreamOpen& open) {
  snapshots_[open.stream.value()] = store_.store().snapshot();
}

void StreamFiles::carry_out(StreamRead& read) {
  const auto snapshot = snapshots_.find(read.stream.value());
  if (snapshot == snapshots_.end()) {
    return;
  }
  submit([this, snapshot = snapshot->second, read = std::move(read)] {
    done_(StreamRowsRead{read.stream, store_.store().read(*snapshot, read.range)});
  });
}

void StreamFiles::carry_out(StreamWrite& write) {
  submit([this, write = std::move(write)] {
    if (const absl::Status status = store_.staging().add(write.stream, write.rows); !status.ok()) {
      store_.fail(status);
    }
    done_(StreamRowsWritten{write.stream});
  });
}

void StreamFiles::carry_out(StreamIngest& ingest) {
  submit([this, ingest = std::move(ingest)] {
    const absl::Status status = store_.staging().ingest(ingest.stream, ingest.begin, ingest.end, ingest.local);
    if (!status.ok()) {
      store_.fail(status);
    }
    done_(StreamIngested{ingest.stream});
  });
}

void StreamFiles::carry_out(const StreamClose& close) {
  snapshots_.erase(close.stream.value());
  submit([this, stream = close.stream] { store_.staging().drop(stream); });
}

}  // namespace chasqui
