// The simulator's store does what RocksDB does, crashes included.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "storage/store_conformance.h"
#include "tests/conformance/makers.h"

namespace chasqui {
using conformance::RealMaker;
using conformance::SimMaker;
INSTANTIATE_TYPED_TEST_SUITE_P(Simulated, StoreConformance, SimMaker);
INSTANTIATE_TYPED_TEST_SUITE_P(RealOnCrashDisk, StoreConformance, RealMaker);
}  // namespace chasqui

namespace chasqui::conformance {
namespace {

using Rows = std::map<std::string, std::string>;
// Behind every key that Both::key() can draw, three bytes of 0xff included.
const RangeRead everything{"", "\xff\xff\xff\xff", 100'000, std::uint64_t{1} << 40};

Rows rows_of(const RangeResult& result) {
  Rows rows;
  for (const Row& row : result.rows) rows[row.key] = row.value;
  return rows;
}

void put(Store& store, const std::string& key, const std::string& value) {
  WriteBatch batch;
  batch.put(key, value);
  store.write(batch);
}

template <class Maker>
class DurableStore : public ::testing::Test {
 protected:
  Maker maker_;
};
using Makers = ::testing::Types<SimMaker, RealMaker>;
TYPED_TEST_SUITE(DurableStore, Makers);

TYPED_TEST(DurableStore, a_read_sees_the_rows_of_when_it_was_asked) {
  put(this->maker_.store(), "a", "1");
  put(this->maker_.store(), "b", "1");
  const Answer answer = this->maker_.ask({{"a", "z", 10}, RangeRead::row("b")});
  WriteBatch later;
  later.put("a", "2");
  later.remove("b");
  later.put("c", "2");
  this->maker_.store().write(later);
  const std::vector<RangeResult> results = answer();
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(rows_of(results[0]), (Rows{{"a", "1"}, {"b", "1"}}));
  EXPECT_EQ(rows_of(results[1]), (Rows{{"b", "1"}}));
  EXPECT_EQ(rows_of(this->maker_.read({"a", "z", 10})), (Rows{{"a", "2"}, {"c", "2"}}));
}

TYPED_TEST(DurableStore, what_was_flushed_survives_every_kind_of_crash) {
  for (std::uint64_t draw = 0; draw < 8; ++draw) {
    const std::string key = "kept " + std::to_string(draw);
    put(this->maker_.store(), key, "v");
    this->maker_.flush();
    put(this->maker_.store(), "maybe", std::to_string(draw));
    this->maker_.crash(draw);
    for (std::uint64_t i = 0; i <= draw; ++i) {
      EXPECT_EQ(this->maker_.store().get("kept " + std::to_string(i)), "v") << "after crash " << draw;
    }
  }
}

TYPED_TEST(DurableStore, a_crash_leaves_whole_batches_and_a_prefix_of_them) {
  for (std::uint64_t draw = 0; draw < 8; ++draw) {
    for (int i = 0; i < 10; ++i) {
      WriteBatch batch;
      batch.put("a", std::to_string(i));
      batch.put("b", std::to_string(i));
      batch.put("only " + std::to_string(i), "v");
      this->maker_.store().write(batch);
      if (i == 4) this->maker_.flush();
    }
    this->maker_.crash(draw);
    const auto a = this->maker_.store().get("a");
    ASSERT_TRUE(a.has_value());
    EXPECT_GE(std::stoi(*a), 4);
    EXPECT_EQ(this->maker_.store().get("b"), a);
    EXPECT_EQ(this->maker_.store().get("only " + *a), "v");
  }
}

// --------------------------------------------------------------------------------------------- a state put in place

std::vector<Row> rows_named(const std::string& prefix, int count, const std::string& value) {
  std::vector<Row> rows;
  for (int i = 0; i < count; ++i) rows.push_back({prefix + static_cast<char>('A' + i), value});
  return rows;
}

TYPED_TEST(DurableStore, what_is_ingested_takes_the_place_of_all_rows_of_its_range) {
  for (const char* key : {"a", "bA", "bZ", "c"}) put(this->maker_.store(), key, "old, on the disk");
  this->maker_.flush();
  for (const char* key : {"a2", "bA", "bB2", "bY", "c2"}) put(this->maker_.store(), key, "old, in memory");
  const Answer before = this->maker_.ask({everything});
  this->maker_.ingest("b", "c", rows_named("b", 3, "new"), {{"bL", "local"}});
  const Rows wanted{
      {"a", "old, on the disk"}, {"a2", "old, in memory"},  {"bA", "new"},           {"bB", "new"}, {"bC", "new"},
      {"bL", "local"},           {"c", "old, on the disk"}, {"c2", "old, in memory"}};
  EXPECT_EQ(rows_of(this->maker_.read(everything)), wanted);
  EXPECT_EQ(this->maker_.store().get("bA"), "new");
  EXPECT_EQ(this->maker_.store().get("bY"), std::nullopt);
  EXPECT_EQ(rows_of(before()[0]).at("bA"), "old, in memory");  // a read asked before sees what was there then
  put(this->maker_.store(), "bA", "later");
  EXPECT_EQ(this->maker_.store().get("bA"), "later");
}

TYPED_TEST(DurableStore, what_is_ingested_survives_every_crash_whole) {
  for (std::uint64_t draw = 0; draw < 8; ++draw) {
    for (const char* key : {"bA", "bB2", "bZ"}) put(this->maker_.store(), key, "old");
    if (draw % 2 == 0) this->maker_.flush();
    const std::string value = "new " + std::to_string(draw);
    this->maker_.ingest("b", "c", rows_named("b", 5, value), {{"bL", value}});
    put(this->maker_.store(), "bA", "later");
    this->maker_.crash(draw);
    Rows found = rows_of(this->maker_.read({"b", "c", 100}));
    EXPECT_TRUE(found["bA"] == value || found["bA"] == "later");
    found["bA"] = value;
    Rows wanted;
    for (const Row& row : rows_named("b", 5, value)) wanted[row.key] = row.value;
    wanted["bL"] = value;
    EXPECT_EQ(found, wanted) << "after crash " << draw;
  }
}

TYPED_TEST(DurableStore, an_empty_state_is_a_state) {
  put(this->maker_.store(), "bA", "old");
  this->maker_.ingest("b", "c", {}, {});
  EXPECT_EQ(this->maker_.store().get("bA"), std::nullopt);
  this->maker_.crash(1);
  EXPECT_EQ(this->maker_.store().get("bA"), std::nullopt);
}

TEST(RealStaging, what_was_only_staged_is_forgotten_with_the_process) {
  RealMaker maker;
  put(maker.store(), "bA", "old");
  maker.flush();
  maker.stage(rows_named("b", 5, "new"));
  EXPECT_EQ(maker.store().get("bA"), "old");
  maker.crash(2);
  EXPECT_EQ(rows_of(maker.read(everything)), (Rows{{"bA", "old"}}));
  maker.ingest("b", "c", rows_named("b", 2, "newer"), {});  // the same names are free
  EXPECT_EQ(rows_of(maker.read(everything)), (Rows{{"bA", "newer"}, {"bB", "newer"}}));
}

// One sequence of operations on both. Every answer is compared; after a crash the real store must be at a version since
// its last flush, and the simulated one, taken back to that version, must hold the same. Small numbers for keys, so
// that they meet; bytes at both ends of their range.
class Both {
 public:
  explicit Both(std::uint64_t seed) : random_(seed) {}

  void operate(std::uint64_t operation) {
    random_ ^= operation * 0x9e3779b97f4a7c15ULL;
    switch (operation % 16) {
      case 0: return flush();
      case 1: return crash();
      case 2: return ask();
      case 3: return answer();
      case 4:
      case 5:
      case 6: return read();
      case 8: return ingest();
      case 7: {
        const std::string name = key();
        RC_ASSERT(simulated_.store().get(name) == real_.store().get(name));
        return;
      }
      default: return write();
    }
  }
  void finish() {
    while (!asked_.empty()) answer();
    compare(everything);
  }

 private:
  std::uint64_t draw(std::uint64_t below) {
    random_ = random_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (random_ >> 33) % below;
  }
  std::string key() {
    static constexpr char bytes[] = {'\0', 'a', 'b', '\x7f', '\xff'};
    std::string name;
    for (std::uint64_t length = draw(4); length > 0; --length) name += bytes[draw(sizeof bytes)];
    return name;
  }
  RangeRead range() {
    RangeRead asked;
    asked.begin = key();
    asked.end = key();
    if (draw(3) == 0) asked.end = "\xff\xff\xff\xff";
    if (draw(8) == 0) asked = RangeRead::row(key());
    static constexpr std::uint64_t rows[] = {0, 1, 2, 3, 1'000};
    static constexpr std::uint64_t bytes[] = {0, 1, 7, 40, 300, 1 << 20};
    asked.rows_max = rows[draw(5)];
    asked.bytes_max = bytes[draw(6)];
    asked.backwards = draw(2) == 0;
    return asked;
  }
  static void equal(const RangeResult& one, const RangeResult& other) {
    RC_ASSERT(one.rows.size() == other.rows.size());
    for (std::size_t i = 0; i < one.rows.size(); ++i) {
      RC_ASSERT(one.rows[i].key == other.rows[i].key);
      RC_ASSERT(one.rows[i].value == other.rows[i].value);
    }
    RC_ASSERT(one.more == other.more);
  }
  void compare(const RangeRead& asked) { equal(simulated_.read(asked), real_.read(asked)); }
  void read() { compare(range()); }

  void write() {
    WriteBatch batch;
    std::map<std::string, bool> used;
    for (std::uint64_t count = draw(6); count > 0; --count) {
      const std::string name = key();
      if (std::exchange(used[name], true)) continue;
      if (draw(3) == 0) {
        batch.remove(name);
      } else {
        batch.put(name, std::string(draw(20), static_cast<char>(draw(256))));
      }
    }
    simulated_.store().write(batch);
    real_.store().write(batch);
    versions_.push_back(rows_of(simulated_.read(everything)));
  }
  // Of the rows of versions that a crash may bring back, those of the range are the ingested ones, but for what is
  // written later. The store is flushed on the way.
  void ingest() {
    const RangeRead at = range();
    if (at.begin >= at.end) return;
    std::map<std::string, std::string> rows;
    for (std::uint64_t count = draw(6); count > 0; --count) {
      const std::string name = key();
      if (name >= at.begin && name < at.end) rows[name] = std::string(draw(20), static_cast<char>(draw(256)));
    }
    std::vector<Row> all;
    for (const auto& [name, value] : rows) all.push_back({name, value});
    flush();
    simulated_.ingest(at.begin, at.end, all, {});
    real_.ingest(at.begin, at.end, all, {});
    versions_ = {rows_of(simulated_.read(everything))};
  }
  void flush() {
    simulated_.flush();
    real_.flush();
    versions_.erase(versions_.begin(), versions_.end() - 1);
  }
  void ask() {
    if (asked_.size() >= 3) return;
    const std::vector<RangeRead> ranges{range(), range()};
    asked_.emplace_back(simulated_.ask(ranges), real_.ask(ranges));
  }
  void answer() {
    if (asked_.empty()) return;
    const auto [simulated, real] = std::move(asked_.front());
    asked_.erase(asked_.begin());
    const std::vector<RangeResult> one = simulated();
    const std::vector<RangeResult> other = real();
    RC_ASSERT(one.size() == other.size());
    for (std::size_t i = 0; i < one.size(); ++i) equal(one[i], other[i]);
  }
  void crash() {
    asked_.clear();
    real_.crash(draw(1 << 30));
    RC_ASSERT(real_.real.opened().ok());
    const Rows found = rows_of(real_.read(everything));
    const auto at = std::find(versions_.rbegin(), versions_.rend(), found);
    RC_ASSERT(at != versions_.rend());  // none of the versions since the last flush
    versions_.erase(at.base(), versions_.end());
    simulated_.simulated.rewind(simulated_.simulated.flushed() + versions_.size() - 1);
    RC_ASSERT(rows_of(simulated_.read(everything)) == found);
  }

  SimMaker simulated_;
  RealMaker real_;
  std::vector<Rows> versions_{Rows{}};  // since the last flush, from that one on
  std::vector<std::pair<Answer, Answer>> asked_;
  std::uint64_t random_;
};

// Its one row is the last key there can be: two versions that differ in nothing else are two.
TEST(StoreLaw, a_crash_that_takes_the_last_key_is_told_from_one_that_does_not) {
  Both both(7003159737265);
  for (const std::uint64_t operation : {730957561708ULL, 784028047953ULL, 552284540676ULL}) both.operate(operation);
  both.finish();
}

RC_GTEST_PROP(StoreLaw, the_simulated_store_answers_as_the_real_one, (std::uint64_t seed)) {
  const auto operations = *rc::gen::container<std::vector<std::uint64_t>>(rc::gen::arbitrary<std::uint64_t>());
  Both both(seed);
  for (const std::uint64_t operation : operations) both.operate(operation);
  both.finish();
}

}  // namespace
}  // namespace chasqui::conformance
