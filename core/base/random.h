// The core's only source of randomness: a stream made from the 32 bytes that its owner gave it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace chasqui {

using Seed = std::array<std::uint8_t, 32>;

// BLAKE2b-512 keyed by the seed, over a counter: unpredictable to whoever does not know the seed, equal everywhere.
class Random {
 public:
  explicit Random(const Seed& seed) : seed_(seed) {}
  [[nodiscard]] std::uint64_t next_64();
  // Uniform in 0..bound-1; bound > 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);
  [[nodiscard]] std::string bytes(std::size_t count);
  [[nodiscard]] Seed seed();  // for a child stream

 private:
  Seed seed_;
  std::uint64_t block_number_ = 0;
  std::array<std::uint8_t, 64> block_{};
  std::size_t used_ = 64;
};

}  // namespace chasqui
