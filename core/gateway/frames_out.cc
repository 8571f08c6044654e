#include "core/gateway/frames_out.h"

#include "core/base/check.h"

namespace chasqui::gateway {
namespace {

constexpr std::uint32_t length_delimited = 2;  // protobuf's wire type

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void put_field(std::string& out, int number, std::string_view bytes) {
  put_varint(out, static_cast<std::uint64_t>(number) << 3 | length_delimited);
  put_varint(out, bytes.size());
  out.append(bytes);
}

}  // namespace

std::string encode(const client::ServerFrame& frame) {
  std::string out;
  const std::size_t bytes = frame.ByteSizeLong();
  out.reserve(bytes + 6);
  put_varint(out, client::ServerMessage::kFramesFieldNumber << 3 | length_delimited);
  put_varint(out, bytes);
  const bool appended = frame.AppendToString(&out);
  CHASQUI_ASSERT(appended, "a frame that we made can be serialized");
  return out;
}

std::string encode_push(const ConversationId& conversation, std::string_view event) {
  std::string push;
  push.reserve(event.size() + 32);
  put_field(push, client::Push::kConversationFieldNumber, conversation.bytes());
  put_field(push, client::Push::kEventFieldNumber, event);
  std::string frame;
  frame.reserve(push.size() + 8);
  put_field(frame, client::ServerFrame::kPushFieldNumber, push);
  std::string out;
  out.reserve(frame.size() + 6);
  put_field(out, client::ServerMessage::kFramesFieldNumber, frame);
  return out;
}

}  // namespace chasqui::gateway
