// A shard's whole state on its way out of the store and into it, beside the reactor.
//
// Snapshots are taken on the reactor's thread, when the core asks; all that touches the disk is done by one thread, in
// order. A snapshot that is kept holds old versions of rows back: the core bounds how many and for how long.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>

#include "core/io.h"
#include "runtime/worker.h"
#include "storage/node_store.h"

namespace chasqui {

class StreamFiles {
 public:
  // `store` outlives it. `done` is called on its thread; `failed` too, and must end the process.
  StreamFiles(storage::NodeStore& store, std::function<void(Input)> done,
              std::function<void(const absl::Status&)> failed);
  void stop() { worker_.stop(); }

  void carry_out(const StreamOpen& open);
  void carry_out(StreamRead& read);
  void carry_out(StreamWrite& write);
  void carry_out(StreamIngest& ingest);
  void carry_out(const StreamClose& close);

 private:
  void submit(std::function<void()> job);

  storage::NodeStore& store_;
  std::function<void(Input)> done_;
  std::function<void(const absl::Status&)> failed_;
  std::unordered_map<std::uint64_t, std::shared_ptr<const storage::ReadSnapshot>> snapshots_;
  Worker worker_;  // last: its thread must be gone before what it uses
};

}  // namespace chasqui
