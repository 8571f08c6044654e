#include "core/wire/frames.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chasqui::wire {
namespace {

// Feeds `stream` in pieces of the given sizes, over and over, and returns every body that came out.
std::vector<std::string> split(FrameSplitter& splitter, std::string_view stream, const std::vector<std::size_t>& sizes,
                               absl::Status& status) {
  std::vector<std::string> bodies;
  for (std::size_t i = 0; !stream.empty(); ++i) {
    const std::size_t size = sizes.empty() ? stream.size() : std::min(stream.size(), sizes[i % sizes.size()]);
    status.Update(splitter.take(stream.substr(0, size), bodies));
    stream.remove_prefix(size);
  }
  return bodies;
}

std::string framed(const std::vector<std::string>& bodies) {
  std::string stream;
  for (const std::string& body : bodies) append_framed(body, stream);
  return stream;
}

RC_GTEST_PROP(FrameSplitterLaw, any_chunking_gives_the_same_frames, (const std::vector<std::string>& bodies)) {
  const auto sizes = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange(1, 40)));
  FrameSplitter splitter;
  absl::Status status;
  RC_ASSERT(split(splitter, framed(bodies), sizes, status) == bodies);
  RC_ASSERT(status.ok());
  RC_ASSERT(splitter.pending_bytes() == 0U);
}

RC_GTEST_PROP(FrameSplitterLaw, a_flipped_bit_never_passes_as_another_frame, (const std::vector<std::string>& before)) {
  const auto hit = *rc::gen::arbitrary<std::string>();
  std::string stream = framed(before);
  const std::size_t begin = stream.size();
  append_framed(hit, stream);
  const std::size_t at = begin + *rc::gen::inRange<std::size_t>(0, stream.size() - begin);
  stream[at] = static_cast<char>(stream[at] ^ (1 << *rc::gen::inRange(0, 8)));

  FrameSplitter splitter;
  absl::Status status;
  // Every frame before the damage comes out; the damaged one is an error, or is still waited for.
  RC_ASSERT(split(splitter, stream, {7}, status) == before);
  RC_ASSERT(!status.ok() || splitter.pending_bytes() > 0U);
}

TEST(FrameSplitter, gives_a_frame_of_the_largest_size) {
  const std::string body(bounds::peer_frame_bytes_max, 'x');
  FrameSplitter splitter;
  absl::Status status;
  EXPECT_EQ(split(splitter, framed({body, "after"}), {65536}, status), (std::vector<std::string>{body, "after"}));
  EXPECT_TRUE(status.ok()) << status;
}

TEST(FrameSplitter, refuses_a_frame_one_byte_too_large_before_its_body_comes) {
  FrameSplitter splitter;
  std::vector<std::string> bodies;
  const absl::Status status = splitter.take(std::string("\x00\x40\x00\x01", 4), bodies);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("4194305"), std::string::npos) << status;
  EXPECT_EQ(splitter.pending_bytes(), 0U);
}

