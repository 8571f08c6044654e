// Bytes of a WebSocket message, from anybody. What parses has frames within the limits, and means the same when it is
// written again, frame by frame.
#include <google/protobuf/util/message_differencer.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/check.h"
#include "core/wire/frames.h"
#include "fuzz/quiet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chasqui;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto message = wire::parse_client_message(bytes); message.ok()) {
    CHASQUI_ASSERT(message->frames_size() >= 1 && message->frames_size() <= 1024, "within the limits");
    std::string again;
    for (const auto& frame : message->frames()) wire::append_client_frame(frame, again);
    // Unknown fields beside `frames` are dropped on the way, so a message may only shrink.
    const auto second = wire::parse_client_message(again, {.bytes_max = 1U << 30, .frames_max = 1024});
    CHASQUI_ASSERT(second.ok() && second->frames_size() == message->frames_size(), "what was written can be read");
    for (int i = 0; i < second->frames_size(); ++i) {
      CHASQUI_ASSERT(google::protobuf::util::MessageDifferencer::Equals(message->frames(i), second->frames(i)),
                     "a frame means the same");
    }
  }
  if (const auto message = wire::parse_server_message(bytes); message.ok()) {
    std::string again;
    for (const auto& frame : message->frames()) wire::append_server_frame(frame, again);
    CHASQUI_ASSERT(wire::parse_server_message(again, {.bytes_max = 1U << 30, .frames_max = 1024}).ok(),
                   "what was written can be read");
  }
  return 0;
}
