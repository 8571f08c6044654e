// The state machine of the crash tests, and the check of what a crash has left of it.
//
// Shard s has applied n entries: rows `F n-49` .. `F n` hold exactly those entries' payloads, and `R state` says n. So
// a state that is no prefix of its writes, by a row too many or too few, is seen.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "storage/node_store.h"

namespace chasqui::storage {

constexpr std::uint32_t writer_shards = 4;
constexpr std::uint64_t writer_window = 50;

[[nodiscard]] NodeStore::Options writer_options(const std::string& directory);

class Writer {
 public:
  // `node` was just opened. Applies what the log has and the state has not.
  // `window`: rows of a shard that are kept; without end, the state grows for ever.
  explicit Writer(NodeStore& node, std::uint64_t window = writer_window);
  // One group: `payload_bytes` for each of `count` entries of one shard, and with `drop`, what is behind the flushed
  // state goes. Durable and applied when it returns.
  absl::Status write(std::uint64_t shard, std::uint64_t count, std::uint64_t payload_bytes, bool drop);
  [[nodiscard]] std::uint64_t last(std::uint64_t shard) const { return last_.at(shard); }
  // DataLoss: rows and applied index of a shard do not agree.
  absl::Status check_state() const;

 private:
  void apply(std::uint64_t shard, std::uint64_t index, const std::string& payload);
  NodeStore& node_;
  const std::uint64_t window_;
  std::uint64_t append_ = 0;
  std::map<std::uint64_t, std::uint64_t> last_;
};

int write_until_killed(const std::string& directory, std::uint64_t seed);
int fill_disk(std::uint64_t disk_mib, bool ignore_marks);

}  // namespace chasqui::storage
