// How many frames a serialized ClientMessage holds, without parsing it whole: so that joined messages stay within the
// server's limit of frames in one WebSocket message.
#pragma once

#include <cstdint>
#include <string_view>

namespace chasqui::net {

// Counts the top-level fields, each of which is one frame. Bytes that are no such message count as what they begin
// with.
[[nodiscard]] constexpr std::uint64_t count_frames(std::string_view bytes) {
  std::uint64_t frames = 0;
  std::size_t at = 0;
  while (at < bytes.size()) {
    ++at;  // the tag of field 1 is one byte
    std::uint64_t length = 0;
    for (unsigned shift = 0; at < bytes.size() && shift < 63; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(bytes[at++]);
      length |= std::uint64_t{byte & 0x7FU} << shift;
      if ((byte & 0x80U) == 0) break;
    }
    ++frames;
    if (length > bytes.size() - at) break;
    at += length;
  }
  return frames;
}

}  // namespace chasqui::net
