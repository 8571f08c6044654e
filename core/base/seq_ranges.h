// A set of seqs as ranges: first, last, first, last, ... ascending, not touching, both ends included.
//
//   SeqRanges ranges;
//   ranges.add(3, 5);
//   ranges.add(6, 6);   // {3, 6}
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/ids.h"

namespace chasqui {

class SeqRanges {
 public:
  SeqRanges() = default;
  // From numbers as they are stored and sent (a repeated field will do); nullopt: they are no such ranges.
  template <class Numbers>
  [[nodiscard]] static std::optional<SeqRanges> from(const Numbers& numbers) {
    SeqRanges ranges;
    ranges.ends_.assign(numbers.begin(), numbers.end());
    if (!ranges.is_valid()) return std::nullopt;
    return ranges;
  }

  // 1 <= first <= last. True if that is news.
  bool add(std::uint64_t first, std::uint64_t last);
  void merge(const SeqRanges& other);
  [[nodiscard]] bool contains(Seq seq) const;
  [[nodiscard]] bool contains_all(const SeqRanges& other) const;
  [[nodiscard]] bool empty() const { return ends_.empty(); }
  [[nodiscard]] std::size_t size() const { return ends_.size() / 2; }  // ranges
  [[nodiscard]] const std::vector<std::uint64_t>& numbers() const { return ends_; }
  friend bool operator==(const SeqRanges&, const SeqRanges&) = default;

 private:
  [[nodiscard]] bool is_valid() const;
  std::vector<std::uint64_t> ends_;
};

}  // namespace chasqui
