#include "core/gateway/bucket.h"

#include <gtest/gtest.h>

namespace chasqui::gateway {
namespace {

MonoTime at_ms(std::int64_t ms) {
  return MonoTime{} + milliseconds(ms);
}

TEST(Bucket, a_burst_is_allowed_and_one_more_is_not) {
  Bucket bucket;
  const Rate rate = Rate::per_token_ms(5, 200);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(bucket.take(at_ms(1000), rate));
  EXPECT_FALSE(bucket.take(at_ms(1000), rate));
  EXPECT_EQ(bucket.wait_ms(at_ms(1000), rate), 201U);
  EXPECT_FALSE(bucket.take(at_ms(1199), rate));
  EXPECT_TRUE(bucket.take(at_ms(1200), rate));
  EXPECT_FALSE(bucket.take(at_ms(1200), rate));
}

TEST(Bucket, a_refusal_takes_nothing) {
  Bucket bucket;
  const Rate rate = Rate::per_token_ms(10, 100);
  EXPECT_FALSE(bucket.take(at_ms(0), rate, 11));
  EXPECT_TRUE(bucket.take(at_ms(0), rate, 10));
}

TEST(Bucket, a_long_pause_fills_it_and_no_more) {
  Bucket bucket;
  const Rate rate = Rate::per_second(3, 10);
  EXPECT_TRUE(bucket.take(at_ms(0), rate, 3));
  EXPECT_TRUE(bucket.take(at_ms(3'600'000), rate, 3));
  EXPECT_FALSE(bucket.take(at_ms(3'600'000), rate, 1));
}

TEST(Bucket, a_clock_that_starts_below_zero_is_fine) {
  Bucket bucket;
  EXPECT_TRUE(bucket.take(MonoTime{-5'000'000'000}, Rate::per_token_ms(1, 1000)));
  EXPECT_FALSE(bucket.take(MonoTime{-4'500'000'000}, Rate::per_token_ms(1, 1000)));
}

TEST(Bucket, huge_rates_do_not_overflow) {
  Bucket bucket;
  const Rate rate = Rate::per_token_ms(1'000'000'000'000ULL, 3'600'000);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(bucket.take(at_ms(i), rate));
}

TEST(BucketTable, memory_stays_bounded_and_the_lately_used_are_remembered) {
  BucketTable<std::uint64_t> table(100);
  const Rate rate = Rate::per_token_ms(1, 1'000'000);
  EXPECT_TRUE(table.at(7).take(at_ms(0), rate));
  for (std::uint64_t key = 1000; key < 3000; ++key) {
    (void)table.at(key);
    EXPECT_FALSE(table.at(7).take(at_ms(1), rate));
    EXPECT_LE(table.size(), 102U);
  }
}

}  // namespace
}  // namespace chasqui::gateway
