#include "core/wire/addressed.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "core/wire/frames.h"

namespace chasqui::wire {
namespace {

RC_GTEST_PROP(AddressedLaw, what_was_addressed_comes_out_whole_and_for_whom, (const std::vector<std::string>& frames)) {
  std::string stream;
  std::uint32_t node = 1;
  for (const std::string& frame : frames) append_addressed({NodeId(node++), NodeId(4097)}, frame, stream);
  FrameSplitter splitter(addressed_bytes_max);
  std::vector<std::string> bodies;
  RC_ASSERT(splitter.take(stream, bodies).ok());
  RC_ASSERT(bodies.size() == frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto address = take_address(bodies[i]);
    RC_ASSERT(address && *address == (PeerAddress{NodeId(i + 1), NodeId(4097)}));
    RC_ASSERT(bodies[i] == frames[i]);
  }
}

TEST(Addressed, the_largest_frame_passes_a_splitter_of_its_limit) {
  std::string stream;
  append_addressed({NodeId(1), NodeId(2)}, std::string(bounds::peer_frame_bytes_max, 'x'), stream);
  FrameSplitter splitter(16);
  splitter.raise_limit(addressed_bytes_max);
  std::vector<std::string> bodies;
  ASSERT_TRUE(splitter.take(stream, bodies).ok());
  EXPECT_EQ(bodies.at(0).size(), addressed_bytes_max);
  FrameSplitter strict(16);
  EXPECT_EQ(strict.take(stream, bodies).code(), absl::StatusCode::kInvalidArgument);
}

TEST(Addressed, a_body_too_short_for_an_address_is_left_alone) {
  std::string body = "1234567";
  EXPECT_FALSE(take_address(body));
  EXPECT_EQ(body, "1234567");
}

}  // namespace
}  // namespace chasqui::wire
