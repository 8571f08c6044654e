// The simulator's noise: every draw is a stateless mix of (seed, concern, entity, n).
//
// No generator has a position that could shift, so one draw more or less in one place leaves all others as they were:
// without that, shrinking a plan is luck (SIMULATION.md section 2). Integers only: no floating point, no <random>,
// whose distributions differ by library. One draw per statement, since the order of evaluation differs by compiler.
#pragma once

#include <bit>
#include <cstdint>

#include "core/base/check.h"

namespace chasqui::sim {

// What a draw is for. A new concern goes to the end: the numbers enter the mix, and so every trace.
enum class Concern : std::uint32_t {
  Plan = 1,
  Items = 2,
  Person = 3,
  NodeSeed = 4,
  DeviceSeed = 5,
  StepCost = 6,
  WakeLate = 7,
  Sync = 8,
  ReadDelay = 9,
  Flush = 10,
  Link = 11,
  Break = 12,
  Connect = 13,
  Learn = 14,
  Password = 15,
  Journal = 16,
  CrashDisk = 17,
  CrashPhone = 18,
  Think = 19,
  Tie = 20,
  Secret = 21,
  Spurious = 22,
  Clock = 23,
  Maybe = 24,
  HostilePlan = 30,
  Hostile = 31,
  Codec = 32,
  Audit = 33,
  Phones = 40,  // 25 to 39: of others
  Disks = 41,
  Streams = 42,
  ClusterPlan = 50,
  Peers = 51,
  Servers = 52,
  About = 60,
  Groups = 70,
  Mentions = 71,
  Gates = 80,
};

__extension__ using Wide = unsigned __int128;

[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// 64 uniform bits. The constants are wyhash's: odd, with half of their bits set.
[[nodiscard]] constexpr std::uint64_t draw(std::uint64_t seed, Concern concern, std::uint64_t entity, std::uint64_t n) {
  const std::uint64_t a =
      mix(seed ^ 0xa0761d6478bd642fULL, static_cast<std::uint64_t>(concern) ^ 0xe7037ed1a0b428dbULL);
  const std::uint64_t b = mix(entity ^ 0x8ebc6af09c88c6e3ULL, a ^ 0x589965cc75374cc3ULL);
  const std::uint64_t c = mix(n ^ 0x1d8e4e27c47d124fULL, b ^ 0xeb44accab455d165ULL);
  return mix(c ^ a, b ^ 0xa0761d6478bd642fULL);
}

// Distributions over 64 uniform bits.

// 0..bound-1; bound > 0.
[[nodiscard]] constexpr std::uint64_t below(std::uint64_t bits, std::uint64_t bound) {
  return static_cast<std::uint64_t>((static_cast<Wide>(bits) * bound) >> 64);
}
// low..high, both included.
[[nodiscard]] constexpr std::uint64_t between(std::uint64_t bits, std::uint64_t low, std::uint64_t high) {
  return low + below(bits, high - low + 1);
}
// True `ppm` times in a million.
[[nodiscard]] constexpr bool chance_ppm(std::uint64_t bits, std::uint64_t ppm) {
  return below(bits, 1'000'000) < ppm;
}
// low..high, each octave as likely as the next, uniform within it; low > 0.
[[nodiscard]] constexpr std::uint64_t log_uniform(std::uint64_t bits, std::uint64_t low, std::uint64_t high) {
  const std::uint64_t first = static_cast<std::uint64_t>(std::bit_width(low));
  const std::uint64_t last = static_cast<std::uint64_t>(std::bit_width(high));
  const std::uint64_t octave = between(bits, first, last);
  const std::uint64_t begin = std::uint64_t{1} << (octave - 1);
  const std::uint64_t end = octave >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << octave) - 1;
  return between(mix(bits, 0x9e3779b97f4a7c15ULL) ^ bits, begin > low ? begin : low, end < high ? end : high);
}
// A power law with density exponent 2: P(x or more) = low / x, cut at high. Gaps between the messages of people.
[[nodiscard]] constexpr std::uint64_t power_law(std::uint64_t bits, std::uint64_t low, std::uint64_t high) {
  const std::uint64_t value = static_cast<std::uint64_t>((static_cast<Wide>(low) << 32) / ((bits >> 32) + 1));
  return value < high ? value : high;
}

// The draws of one concern of one entity, counted. For places where the count is itself a matter of the entity alone.
class Dice {
 public:
  Dice(std::uint64_t seed, Concern concern, std::uint64_t entity) : seed_(seed), concern_(concern), entity_(entity) {}
  std::uint64_t bits() { return draw(seed_, concern_, entity_, n_++); }
  std::uint64_t roll(std::uint64_t low, std::uint64_t high) { return between(bits(), low, high); }
  std::uint64_t log_roll(std::uint64_t low, std::uint64_t high) { return log_uniform(bits(), low, high); }
  bool chance(std::uint64_t ppm) { return chance_ppm(bits(), ppm); }

 private:
  std::uint64_t seed_;
  Concern concern_;
  std::uint64_t entity_;
  std::uint64_t n_ = 0;
};

}  // namespace chasqui::sim
