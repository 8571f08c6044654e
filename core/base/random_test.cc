#include "core/base/random.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace chasqui {
namespace {

Seed counting_seed() {
  Seed seed;
  for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::uint8_t>(i);
  return seed;
}

// A recorded simulation replays only as long as the stream is this one: BLAKE2b-512 keyed by the seed over a counter.
TEST(Random, the_stream_of_a_seed_never_changes) {
  Random random(counting_seed());
  EXPECT_EQ(random.next_64(), 0x9212bc97156556f6U);
  for (int i = 1; i < 7; ++i) (void)random.next_64();
  EXPECT_EQ(random.next_64(), 0xe2a68484a6af5d25U);
  EXPECT_EQ(random.next_64(), 0xb8a90f1bb350aac5U) << "the second block";
}

TEST(Random, another_seed_is_another_stream) {
  Seed other = counting_seed();
  other[31] ^= 1;
  EXPECT_NE(Random(counting_seed()).bytes(32), Random(other).bytes(32));
}

TEST(Random, a_child_stream_is_none_of_its_parent) {
  Random parent(counting_seed());
  Random child(parent.seed());
  std::set<std::uint64_t> drawn;
  for (int i = 0; i < 1'000; ++i) {
    drawn.insert(parent.next_64());
    drawn.insert(child.next_64());
  }
  EXPECT_EQ(drawn.size(), 2'000U);
}

RC_GTEST_PROP(RandomLaw, a_draw_is_below_its_bound, ()) {
  Random random(counting_seed());
  const auto bound =
      *rc::gen::element<std::uint64_t>(1, 2, 3, 10, 1'000, (std::uint64_t{1} << 63) + 1, ~std::uint64_t{0});
  for (int i = 0; i < 20; ++i) RC_ASSERT(random.below(bound) < bound);
}

TEST(Random, every_value_below_a_bound_is_drawn_about_as_often) {
  Random random(counting_seed());
  std::array<int, 6> drawn{};
  for (int i = 0; i < 6'000; ++i) ++drawn[random.below(6)];
  for (const int count : drawn) {
    EXPECT_GT(count, 850);
    EXPECT_LT(count, 1'150);
  }
}

TEST(Random, bytes_come_in_the_number_asked_for) {
  Random random(counting_seed());
  for (const std::size_t count : {0U, 1U, 7U, 8U, 9U, 65U}) EXPECT_EQ(random.bytes(count).size(), count);
}

}  // namespace
}  // namespace chasqui
