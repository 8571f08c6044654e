// What a link does to bytes: knob `codec`, in a tenth of the seeds.
//
// Between device and node one WebSocket message is one ClientMessage or ServerMessage, and WebSocket finds its ends; so
// bytes are never split there, but messages may be, between two frames, and may be glued (core/wire/frames.h).
// The stream codec of peer links has no link to carry in this world yet: so every message goes through it as well, cut
// into other pieces than it was written in, and must come out as it went in.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/wire/frames.h"
#include "sim/draw.h"

namespace chasqui::sim {

// The frames of a message as several messages. Bytes that are no message, or were not written as this program writes
// them, stay as they are.
[[nodiscard]] std::vector<std::string> split_client_message(std::string_view bytes, Dice& dice);
[[nodiscard]] std::vector<std::string> split_server_message(std::string_view bytes, Dice& dice);

// One direction of a stream: what is written as frames comes in chunks that know nothing of frames.
class StreamCheck {
 public:
  void write(std::string_view body) { wire::append_framed(body, stream_); }
  // The next body must be `body`; if not, why. Chunks may reach into the frames behind it, or end within it.
  [[nodiscard]] std::string read(std::string_view body, Dice& dice);

 private:
  std::string stream_;  // written and not yet fed
  wire::FrameSplitter splitter_;
  std::deque<std::string> bodies_;  // whole, and not yet read
};

}  // namespace chasqui::sim
