// What every Store must do, as a suite that any implementation can run:
//
//   struct MyStore { Store& store(); RangeResult read(const RangeRead&); };   // empty at first
//   INSTANTIATE_TYPED_TEST_SUITE_P(Mine, StoreConformance, MyStore);
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "core/store.h"

namespace chasqui {

template <class Maker>
class StoreConformance : public ::testing::Test {
 protected:
  void put(const std::string& key, const std::string& value) {
    WriteBatch batch;
    batch.put(key, value);
    maker_.store().write(batch);
  }
  std::vector<std::string> keys_of(const RangeResult& result) {
    std::vector<std::string> keys;
    for (const Row& row : result.rows) keys.push_back(row.key);
    return keys;
  }
  RangeResult read(RangeRead range) { return maker_.read(range); }
  Store& store() { return maker_.store(); }
  using Keys = std::vector<std::string>;
  Maker maker_;
};
TYPED_TEST_SUITE_P(StoreConformance);

TYPED_TEST_P(StoreConformance, a_write_is_seen_at_once) {
  EXPECT_EQ(this->store().get("a"), std::nullopt);
  this->put("a", "1");
  EXPECT_EQ(this->store().get("a"), "1");
  this->put("a", "");
  EXPECT_EQ(this->store().get("a"), "");
}

TYPED_TEST_P(StoreConformance, a_batch_puts_and_removes) {
  this->put("a", "1");
  WriteBatch batch;
  batch.remove("a");
  batch.put("b", "2");
  batch.remove("never there");
  this->store().write(batch);
  this->store().write(WriteBatch{});
  EXPECT_EQ(this->store().get("a"), std::nullopt);
  EXPECT_EQ(this->store().get("b"), "2");
}

TYPED_TEST_P(StoreConformance, keys_are_bytes_in_unsigned_order) {
  const std::string zero("\0", 1);
  const std::string high("\xff", 1);
  for (const std::string& key : {high, std::string("a"), zero, std::string("a") + zero}) this->put(key, "v" + key);
  EXPECT_EQ(this->store().get(zero), "v" + zero);
  EXPECT_EQ(this->keys_of(this->read({zero, "\xff\xff", 10})),
            (std::vector<std::string>{zero, "a", std::string("a") + zero, high}));
}

TYPED_TEST_P(StoreConformance, a_range_begins_inside_and_ends_before) {
  for (const char* key : {"a", "b", "c", "d"}) this->put(key, key);
  EXPECT_EQ(this->keys_of(this->read({"b", "d", 10})), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(this->keys_of(this->read({"b", "d", 10, 1000, true})), (std::vector<std::string>{"c", "b"}));
  EXPECT_TRUE(this->read({"b", "b", 10}).rows.empty());
  EXPECT_TRUE(this->read({"d", "b", 10}).rows.empty());
}

TYPED_TEST_P(StoreConformance, a_limit_that_cuts_says_more) {
  for (const char* key : {"a", "b", "c"}) this->put(key, std::string(100, 'x'));
  RangeResult result = this->read({"a", "z", 2});
  EXPECT_EQ(this->keys_of(result), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(result.more);
  result = this->read({"a", "z", 3});
  EXPECT_EQ(result.rows.size(), 3U);
  EXPECT_FALSE(result.more);
  result = this->read({"a", "z", 3, 1});  // the row that reaches the bytes is the last
  EXPECT_EQ(this->keys_of(result), (std::vector<std::string>{"a"}));
  EXPECT_TRUE(result.more);
  result = this->read({"a", "z", 1, 1000, true});
  EXPECT_EQ(this->keys_of(result), (std::vector<std::string>{"c"}));
  EXPECT_TRUE(result.more);
}

TYPED_TEST_P(StoreConformance, a_row_is_a_range_of_one) {
  this->put("a", "1");
  this->put("aa", "2");
  const RangeResult result = this->read(RangeRead::row("a"));
  ASSERT_EQ(result.rows.size(), 1U);
  EXPECT_EQ(result.rows[0].value, "1");
  EXPECT_FALSE(result.more);
  EXPECT_TRUE(this->read(RangeRead::row("b")).rows.empty());
}

TYPED_TEST_P(StoreConformance, a_prefix_is_a_range_up_to_the_next_one) {
  const std::string zero("\0", 1);
  for (const std::string& key : {std::string("a"), "a" + zero, std::string("a\xff"), std::string("a\xff\xff"),
                                 std::string("b"), zero, zero + zero, std::string("\xff")}) {
    this->put(key, "v");
  }
  EXPECT_EQ(this->keys_of(this->read({"a", "b", 10})),
            (std::vector<std::string>{"a", "a" + zero, "a\xff", "a\xff\xff"}));
  EXPECT_EQ(this->keys_of(this->read({"a\xff", "b", 10, 1000, true})),
            (std::vector<std::string>{"a\xff\xff", "a\xff"}));
  EXPECT_EQ(this->keys_of(this->read({"", "a", 10})), (std::vector<std::string>{zero, zero + zero}));
  EXPECT_TRUE(this->read({"b" + zero, "c", 10}).rows.empty());
  EXPECT_FALSE(this->read({"b" + zero, "c", 10}).more);
}

// A page without a row would be asked for again for ever.
TYPED_TEST_P(StoreConformance, no_bytes_still_give_one_row_and_no_rows_give_none) {
  this->put("a", "1");
  this->put("b", "2");
  RangeResult result = this->read({"a", "z", 10, 0});
  EXPECT_EQ(this->keys_of(result), (std::vector<std::string>{"a"}));
  EXPECT_TRUE(result.more);
  EXPECT_EQ(this->keys_of(this->read({"a", "z", 10, 0, true})), (std::vector<std::string>{"b"}));
  result = this->read({"a", "z", 0});
  EXPECT_TRUE(result.rows.empty());
  EXPECT_TRUE(result.more);
  EXPECT_FALSE(this->read({"c", "z", 0, 0}).more);
}

TYPED_TEST_P(StoreConformance, what_was_removed_is_gone_and_can_come_back) {
  for (const char* key : {"a", "b", "c"}) this->put(key, "old");
  WriteBatch removed;
  for (const char* key : {"a", "b", "c"}) removed.remove(key);
  this->store().write(removed);
  EXPECT_TRUE(this->read({"a", "z", 10}).rows.empty());
  EXPECT_FALSE(this->read({"a", "z", 10}).more);
  this->put("b", "new");
  EXPECT_EQ(this->store().get("b"), "new");
  EXPECT_EQ(this->keys_of(this->read({"a", "z", 1, 1000, true})), (std::vector<std::string>{"b"}));
}

// Against std::map, over a fixed stream of writes: the whole content after each batch.
TYPED_TEST_P(StoreConformance, many_batches_leave_what_a_map_would_hold) {
  std::map<std::string, std::string> model;
  std::uint64_t random = 1;
  const auto draw = [&random](std::uint64_t below) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (random >> 33) % below;
  };
  for (int round = 0; round < 200; ++round) {
    WriteBatch batch;
    std::map<std::string, bool> used;
    for (std::uint64_t i = 0, count = draw(8); i < count; ++i) {
      const std::string key = "k" + std::to_string(draw(40));
      if (std::exchange(used[key], true)) continue;
      if (draw(3) == 0) {
        batch.remove(key);
        model.erase(key);
      } else {
        batch.put(key, std::to_string(round));
        model[key] = std::to_string(round);
      }
    }
    this->store().write(batch);
    const RangeResult all = this->read({"k", "l", 1000});
    ASSERT_EQ(all.rows.size(), model.size());
    auto at = model.begin();
    for (const Row& row : all.rows) {
      ASSERT_EQ(row.key, at->first);
      ASSERT_EQ(row.value, at->second);
      ++at;
    }
  }
}

REGISTER_TYPED_TEST_SUITE_P(StoreConformance, a_write_is_seen_at_once, a_batch_puts_and_removes,
                            keys_are_bytes_in_unsigned_order, a_range_begins_inside_and_ends_before,
                            a_limit_that_cuts_says_more, a_row_is_a_range_of_one,
                            a_prefix_is_a_range_up_to_the_next_one, no_bytes_still_give_one_row_and_no_rows_give_none,
                            what_was_removed_is_gone_and_can_come_back, many_batches_leave_what_a_map_would_hold);

}  // namespace chasqui
