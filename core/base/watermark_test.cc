#include "core/base/watermark.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace chasqui {
namespace {

Delivered any_mark() {
  const auto epoch = *rc::gen::inRange<std::uint64_t>(0, 4);
  return {HistoryEpoch(epoch), *rc::gen::inRange<std::uint64_t>(0, 8)};
}

std::vector<Delivered> any_marks() {
  std::vector<Delivered> marks(*rc::gen::inRange<std::size_t>(0, 12));
  for (Delivered& mark : marks) mark = any_mark();
  return marks;
}

Delivered merged(const std::vector<Delivered>& marks) {
  Delivered all;
  for (const Delivered mark : marks) (void)all.merge(mark);
  return all;
}

RC_GTEST_PROP(WatermarkLaw, merge_is_commutative, ()) {
  const Delivered a = any_mark();
  const Delivered b = any_mark();
  RC_ASSERT(merged({a, b}) == merged({b, a}));
}

RC_GTEST_PROP(WatermarkLaw, merge_is_associative, ()) {
  const Delivered a = any_mark();
  const Delivered b = any_mark();
  const Delivered c = any_mark();
  Delivered left = merged({a, b});
  (void)left.merge(c);
  Delivered right = a;
  (void)right.merge(merged({b, c}));
  RC_ASSERT(left == right);
}

RC_GTEST_PROP(WatermarkLaw, merge_is_idempotent_and_says_whether_it_grew, ()) {
  const Delivered before = any_mark();
  const Delivered other = any_mark();
  Delivered mark = before;
  RC_ASSERT(mark.merge(other) == (other > before));
  RC_ASSERT(mark >= before);
  RC_ASSERT(mark >= other);
  RC_ASSERT(!mark.merge(other));
  RC_ASSERT(!mark.merge(mark));
}

RC_GTEST_PROP(WatermarkLaw, repeats_and_reordering_change_nothing, ()) {
  const std::vector<Delivered> acks = any_marks();
  auto link = acks;
  link.insert(link.end(), acks.rbegin(), acks.rend());  // every ack twice, the second time backwards
  RC_ASSERT(merged(link) == merged(acks));
  if (!acks.empty()) RC_ASSERT(merged(acks) == *std::max_element(acks.begin(), acks.end()));
}

TEST(Watermark, a_new_epoch_beats_every_value_of_an_old_one) {
  Delivered mark(HistoryEpoch(1), 1'000'000);
  EXPECT_TRUE(mark.merge({HistoryEpoch(2), 3}));
  EXPECT_EQ(mark.value(), 3U);
  EXPECT_EQ(mark.epoch(), HistoryEpoch(2));
  EXPECT_FALSE(mark.merge({HistoryEpoch(1), 2'000'000}));
}

}  // namespace
}  // namespace chasqui
