// One part of a stream: its checksum, over what its rows are and where it stands.
#pragma once

#include <cstdint>

#include "core/base/digest.h"
#include "proto/peer.pb.h"

namespace chasqui::replica {

[[nodiscard]] inline std::uint32_t chunk_crc(const peer::SnapshotChunk& chunk) {
  std::uint32_t crc = 0;
  const auto number = [&crc](std::uint64_t value) {
    char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
    crc = crc32c({bytes, sizeof bytes}, crc);
  };
  const auto bytes = [&](const std::string& value) {
    number(value.size());
    crc = crc32c(value, crc);
  };
  number(chunk.shard());
  number(chunk.stream());
  number(chunk.part());
  number(chunk.last() ? 1 : 0);
  bytes(chunk.upto());
  for (const auto& row : chunk.rows()) {
    bytes(row.key());
    bytes(row.value());
  }
  return crc;
}

}  // namespace chasqui::replica
