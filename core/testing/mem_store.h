// A Store in memory, for tests and for the simulator's disks. Deterministic: an ordered map, nothing else.
//
// write() is atomic and visible at once, as the contract asks; what a crash forgets is for the owner to model (copy
// rows() before, set_rows() after).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/btree_map.h"
#include "core/store.h"

namespace chasqui::testing {

class MemStore final : public Store {
 public:
  using Rows = absl::btree_map<std::string, std::string, std::less<>>;

  [[nodiscard]] std::optional<std::string> get(std::string_view key) const override;
  void write(const WriteBatch& batch) override;

  // What a Read output asks for one range, answered from the rows as they are now.
  [[nodiscard]] RangeResult read(const RangeRead& range) const;

  [[nodiscard]] const Rows& rows() const { return rows_; }
  void set_rows(Rows rows) { rows_ = std::move(rows); }
  // XXH3 over all rows in order with their lengths: equal stores have equal digests.
  [[nodiscard]] std::uint64_t digest() const;

 private:
  Rows rows_;
};

}  // namespace chasqui::testing
