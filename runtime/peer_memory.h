// What a process of a cluster must not forget of it, in the file CLUSTER of its data directory: how many nodes it has,
// and which store each node of its peers had when it was first met (RELIABILITY.md R3 e).
//
//   chasqui cluster
//   version 1
//   nodes_per_process 1
//   store 2 3f..      node, and 32 hex digits
//   crc32c 89abcdef   of all lines before
//
// A node whose disk was wiped, or put back from an old image, would vote without knowing what it had promised: its
// peers refuse it until it comes under a new number.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/peer_hello.h"

namespace chasqui {

class PeerMemory {
 public:
  // Reads the file; there is none: as if it said nothing. DataLoss: damaged.
  static absl::StatusOr<PeerMemory> open(const std::string& directory);

  // 0: not decided yet.
  [[nodiscard]] std::uint64_t nodes_per_process() const { return nodes_per_process_; }
  [[nodiscard]] absl::Status decide_nodes_per_process(std::uint64_t nodes);

  // FailedPrecondition: a node of it was met with another store.
  [[nodiscard]] absl::Status check(const PeerIdentity& peer) const;
  // Durable when it returns OK. Nothing new: writes nothing.
  [[nodiscard]] absl::Status remember(const PeerIdentity& peer);

 private:
  explicit PeerMemory(std::string directory) : directory_(std::move(directory)) {}
  [[nodiscard]] absl::Status parse(const std::string& text);
  [[nodiscard]] std::string to_text() const;
  [[nodiscard]] absl::Status write() const;

  std::string directory_;
  std::uint64_t nodes_per_process_ = 0;
  std::map<NodeId, std::string> stores_;  // 16 bytes each
};

}  // namespace chasqui
