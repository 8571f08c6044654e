// Bytes of a peer link, in pieces. However they are cut, the same bodies come out; a body that parses is legal; and a
// body that is framed comes back.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/wire/frames.h"
#include "fuzz/input.h"
#include "fuzz/quiet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chasqui;
  fuzz::Input input(data, size);
  const std::size_t step = 1U + input.byte();
  const bool frame_it = input.byte() % 2 == 1;

  std::string stream;
  if (frame_it) {
    wire::append_framed(input.rest(), stream);
  } else {
    stream = input.rest();
  }
  std::vector<std::string> whole;
  wire::FrameSplitter at_once;
  const absl::Status status = at_once.take(stream, whole);

  std::vector<std::string> pieces;
  wire::FrameSplitter bit_by_bit;
  absl::Status pieces_status;
  for (std::size_t at = 0; at < stream.size(); at += step) {
    pieces_status = bit_by_bit.take(std::string_view(stream).substr(at, step), pieces);
    if (!pieces_status.ok()) break;
  }
  CHASQUI_ASSERT(whole == pieces && status == pieces_status, "chunks do not matter");
  CHASQUI_ASSERT(!frame_it || (whole.size() == 1 && whole[0] == input.rest()), "what was framed comes back");
  for (const std::string& body : whole) (void)wire::parse_peer_frame(body).ok();
  return 0;
}
