#include "core/base/seq_ranges.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace chasqui {
namespace {

using Numbers = std::vector<std::uint64_t>;

TEST(SeqRanges, what_touches_becomes_one) {
  SeqRanges ranges;
  EXPECT_TRUE(ranges.add(3, 5));
  EXPECT_TRUE(ranges.add(8, 8));
  EXPECT_EQ(ranges.numbers(), (Numbers{3, 5, 8, 8}));
  EXPECT_FALSE(ranges.add(4, 5));
  EXPECT_TRUE(ranges.add(6, 7));
  EXPECT_EQ(ranges.numbers(), (Numbers{3, 8}));
  EXPECT_TRUE(ranges.add(1, ~std::uint64_t{0}));
  EXPECT_EQ(ranges.size(), 1U);
}

TEST(SeqRanges, what_is_no_set_of_ranges_is_told_apart) {
  EXPECT_TRUE(SeqRanges::from(Numbers{}).has_value());
  EXPECT_TRUE(SeqRanges::from(Numbers{1, 1, 3, 9}).has_value());
  EXPECT_FALSE(SeqRanges::from(Numbers{1}).has_value());
  EXPECT_FALSE(SeqRanges::from(Numbers{0, 1}).has_value());
  EXPECT_FALSE(SeqRanges::from(Numbers{5, 4}).has_value());
  EXPECT_FALSE(SeqRanges::from(Numbers{1, 2, 3, 4}).has_value());
  EXPECT_FALSE(SeqRanges::from(Numbers{5, 6, 1, 2}).has_value());
}

RC_GTEST_PROP(SeqRangesLaw, it_is_the_set_of_all_that_was_added,
              (const std::vector<std::pair<std::uint8_t, std::uint8_t>>& adds)) {
  SeqRanges ranges;
  std::set<std::uint64_t> all;
  for (const auto& [first, length] : adds) {
    const std::uint64_t from = first % 64U + 1;
    const std::uint64_t to = from + length % 6U;
    const std::size_t before = all.size();
    for (std::uint64_t seq = from; seq <= to; ++seq) all.insert(seq);
    RC_ASSERT(ranges.add(from, to) == (all.size() > before));
  }
  for (std::uint64_t seq = 1; seq < 80; ++seq) RC_ASSERT(ranges.contains(Seq(seq)) == all.contains(seq));
  RC_ASSERT(SeqRanges::from(ranges.numbers()) == ranges);
  RC_ASSERT(ranges.contains_all(ranges));
}

}  // namespace
}  // namespace chasqui
