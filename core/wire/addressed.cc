#include "core/wire/addressed.h"

#include <cstddef>
#include <limits>

#include "core/base/check.h"
#include "core/base/digest.h"

namespace chasqui::wire {
namespace {

void append_u32(std::uint64_t value, std::string& out) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xFF));
}

std::uint64_t read_u32(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

}  // namespace

void append_addressed(const PeerAddress& address, std::string_view frame, std::string& out) {
  CHASQUI_ASSERT(frame.size() <= bounds::peer_frame_bytes_max, "whoever makes a peer frame cuts it below the limit");
  CHASQUI_ASSERT(address.from.value() <= std::numeric_limits<std::uint32_t>::max() &&
                     address.to.value() <= std::numeric_limits<std::uint32_t>::max(),
                 "node ids of a cluster have 32 bits");
  const std::size_t begin = out.size();
  append_u32(frame.size() + peer_address_bytes, out);
  out.append(frame);
  append_u32(address.from.value(), out);
  append_u32(address.to.value(), out);
  append_u32(crc32c(std::string_view(out).substr(begin)), out);
}

std::optional<PeerAddress> take_address(std::string& body) {
  if (body.size() < peer_address_bytes) return std::nullopt;
  const std::string_view tail = std::string_view(body).substr(body.size() - peer_address_bytes);
  const PeerAddress address{NodeId(read_u32(tail)), NodeId(read_u32(tail.substr(4)))};
  body.resize(body.size() - peer_address_bytes);
  return address;
}

}  // namespace chasqui::wire
