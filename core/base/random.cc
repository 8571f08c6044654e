#include "core/base/random.h"

#include <sodium/crypto_generichash.h>

#include "core/base/check.h"

namespace chasqui {

std::uint64_t Random::next_64() {
  if (used_ == block_.size()) {
    std::array<std::uint8_t, 8> counter;
    for (std::size_t i = 0; i < 8; ++i) counter[i] = static_cast<std::uint8_t>(block_number_ >> (8 * i));
    ++block_number_;
    crypto_generichash_blake2b(block_.data(), block_.size(), counter.data(), counter.size(), seed_.data(),
                               seed_.size());
    used_ = 0;
  }
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | block_[used_ + i];
  used_ += 8;
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  CHASQUI_ASSERT(bound > 0, "a draw needs at least one possible value");
  // Rejecting the uneven rest keeps it uniform; for every bound at least half of the draws are taken.
  const std::uint64_t rest = (std::uint64_t{0} - bound) % bound;
  for (;;) {
    const std::uint64_t draw = next_64();
    if (draw >= rest) return draw % bound;
  }
}

std::string Random::bytes(std::size_t count) {
  std::string out;
  out.reserve(count);
  while (out.size() < count) {
    const std::uint64_t draw = next_64();
    for (std::size_t i = 0; i < 8 && out.size() < count; ++i) out.push_back(static_cast<char>(draw >> (8 * i)));
  }
  return out;
}

Seed Random::seed() {
  Seed child;
  const std::string drawn = bytes(child.size());
  for (std::size_t i = 0; i < child.size(); ++i) child[i] = static_cast<std::uint8_t>(drawn[i]);
  return child;
}

}  // namespace chasqui
