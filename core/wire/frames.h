// How bytes become messages and messages bytes, both ways, on both kinds of links. No socket in here.
//
// Client links (WebSocket): one binary message is one client.ClientMessage or client.ServerMessage. WebSocket finds its
// ends, so there is nothing to split. Because their `frames` are a repeated field, such messages may be concatenated:
// append_server_frame and append_client_frame build one frame by frame.
//
// Peer links (a stream): each frame is
//     4 bytes big-endian: n, the length of the body, at most bounds::peer_frame_bytes_max
//     n bytes: a peer.PeerFrame
//     4 bytes big-endian: CRC32C of the n + 4 bytes before it
//
// All parsers take bytes from anybody: sizes are checked before anything is allocated, nesting ends at 32 levels, and
// what is malformed is InvalidArgument with a sentence that may be shown to who sent it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/bounds.h"
#include "proto/client.pb.h"
#include "proto/peer.pb.h"

namespace chasqui::wire {

constexpr int nesting_levels_max = 32;  // of any message from outside; the library's own default is 100

// -------------------------------------------------------------------------------------------------- client messages

struct MessageBounds {
  std::uint64_t bytes_max = Limits{}.websocket_message_bytes_max;
  std::uint64_t frames_max = Limits{}.frames_per_message_max;
  [[nodiscard]] static MessageBounds of(const Limits& limits) {
    return {limits.websocket_message_bytes_max, limits.frames_per_message_max};
  }
};

// A message of at least one frame. InvalidArgument: too large, too many frames or none, nested too deep, text that is
// not UTF-8, or no protobuf at all. Frames of an unknown kind are legal (body_case() is BODY_NOT_SET).
absl::StatusOr<client::ClientMessage> parse_client_message(std::string_view bytes, const MessageBounds& bounds = {});
absl::StatusOr<client::ServerMessage> parse_server_message(std::string_view bytes, const MessageBounds& bounds = {});

// Appends one frame to the bytes of a message: `out` is a whole message before and after (an empty one to begin with).
void append_client_frame(const client::ClientFrame& frame, std::string& out);
void append_server_frame(const client::ServerFrame& frame, std::string& out);
// How much append_server_frame would add: what a send budget counts.
[[nodiscard]] std::uint64_t appended_bytes(const client::ServerFrame& frame);

// ------------------------------------------------------------------------------------------------------ peer frames

constexpr std::uint64_t peer_frame_overhead_bytes = 8;

// The body of a frame. InvalidArgument: too large, nested too deep, or malformed. A body of an unknown kind is legal.
absl::StatusOr<peer::PeerFrame> parse_peer_frame(std::string_view body);

// Appends prefix, body and checksum to `out`. The body is at most bounds::peer_frame_bytes_max: whoever made it cut it.
void append_framed(std::string_view body, std::string& out);

// Cuts a peer's byte stream into bodies, whatever the pieces in which it comes.
//
// Invariants: (1) the same bytes give the same bodies, however they are chunked; (2) it holds at most one frame that is
// not whole, and no more than about twice what has come (a prefix that announces 4 MiB costs nothing); (3) after an
// error it gives nothing any more: the place of the next frame is not known, so the link must be closed.
class FrameSplitter {
 public:
  explicit FrameSplitter(std::uint64_t body_bytes_max = bounds::peer_frame_bytes_max)
      : body_bytes_max_(body_bytes_max) {}

  // Appends each body that is now whole to `bodies`, also those before an error. InvalidArgument: a prefix over
  // the limit. DataLoss: a wrong checksum. Later calls repeat the error.
  absl::Status take(std::string_view chunk, std::vector<std::string>& bodies);

  // Bytes of a frame that is not whole; at the end of a stream: 0, or the last frame was torn.
  [[nodiscard]] std::uint64_t pending_bytes() const { return pending_.size(); }

  // For what comes from now on: who has said who it is may send more than a stranger.
  void raise_limit(std::uint64_t body_bytes_max) { body_bytes_max_ = std::max(body_bytes_max_, body_bytes_max); }

 private:
  std::uint64_t body_bytes_max_;
  std::string pending_;
  absl::Status error_;
};

}  // namespace chasqui::wire
