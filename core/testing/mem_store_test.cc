#include "core/testing/mem_store.h"

#include <gtest/gtest.h>

namespace chasqui::testing {
namespace {

WriteBatch rows_a_to_e() {
  WriteBatch batch;
  for (const char* key : {"a", "b", "c", "d", "e"}) batch.put(key, "1234");
  return batch;
}

std::string keys(const RangeResult& result) {
  std::string text;
  for (const Row& row : result.rows) text += row.key;
  return text + (result.more ? "+" : "");
}

TEST(MemStore, a_removed_row_is_gone_and_a_second_put_replaces) {
  MemStore store;
  store.write(rows_a_to_e());
  WriteBatch batch;
  batch.remove("a");
  batch.remove("not there");
  batch.put("b", "new");
  store.write(batch);
  EXPECT_EQ(store.get("a"), std::nullopt);
  EXPECT_EQ(store.get("b"), "new");
  EXPECT_EQ(store.rows().size(), 4U);
}

TEST(MemStore, a_range_is_half_open_and_runs_both_ways) {
  MemStore store;
  store.write(rows_a_to_e());
  EXPECT_EQ(keys(store.read({"b", "d", 10})), "bc");
  EXPECT_EQ(keys(store.read({"b", "d", 10, 1000, true})), "cb");
  EXPECT_EQ(keys(store.read({"d", "b", 10})), "");
  EXPECT_EQ(keys(store.read({"", "\xff", 10})), "abcde");
}

TEST(MemStore, a_limit_cuts_and_says_so_only_if_there_is_more) {
  MemStore store;
  store.write(rows_a_to_e());
  EXPECT_EQ(keys(store.read({"a", "z", 2})), "ab+");
  EXPECT_EQ(keys(store.read({"a", "z", 2, 1000, true})), "ed+");
  EXPECT_EQ(keys(store.read({"a", "z", 5})), "abcde");
  EXPECT_EQ(keys(store.read({"a", "z", 10, 6})), "ab+") << "the row that reaches the bytes is the last";
  EXPECT_EQ(keys(store.read({"a", "z", 10, 1})), "a+") << "one row always fits";
}

TEST(MemStore, a_get_is_a_scan_of_one_key) {
  MemStore store;
  store.write(rows_a_to_e());
  EXPECT_EQ(keys(store.read(RangeRead::row("c"))), "c");
  EXPECT_EQ(keys(store.read(RangeRead::row("cc"))), "");
}

TEST(MemStore, equal_rows_have_equal_digests) {
  MemStore one;
  one.write(rows_a_to_e());
  MemStore two;
  two.write(rows_a_to_e());
  EXPECT_EQ(one.digest(), two.digest());
  WriteBatch batch;
  batch.put("e", "1235");
  one.write(batch);
  EXPECT_NE(one.digest(), two.digest());
}

}  // namespace
}  // namespace chasqui::testing
