// A peer's messages to a replica of three, one after the other, between ticks and syncs: any bytes are legal, nothing
// crashes, and what is committed stays in order (rule 24).
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "core/base/check.h"
#include "core/replica/group.h"
#include "core/replica/image.h"
#include "fuzz/input.h"
#include "fuzz/quiet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chasqui;
  using namespace chasqui::replica;
  fuzz::Input input(data, size);
  Group::Settings settings;
  settings.self = ReplicaId(1);
  Group group(settings);
  std::int64_t ms = 1'000;
  const auto now = [&ms] { return Now{MonoTime{ms * 1'000'000}, WallTime{ms}}; };
  std::uint64_t writes = 0;
  RaftIndex last;
  const auto take = [&](replica::Outputs& out) {
    writes += out.appends.size();
    for (const Committed& entry : out.committed) {
      CHASQUI_ASSERT(entry.index == last.next(), "committed entries come in order, each once");
      last = entry.index;
    }
    out = replica::Outputs();
  };
  replica::Outputs out;
  (void)group.start(
      now(), {first_image(ShardId(), {ReplicaId(1), ReplicaId(2), ReplicaId(3)}), {}, {}, Group::OnDisk::NoEntries},
      out);
  take(out);
  while (!input.empty()) {
    const std::uint8_t what = input.byte();
    if (what % 4 == 0) {
      group.appended(now(), writes, out);
    } else if (what % 4 == 1) {
      ms += what;
      group.timeout(now(), out);
    } else {
      const std::size_t length = input.byte();
      peer::RaftMessage message;
      if (message.ParseFromString(std::string(input.piece(length)))) {
        // Mostly from a peer that may speak, to us: else nearly everything is dropped at the door.
        if (what % 8 < 6) {
          message.set_from(2 + what / 8 % 2);
          message.set_to(1);
        }
        group.receive(now(), message, out);
      }
    }
    take(out);
    if (const Snapshot* installing = group.installing(); installing != nullptr && what % 16 == 12) {
      last = installing->index;
      group.ingested(now(), installing->index, out);
      take(out);
    }
  }
  return 0;
}
