#include "sim/draw.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace chasqui::sim {
namespace {

TEST(Draw, is_the_same_on_every_machine) {
  // Golden values: a change here changes every seed that was ever written down.
  EXPECT_EQ(draw(0, Concern::Plan, 0, 0), 0xd5706cac166694c3ULL);
  EXPECT_EQ(draw(7, Concern::Link, 3, 11), 0x3ee91b6786f2ad28ULL);
}

TEST(Draw, neighbours_have_nothing_in_common) {
  std::set<std::uint64_t> seen;
  int bits = 0;
  for (std::uint64_t entity = 0; entity < 64; ++entity) {
    for (std::uint64_t n = 0; n < 64; ++n) {
      const std::uint64_t value = draw(1, Concern::Link, entity, n);
      seen.insert(value);
      bits += std::popcount(value);
    }
  }
  EXPECT_EQ(seen.size(), 64U * 64U);
  EXPECT_NEAR(bits, 64 * 64 * 32, 64 * 32);
}

TEST(Draw, a_chance_of_one_tenth_comes_one_time_in_ten) {
  int hits = 0;
  for (std::uint64_t n = 0; n < 100'000; ++n) hits += chance_ppm(draw(3, Concern::Plan, 0, n), 100'000) ? 1 : 0;
  EXPECT_NEAR(hits, 10'000, 500);
}

RC_GTEST_PROP(Draw, distributions_keep_their_bounds, (std::uint64_t bits, std::uint64_t a, std::uint64_t b)) {
  const std::uint64_t low = std::min(a, b) / 2 + 1;
  const std::uint64_t high = std::max(a, b) / 2 + 1;
  for (const std::uint64_t value : {between(bits, low, high), log_uniform(bits, low, high)}) {
    RC_ASSERT(value >= low);
    RC_ASSERT(value <= high);
  }
  const std::uint64_t gap = power_law(bits, low & 0xffffffff, high | 0xffffffff);
  RC_ASSERT(gap >= (low & 0xffffffff));
  RC_ASSERT(gap <= (high | 0xffffffff));
}

}  // namespace
}  // namespace chasqui::sim
