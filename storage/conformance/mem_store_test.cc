// The store in memory, on which the core's tests and the simulator stand, does what RocksDB does.
#include "core/testing/mem_store.h"
#include "storage/store_conformance.h"

namespace chasqui {
namespace {

struct MemMaker {
  testing::MemStore memory;
  Store& store() { return memory; }
  RangeResult read(const RangeRead& range) { return memory.read(range); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreConformance, MemMaker);

}  // namespace
}  // namespace chasqui