TEST(FrameSplitter, stays_broken_after_a_wrong_checksum) {
  std::string bad = framed({"one"});
  bad.back() = static_cast<char>(bad.back() ^ 1);
  FrameSplitter splitter;
  std::vector<std::string> bodies;
  EXPECT_TRUE(splitter.take(framed({"zero"}), bodies).ok());
  EXPECT_EQ(splitter.take(bad, bodies).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(splitter.take(framed({"two"}), bodies).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(bodies, std::vector<std::string>{"zero"});
}

TEST(FrameSplitter, knows_that_a_frame_is_torn) {
  std::string torn = framed({"hola"});
  torn.pop_back();
  FrameSplitter splitter;
  std::vector<std::string> bodies;
  EXPECT_TRUE(splitter.take(torn, bodies).ok());
  EXPECT_TRUE(bodies.empty());
  EXPECT_EQ(splitter.pending_bytes(), torn.size());
}

client::ClientFrame ping(std::uint64_t request) {
  client::ClientFrame frame;
  frame.set_request_id(request);
  frame.mutable_ping();
  return frame;
}

TEST(ClientMessage, frames_appended_one_by_one_are_one_message) {
  std::string bytes;
  append_client_frame(ping(1), bytes);
  append_client_frame(ping(300), bytes);
  const auto message = parse_client_message(bytes);
  ASSERT_TRUE(message.ok()) << message.status();
  ASSERT_EQ(message->frames_size(), 2);
  EXPECT_EQ(message->frames(1).request_id(), 300U);
  EXPECT_EQ(message->SerializeAsString(), bytes);
}

TEST(ClientMessage, what_a_server_frame_adds_is_known_beforehand) {
  client::ServerFrame frame;
  std::string bytes = "";
  for (const std::size_t size : {0U, 1U, 100U, 127U, 128U, 20000U}) {
    frame.mutable_error()->set_message(std::string(size, 'x'));
    const std::size_t before = bytes.size();
    append_server_frame(frame, bytes);
    EXPECT_EQ(bytes.size() - before, appended_bytes(frame));
  }
  const auto message = parse_server_message(bytes);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->frames_size(), 6);
}

TEST(ClientMessage, at_the_limits_is_taken_and_one_above_is_refused) {
  std::string bytes;
  for (int i = 0; i < 3; ++i) append_client_frame(ping(1), bytes);
  EXPECT_TRUE(parse_client_message(bytes, {.bytes_max = bytes.size(), .frames_max = 3}).ok());
  EXPECT_EQ(parse_client_message(bytes, {.bytes_max = bytes.size() - 1, .frames_max = 3}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(parse_client_message(bytes, {.bytes_max = bytes.size(), .frames_max = 2}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(ClientMessage, one_without_any_frame_is_refused) {
  EXPECT_FALSE(parse_client_message("").ok());
  EXPECT_FALSE(parse_client_message("not protobuf").ok());
  EXPECT_FALSE(parse_client_message("\x0A\x05").ok());  // promises five bytes that do not come
}

TEST(ClientMessage, a_frame_of_a_future_kind_is_passed_on_without_a_body) {
  const std::string future("\x0A\x05\x08\x07\x82\x06\x00", 7);  // request_id 7, field 96: an empty message
  const auto message = parse_client_message(future);
  ASSERT_TRUE(message.ok()) << message.status();
  ASSERT_EQ(message->frames_size(), 1);
  EXPECT_EQ(message->frames(0).request_id(), 7U);
  EXPECT_EQ(message->frames(0).body_case(), client::ClientFrame::BODY_NOT_SET);
}

// Unknown groups are the only thing in our messages that can nest without end.
std::string nested_groups(int levels) {
  std::string inner;
  for (int i = 0; i < levels; ++i) inner += '\x7B';  // start of group 15
  for (int i = 0; i < levels; ++i) inner += '\x7C';
  std::string bytes = "\x0A";
  bytes += static_cast<char>(inner.size());
  return bytes + inner;
}

TEST(ClientMessage, nesting_beyond_the_limit_is_refused) {
  EXPECT_TRUE(parse_client_message(nested_groups(nesting_levels_max - 1)).ok());
  EXPECT_FALSE(parse_client_message(nested_groups(nesting_levels_max + 1)).ok());
}

TEST(ClientMessage, text_that_is_not_utf8_is_refused) {
  client::ClientFrame frame = ping(1);
  frame.mutable_lookup()->set_handle("ana");
  std::string bytes;
  append_client_frame(frame, bytes);
  bytes[bytes.size() - 1] = '\xFF';
  EXPECT_FALSE(parse_client_message(bytes).ok());
}

RC_GTEST_PROP(ClientMessageLaw, no_bytes_can_hurt_a_parser, (const std::string& bytes)) {
  const auto message = parse_client_message(bytes);
  if (message.ok()) RC_ASSERT(message->frames_size() >= 1);
  (void)parse_server_message(bytes).ok();
  (void)parse_peer_frame(bytes).ok();
}

TEST(PeerFrame, comes_back_as_it_was) {
  peer::PeerFrame frame;
  frame.mutable_raft()->add_messages()->set_term(7);
  const auto back = parse_peer_frame(frame.SerializeAsString());
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->raft().messages(0).term(), 7U);
  EXPECT_TRUE(parse_peer_frame("").ok());  // an unknown kind, or none: ignored by its reader
  EXPECT_FALSE(parse_peer_frame("\x12\x05").ok());
  EXPECT_FALSE(parse_peer_frame(std::string(bounds::peer_frame_bytes_max + 1, '\0')).ok());
}

}  // namespace
}  // namespace chasqui::wire
