#include "sim/codec.h"

#include <gtest/gtest.h>

namespace chasqui::sim {
namespace {

std::string message_of(int frames) {
  client::ClientMessage message;
  for (int i = 0; i < frames; ++i) {
    message.add_frames()->set_request_id(static_cast<std::uint64_t>(i) + 1);
    message.mutable_frames(i)->mutable_ping();
  }
  return message.SerializeAsString();
}

TEST(Codec, what_is_written_comes_out_in_whatever_chunks) {
  Dice dice(1, Concern::Codec, 0);
  StreamCheck stream;
  std::vector<std::string> bodies;
  for (int i = 0; i < 200; ++i) bodies.push_back(std::string(dice.log_roll(1, 20'000), static_cast<char>(i)));
  bodies.emplace_back();
  for (const std::string& body : bodies) stream.write(body);
  for (const std::string& body : bodies) EXPECT_EQ(stream.read(body, dice), "");
}

TEST(Codec, another_or_a_missing_frame_is_noticed) {
  Dice dice(2, Concern::Codec, 0);
  StreamCheck stream;
  stream.write("one");
  EXPECT_NE(stream.read("two", dice), "");
  EXPECT_NE(stream.read("three", dice), "");
}

TEST(Codec, messages_are_split_between_frames_only) {
  Dice dice(3, Concern::Codec, 0);
  const std::string whole = message_of(20);
  const std::vector<std::string> pieces = split_client_message(whole, dice);
  EXPECT_GT(pieces.size(), 1U);
  std::string glued;
  int frames = 0;
  for (const std::string& piece : pieces) {
    client::ClientMessage message;
    ASSERT_TRUE(message.ParseFromString(piece));
    frames += message.frames_size();
    glued += piece;
  }
  EXPECT_EQ(frames, 20);
  EXPECT_EQ(glued, whole);
}

TEST(Codec, what_is_no_message_stays_as_it_is) {
  Dice dice(4, Concern::Codec, 0);
  const std::string garbage("\xff\xff\xff", 3);
  EXPECT_EQ(split_server_message(garbage, dice), std::vector<std::string>{garbage});
}

}  // namespace
}  // namespace chasqui::sim
