// What comes to the peer port before it is known from whom, as net/peer_link.cc takes it: bytes of any kind, a frame
// that is no hello, a hello of anybody. Who passes is a process of this cluster with its own nodes, and nobody is
// refused without a sentence; what a process of ours says of itself passes.
//
// Input: 1 byte size of a piece - 1, 1 byte whether the rest is a body that is yet to be framed, the rest.
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/wire/addressed.h"
#include "core/wire/frames.h"
#include "fuzz/input.h"
#include "fuzz/quiet.h"
#include "net/peer_hello.h"

namespace {

using namespace chasqui;

const std::string cluster(16, 'n');

PeerIdentity identity(std::uint64_t process) {
  PeerIdentity self{ProcessId(process), cluster, ShardCount{64}, {}};
  for (std::uint64_t i = 0; i < 2; ++i) self.stores[node_of(self.process, i)] = std::string(16, 's');
  return self;
}

// Processes 1, 2 and 3, of which 1 is asked.
const std::map<ProcessId, std::vector<NodeId>> others = {
    {ProcessId(2), {node_of(ProcessId(2), 0), node_of(ProcessId(2), 1)}},
    {ProcessId(3), {node_of(ProcessId(3), 0), node_of(ProcessId(3), 1)}}};

void greet(const peer::PeerHello& hello, const PeerIdentity& self) {
  const PeerChecked checked = check_hello(hello, self, others);
  if (!checked.ok()) {
    CHASQUI_ASSERT(!checked.refusal.sentence.empty() && checked.refusal.sentence.size() < 1'024, "a refusal says why");
    peer::PeerFrame told;
    CHASQUI_ASSERT(told.ParseFromString(closing_frame(peer::PeerClosing::REFUSED, checked.refusal.sentence)),
                   "it can be told");
    return;
  }
  const auto member = others.find(checked.identity.process);
  CHASQUI_ASSERT(member != others.end() && hello.cluster() == cluster && hello.to() == self.process.value() &&
                     hello.shards() == self.shards.value,
                 "who passes is of this cluster, and means us");
  CHASQUI_ASSERT(checked.identity.stores.size() == member->second.size(), "with its nodes, each once");
  for (const NodeId node : member->second) {
    CHASQUI_ASSERT(checked.identity.stores.at(node).size() == 16, "each has a store");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const PeerIdentity self = identity(1);
  const std::size_t step = 1U + input.byte();
  std::string stream;
  if (input.byte() % 2 == 1) {
    if (input.rest().size() > hello_bytes_max) return 0;
    wire::append_addressed({NodeId(2), NodeId()}, input.rest(), stream);
  } else {
    stream = input.rest();
  }
  wire::FrameSplitter splitter(hello_bytes_max);
  std::vector<std::string> bodies;
  for (std::size_t at = 0; at < stream.size(); at += step) {
    if (!splitter.take(std::string_view(stream).substr(at, step), bodies).ok()) break;
    CHASQUI_ASSERT(splitter.pending_bytes() <= hello_bytes_max + wire::peer_frame_overhead_bytes,
                   "a stranger costs no more than a hello");
  }
  for (std::string& body : bodies) {
    const std::optional<wire::PeerAddress> address = wire::take_address(body);
    if (!address || address->to) return 0;
    const auto frame = wire::parse_peer_frame(body);
    if (!frame.ok()) return 0;
    if (frame->has_hello()) greet(frame->hello(), self);
  }
  peer::PeerFrame ours;
  CHASQUI_ASSERT(ours.ParseFromString(hello_frame(identity(2), self.process)), "we write what can be read");
  CHASQUI_ASSERT(check_hello(ours.hello(), self, others).ok(), "a process of ours passes");
  return 0;
}
