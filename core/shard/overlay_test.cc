// The overlay's laws: whatever is read, written, removed and carried to the store in between, the store ends as if each
// change had been written at once; and what is in use is not read again.
#include "core/shard/overlay.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/testing/mem_store.h"

namespace chasqui::shard {
namespace {

constexpr std::uint64_t plenty = 1 << 20;

// Counts what it is asked.
class Counting final : public Store {
 public:
  [[nodiscard]] std::optional<std::string> get(std::string_view key) const override {
    ++gets;
    return rows.get(key);
  }
  void write(const WriteBatch& batch) override {
    written = batch.writes;
    rows.write(batch);
  }
  testing::MemStore rows;
  std::vector<Write> written;  // by the last batch
  mutable int gets = 0;
};

state::Handle row(std::uint64_t user) {
  state::Handle handle;
  handle.set_user(user);
  return handle;
}

void write_out(Overlay& overlay, Store& store, std::uint64_t kept = plenty) {
  WriteBatch batch;
  overlay.take_changes(batch, kept);
  store.write(batch);
}

void end_entry(Overlay& overlay) {
  (void)overlay.entry_changes();
  overlay.entry_ends();
}

TEST(Overlay, reads_a_row_once_and_finds_what_was_put) {
  Counting store;
  Overlay overlay(store);
  EXPECT_EQ(overlay.find<state::Handle>("a"), nullptr);
  overlay.put("a", row(1));
  end_entry(overlay);
  for (int i = 0; i < 3; ++i) {
    ASSERT_NE(overlay.find<state::Handle>("a"), nullptr);
    EXPECT_EQ(overlay.find<state::Handle>("a")->user(), 1U);
    write_out(overlay, store);
  }
  EXPECT_EQ(store.gets, 1);
  EXPECT_EQ(store.rows.get("a"), serialize(row(1)));
  Overlay later(store);
  EXPECT_EQ(later.find<state::Handle>("a")->user(), 1U);
}

TEST(Overlay, what_comes_and_goes_between_two_writes_is_not_written) {
  Counting store;
  Overlay overlay(store);
  overlay.put("new", row(1), true);
  end_entry(overlay);
  (void)overlay.find<state::Handle>("read");
  overlay.put("read", row(2));
  end_entry(overlay);
  overlay.put("unknown", row(3));
  end_entry(overlay);
  for (const char* key : {"new", "read", "unknown"}) overlay.remove(key);
  const auto changes = overlay.entry_changes();
  EXPECT_EQ(changes.size(), 3U) << "a replica that wrote in between hashes the same";
  overlay.entry_ends();
  write_out(overlay, store);
  ASSERT_EQ(store.written.size(), 1U) << "nobody knows whether the store has it";
  EXPECT_EQ(store.written[0].key, "unknown");
}

TEST(Overlay, an_entry_tells_what_it_changed_in_the_order_of_keys_each_once) {
  Counting store;
  Overlay overlay(store);
  overlay.put("b", row(1));
  end_entry(overlay);
  overlay.put("c", row(2));
  overlay.put("a", row(3));
  overlay.put("c", row(4));
  const auto changes = overlay.entry_changes();
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].key, "a");
  EXPECT_EQ(changes[1].key, "c");
  EXPECT_EQ(*changes[1].bytes, serialize(row(4)));
}

TEST(Overlay, forgets_what_was_used_least_and_never_what_the_store_lacks) {
  Counting store;
  Overlay overlay(store);
  for (int i = 0; i < 100; ++i) overlay.put(absl::StrCat("k", i), row(1));
  end_entry(overlay);
  EXPECT_GT(overlay.bytes(), 5'000U);
  EXPECT_GT(overlay.changed_bytes(), 5'000U);
  write_out(overlay, store, 5'000);
  EXPECT_LE(overlay.bytes(), 5'000U);
  EXPECT_EQ(overlay.changed_bytes(), 0U);
  EXPECT_EQ(store.rows.rows().size(), 100U);
  (void)overlay.find<state::Handle>("k99");
  EXPECT_EQ(store.gets, 0);
  EXPECT_NE(overlay.find<state::Handle>("k0"), nullptr);
  EXPECT_EQ(store.gets, 1);
}

TEST(Overlay, knows_where_the_store_lags_behind) {
  Counting store;
  Overlay overlay(store);
  overlay.put("b1", row(1));
  end_entry(overlay);
  EXPECT_TRUE(overlay.has_changes("b", "c"));
  EXPECT_TRUE(overlay.has_changes("b1", "b2"));
  EXPECT_FALSE(overlay.has_changes("a", "b1"));
  EXPECT_FALSE(overlay.has_changes("b2", "c"));
  write_out(overlay, store);
  EXPECT_FALSE(overlay.has_changes("b", "c"));
}

struct Step {
  enum Kind : std::uint8_t { Put, Remove, Find, Has, EntryEnds, WriteOut, Count } kind;
  std::uint8_t key;
  std::uint8_t value;
};

RC_GTEST_PROP(OverlayLaw, the_store_ends_as_if_each_change_had_been_written_at_once, ()) {
  const auto bytes = *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::arbitrary<std::uint32_t>());
  Counting store;
  Overlay overlay(store);
  std::map<std::string, std::uint64_t> model;
  for (const std::uint32_t drawn : bytes) {
    const Step step{static_cast<Step::Kind>(drawn % Step::Count), static_cast<std::uint8_t>(drawn >> 8 & 7),
                    static_cast<std::uint8_t>(drawn >> 16)};
    const std::string key = absl::StrCat("k", step.key);
    const auto known = model.find(key);
    if (step.kind == Step::Put) {
      overlay.put(key, row(step.value + 1), known == model.end() && !store.rows.get(key) && step.value % 2 == 0);
      model[key] = step.value + 1;
    } else if (step.kind == Step::Remove) {
      overlay.remove(key);
      model.erase(key);
    } else if (step.kind == Step::Find) {
      const state::Handle* found = overlay.find<state::Handle>(key);
      RC_ASSERT((found != nullptr) == (known != model.end()));
      if (found != nullptr) RC_ASSERT(found->user() == known->second);
    } else if (step.kind == Step::Has) {
      RC_ASSERT(overlay.has(key) == (known != model.end()));
    } else {
      end_entry(overlay);
      if (step.kind == Step::WriteOut) write_out(overlay, store, step.value * 10U);
    }
  }
  end_entry(overlay);
  write_out(overlay, store, 0);
  RC_ASSERT(overlay.bytes() == 0U && overlay.changed_bytes() == 0U);
  RC_ASSERT(store.rows.rows().size() == model.size());
  for (const auto& [key, value] : model) RC_ASSERT(store.rows.get(key) == serialize(row(value)));
}

}  // namespace
}  // namespace chasqui::shard
