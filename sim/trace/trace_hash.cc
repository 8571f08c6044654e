#include "sim/trace/trace_hash.h"

#include <array>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace chasqui::sim {

std::string Hash128::hex() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint64_t half : {high, low}) {
    for (int shift = 60; shift >= 0; shift -= 4) text.push_back(digits[(half >> shift) & 15]);
  }
  return text;
}

// Records are gathered first: XXH3 likes few and long updates.
struct TraceHash::State {
  XXH3_state_t xxh;
  std::string gathered;
};

TraceHash::TraceHash() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(&state_->xxh);
}
TraceHash::~TraceHash() = default;

void TraceHash::add(std::string_view record) {
  std::string& gathered = state_->gathered;
  const std::uint64_t size = record.size();
  std::array<char, 8> length{};
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(size >> (8 * i));
  gathered.append(length.data(), length.size());
  gathered.append(record);
  if (gathered.size() >= 16'384) {
    XXH3_128bits_update(&state_->xxh, gathered.data(), gathered.size());
    gathered.clear();
  }
  if (++records_ % records_per_checkpoint == 0) checkpoints_.push_back(now());
}

Hash128 TraceHash::now() const {
  XXH3_128bits_update(&state_->xxh, state_->gathered.data(), state_->gathered.size());
  state_->gathered.clear();
  const XXH128_hash_t hash = XXH3_128bits_digest(&state_->xxh);
  return {hash.high64, hash.low64};
}

}  // namespace chasqui::sim
