// A whole node, with two people logged in and a socket that is not, under whatever clients, peers and HTTP may send, in
// any order with time, slow disks, slow readers and kill -9. It never stops, everything that it sends can be read, and
// as long as no peer lied, a person who had nothing to do with it is served afterwards.
//
// Input: operations of 1 byte (low 4 bits: which; high 4: whose session), each with its own arguments.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/io.h"
#include "core/testing/cluster.h"
#include "fuzz/input.h"
#include "fuzz/quiet.h"

namespace {

using namespace chasqui;

constexpr NodeId peer_node(2);

client::ClientFrame send_frame(const ConversationId& conversation) {
  client::Payload payload;
  payload.set_nonce(std::string(16, 'n'));
  payload.set_text("hola");
  client::ClientFrame frame;
  frame.set_request_id(77);
  frame.mutable_send()->set_conversation(conversation.str());
  frame.mutable_send()->set_outbox_seq(1);
  frame.mutable_send()->set_payload(payload.SerializeAsString());
  return frame;
}

// An account of whoever has had nothing to do with the input, which may have taken any name.
testing::Login stranger(testing::Cluster& world) {
  const std::string secret(32, 'z');
  for (char c = 'a'; c <= 'z'; ++c) {
    const std::string handle = std::string("stranger_") + c;
    const HttpAnswer answer = world.call(ProvisionCall{handle, "phone", std::string(view(blake2b_256(secret)))});
    if (answer.code == 0) return {answer.user, answer.device, secret, handle};
    CHASQUI_ASSERT(answer.code == client::ALREADY_EXISTS, "only a name that is taken is refused");
  }
  CHASQUI_ASSERT(false, "64 operations do not take 26 names");
  return {};
}

// Once nothing is held back any more, whoever is new is served as if nothing had been.
void serves_a_stranger(testing::Cluster& world) {
  world.run_for(seconds(600));
  const testing::Login carla = stranger(world);
  const SessionId session = world.connect(carla);
  world.send_frame(session, send_frame(ConversationId::direct(carla.user, carla.user)));
  world.run_for(seconds(1));
  bool accepted = false;
  for (const auto& frame : world.received(session)) accepted = accepted || frame.has_accepted();
  CHASQUI_ASSERT(accepted, "a stranger to all that is served");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  testing::Cluster world(ShardCount{2});
  const testing::Login people[2] = {world.provision("ana"), world.provision("beto")};
  SessionId sessions[3] = {world.connect(people[0]), world.connect(people[1]), world.open()};
  bool peers_spoke = false;
  bool drained = false;
  std::uint64_t generation = 1;
  std::uint64_t call = 1'000'000;

  for (int operations = 0; !input.empty() && operations < 64; ++operations) {
    const std::uint8_t which = input.byte();
    SessionId& session = sessions[(which >> 4) % 3];
    switch (which & 0x0F) {
      case 0:
      case 1: world.send_bytes(session, std::string(input.piece(input.number()))); break;
      case 2:
        world.input(PeerFrame{peer_node, std::string(input.piece(input.number()))});
        peers_spoke = true;
        break;
      case 3: world.run_for(milliseconds(input.number())); break;
      case 4: world.input(SessionClosed{session}); break;
      case 5: session = world.connect(people[(which >> 4) % 2], Version(), ++generation); break;
      case 6: session = world.open(); break;
      case 7: world.hold_syncs = !world.hold_syncs; break;
      case 8: world.hold_writes = !world.hold_writes; break;
      case 9:
        if (!drained) world.crash_and_restart();
        break;
      case 10: {
        const std::string handle(input.piece(input.byte() % 40U));
        const std::string device(input.piece(input.byte() % 80U));
        const std::string hash(32, static_cast<char>(input.byte()));
        if (which >> 4 == 0) {
          world.input(HttpCall{CallId(++call), Address{}, CreateAccountCall{handle, device, hash}});
        } else {
          world.input(HttpCall{CallId(++call), Address{}, LoginCall{handle, device, hash}});
        }
        break;
      }
      case 11: world.input(CallAbandoned{CallId(call)}); break;
      case 12: world.input(ReadDone{ReadId(input.number()), {}}); break;
      case 13: world.input(SessionWritable{session, input.number()}); break;
      case 14: world.input(Pressure{static_cast<Pressure::Disk>(input.byte() % 3), input.byte() % 2 == 1}); break;
      default:
        if (which == 0xFF) {
          world.input(Drain{});
          drained = true;
        } else {
          world.flush();
        }
    }
  }

  world.release_syncs();  // a disk that answers again, also to a node that was restarted meanwhile
  world.hold_writes = false;
  for (const SessionId session : sessions) world.release_writes(session);
  world.input(Pressure{});
  if (!peers_spoke && !drained) serves_a_stranger(world);
  return 0;
}
