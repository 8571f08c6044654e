#include "core/wire/frames.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/digest.h"

namespace chasqui::wire {
namespace {

using google::protobuf::MessageLite;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr std::size_t prefix_bytes = 4;
constexpr std::size_t checksum_bytes = 4;
static_assert(prefix_bytes + checksum_bytes == peer_frame_overhead_bytes);
static_assert(bounds::peer_frame_bytes_max <= std::numeric_limits<std::uint32_t>::max());

CodedInputStream reader_of(std::string_view bytes) {
  return CodedInputStream(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
}

bool parse(std::string_view bytes, MessageLite& message) {
  CodedInputStream input = reader_of(bytes);
  input.SetRecursionLimit(nesting_levels_max);
  return message.ParseFromCodedStream(&input) && input.ConsumedEntireMessage();
}

// How many times field 1, the frames, stands at the top level; nullopt if the bytes are no protobuf. Two bytes of input
// make a frame object of a hundred, so they are counted before any is made.
std::optional<std::uint64_t> count_frames(std::string_view bytes) {
  constexpr std::uint32_t frames_tag = WireFormatLite::MakeTag(1, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  CodedInputStream input = reader_of(bytes);
  input.SetRecursionLimit(nesting_levels_max);
  std::uint64_t frames = 0;
  while (const std::uint32_t tag = input.ReadTag()) {
    if (!WireFormatLite::SkipField(&input, tag)) return std::nullopt;
    if (tag == frames_tag) ++frames;
  }
  if (!input.ConsumedEntireMessage()) return std::nullopt;
  return frames;
}

template <class Message>
absl::StatusOr<Message> parse_message(std::string_view bytes, const MessageBounds& bounds) {
  if (bytes.size() > std::min<std::uint64_t>(bounds.bytes_max, std::numeric_limits<int>::max())) {
    return absl::InvalidArgumentError(
        absl::StrCat("message has ", bytes.size(), " of at most ", bounds.bytes_max, " bytes: send less at once"));
  }
  const std::optional<std::uint64_t> frames = count_frames(bytes);
  if (frames && *frames > bounds.frames_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("message has ", *frames, " of at most ", bounds.frames_max, " frames: send fewer at once"));
  }
  if (frames && *frames == 0) return absl::InvalidArgumentError("message has no frame: send at least one");
  Message message;
  if (!frames || !parse(bytes, message)) {
    return absl::InvalidArgumentError(absl::StrCat("message of ", bytes.size(), " bytes is not a ",
                                                   Message::descriptor()->full_name(), " of at most ",
                                                   nesting_levels_max, " nested levels"));
  }
  return message;
}

template <class Frame>
void append_frame(const Frame& frame, std::string& out) {
  constexpr std::uint32_t frames_tag = WireFormatLite::MakeTag(1, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  static_assert(frames_tag < 0x80, "one byte");
  const std::size_t size = frame.ByteSizeLong();
  CHASQUI_ASSERT(size <= std::numeric_limits<std::uint32_t>::max(), "frames are made from bounded parts");
  std::uint8_t head[1 + 5];
  head[0] = static_cast<std::uint8_t>(frames_tag);
  const std::uint8_t* end =
      google::protobuf::io::CodedOutputStream::WriteVarint32ToArray(static_cast<std::uint32_t>(size), head + 1);
  out.append(reinterpret_cast<const char*>(head), static_cast<std::size_t>(end - head));
  const bool written = frame.AppendPartialToString(&out);
  CHASQUI_ASSERT(written, "a proto3 frame has no required fields and is under 2 GiB");
}

void append_u32(std::uint32_t value, std::string& out) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xFF));
}

std::uint32_t read_u32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

}  // namespace

absl::StatusOr<client::ClientMessage> parse_client_message(std::string_view bytes, const MessageBounds& bounds) {
  return parse_message<client::ClientMessage>(bytes, bounds);
}

absl::StatusOr<client::ServerMessage> parse_server_message(std::string_view bytes, const MessageBounds& bounds) {
  return parse_message<client::ServerMessage>(bytes, bounds);
}

void append_client_frame(const client::ClientFrame& frame, std::string& out) {
  append_frame(frame, out);
}

void append_server_frame(const client::ServerFrame& frame, std::string& out) {
  append_frame(frame, out);
}

std::uint64_t appended_bytes(const client::ServerFrame& frame) {
  const std::size_t size = frame.ByteSizeLong();
  return 1 + google::protobuf::io::CodedOutputStream::VarintSize64(size) + size;
}

absl::StatusOr<peer::PeerFrame> parse_peer_frame(std::string_view body) {
  if (body.size() > bounds::peer_frame_bytes_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("peer frame has ", body.size(), " of at most ", bounds::peer_frame_bytes_max, " bytes"));
  }
  peer::PeerFrame frame;
  if (!parse(body, frame)) {
    return absl::InvalidArgumentError(absl::StrCat("peer frame of ", body.size(), " bytes is malformed"));
  }
  return frame;
}

void append_framed(std::string_view body, std::string& out) {
  CHASQUI_ASSERT(body.size() <= bounds::peer_frame_bytes_max, "whoever makes a peer frame cuts it below the limit");
  const std::size_t begin = out.size();
  append_u32(static_cast<std::uint32_t>(body.size()), out);
  out.append(body);
  append_u32(crc32c(std::string_view(out).substr(begin)), out);
}

absl::Status FrameSplitter::take(std::string_view chunk, std::vector<std::string>& bodies) {
  if (!error_.ok()) return error_;
  while (true) {
    // What comes first is completed in `pending_`; whole frames in the chunk are read where they are.
    std::string_view source = chunk;
    if (!pending_.empty()) {
      const std::size_t known =
          pending_.size() < prefix_bytes ? prefix_bytes : read_u32(pending_) + peer_frame_overhead_bytes;
      const std::size_t more = std::min(known - pending_.size(), chunk.size());
      pending_.append(chunk.substr(0, more));
      chunk.remove_prefix(more);
      source = pending_;
    }
    if (source.size() < prefix_bytes) break;
    const std::uint32_t length = read_u32(source);
    if (length > body_bytes_max_) {
      error_ = absl::InvalidArgumentError(absl::StrCat("peer announces a frame of ", length, " of at most ",
                                                       body_bytes_max_, " bytes: the link is closed"));
      break;
    }
    const std::size_t whole = length + peer_frame_overhead_bytes;
    if (source.size() < whole) {
      if (!pending_.empty() && !chunk.empty()) continue;  // the length is known now: take the rest
      break;
    }
    if (crc32c(source.substr(0, prefix_bytes + length)) != read_u32(source.substr(prefix_bytes + length))) {
      error_ = absl::DataLossError(
          absl::StrCat("peer frame of ", length, " bytes has a wrong checksum: the link is closed"));
      break;
    }
    bodies.emplace_back(source.substr(prefix_bytes, length));
    if (pending_.empty()) {
      chunk.remove_prefix(whole);
    } else {
      pending_ = std::string();  // not clear(): one large frame would be held for the life of the link
    }
  }
  if (!error_.ok()) {
    pending_ = std::string();
    return error_;
  }
  if (pending_.empty()) pending_.assign(chunk);
  CHASQUI_ASSERT(pending_.size() < body_bytes_max_ + peer_frame_overhead_bytes, "a whole frame is handed out");
  return absl::OkStatus();
}

}  // namespace chasqui::wire
