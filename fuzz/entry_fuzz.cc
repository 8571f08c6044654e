// Bytes of the log: entries of a shard, from a peer that may be anybody. Apply is total, answers every command, and is
// a function of its input: a second machine, started anew from the rows after each entry, holds the same rows and says
// the same as one that keeps them in memory.
//
// Input: (2 bytes length, entry) repeated. Length 0xFFFF: a barrier.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/check.h"
#include "core/shard/apply.h"
#include "core/testing/mem_store.h"
#include "fuzz/input.h"
#include "fuzz/quiet.h"
#include "proto/log.pb.h"

namespace {

void write_out(chasqui::shard::Machine& machine, chasqui::testing::MemStore& store) {
  chasqui::WriteBatch batch;
  machine.write_out(batch, 1 << 16);
  store.write(batch);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chasqui;
  constexpr std::uint16_t barrier = 0xFFFF;
  constexpr RaftTerm term(1);
  fuzz::Input input(data, size);
  testing::MemStore store;
  testing::MemStore other_store;
  shard::Machine machine(ShardId(0), ShardCount{1}, store);
  LogTime before;
  for (RaftIndex index(1); !input.empty() && index.value() <= 256; index = index.next()) {
    const std::uint16_t length = input.number();
    const std::string_view entry = length == barrier ? std::string_view() : input.piece(length);

    const shard::Applied applied = machine.apply(index, term, length != barrier, entry);
    log::Entry decoded;
    const bool legal = decoded.ParseFromArray(entry.data(), static_cast<int>(entry.size()));
    if (length == barrier) {
      CHASQUI_ASSERT(applied.replies.empty(), "a barrier has no command");
    } else if (applied.malformed) {
      CHASQUI_ASSERT(applied.replies.empty(), "what does not decode has no answers");
    } else {
      CHASQUI_ASSERT(legal, "only what decodes is applied");
      CHASQUI_ASSERT(applied.replies.size() == static_cast<std::size_t>(decoded.commands_size()),
                     "each command has an answer");
    }
    // Now and then: what lies in memory is as good as what lies in the store.
    if (index.value() % 3 == 0) write_out(machine, store);
    CHASQUI_ASSERT(machine.applied_index() == index, "the index moves by one");
    CHASQUI_ASSERT(machine.log_time() >= before, "log time never goes back");
    before = machine.log_time();

    shard::Machine other(ShardId(0), ShardCount{1}, other_store);
    const shard::Applied again = other.apply(index, term, length != barrier, entry);
    write_out(other, other_store);
    CHASQUI_ASSERT(again.replies.size() == applied.replies.size() && again.malformed == applied.malformed,
                   "two replicas say the same");
    CHASQUI_ASSERT(again.consequences.size() == applied.consequences.size(), "two replicas say the same");
    CHASQUI_ASSERT(other.numbers().rolling_hash() == machine.numbers().rolling_hash(), "two replicas agree");
  }
  write_out(machine, store);
  CHASQUI_ASSERT(store.rows() == other_store.rows(), "two replicas hold the same rows, byte for byte");
  return 0;
}
