// Peer frames on a link that the nodes of two processes share: each body ends with who sent it and who is meant.
//
//     n bytes: a peer.PeerFrame          (core/wire/frames.h frames the n + 8 bytes, with length and checksum)
//     4 bytes big-endian: the sending node
//     4 bytes big-endian: the node that is meant; 0: the process, for frames of the link itself
//
// At the end, so that taking it off moves no byte of the frame.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/bounds.h"
#include "core/base/ids.h"

namespace chasqui::wire {

constexpr std::uint64_t peer_address_bytes = 8;
constexpr std::uint64_t addressed_bytes_max = bounds::peer_frame_bytes_max + peer_address_bytes;

struct PeerAddress {
  NodeId from;
  NodeId to;
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

// Appends a whole frame to `out`: length, `frame` (at most bounds::peer_frame_bytes_max), address, checksum.
void append_addressed(const PeerAddress& address, std::string_view frame, std::string& out);

// Takes the address off the end of a body; nullopt: it is too short to have one, and stays as it is.
[[nodiscard]] std::optional<PeerAddress> take_address(std::string& body);

}  // namespace chasqui::wire
