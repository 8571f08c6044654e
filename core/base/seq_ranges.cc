#include "core/base/seq_ranges.h"

#include <algorithm>

#include "core/base/check.h"

namespace chasqui {

bool SeqRanges::is_valid() const {
  if (ends_.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < ends_.size(); i += 2) {
    if (ends_[i] == 0 || ends_[i] > ends_[i + 1]) return false;
    if (i > 0 && (ends_[i] <= ends_[i - 1] || ends_[i] - ends_[i - 1] < 2)) return false;
  }
  return true;
}

bool SeqRanges::add(std::uint64_t first, std::uint64_t last) {
  CHASQUI_ASSERT(first >= 1 && first <= last, "a range has a first and a last seq");
  // Those that the new one touches become one with it.
  std::vector<std::uint64_t> after;
  after.reserve(ends_.size() + 2);
  std::uint64_t from = first;
  std::uint64_t to = last;
  std::size_t i = 0;
  for (; i < ends_.size() && ends_[i + 1] < first - 1; i += 2) {
    after.push_back(ends_[i]);
    after.push_back(ends_[i + 1]);
  }
  for (; i < ends_.size() && (to == ~std::uint64_t{0} || ends_[i] <= to + 1); i += 2) {
    from = std::min(from, ends_[i]);
    to = std::max(to, ends_[i + 1]);
  }
  after.push_back(from);
  after.push_back(to);
  after.insert(after.end(), ends_.begin() + static_cast<std::ptrdiff_t>(i), ends_.end());
  if (after == ends_) return false;
  ends_ = std::move(after);
  return true;
}

void SeqRanges::merge(const SeqRanges& other) {
  for (std::size_t i = 0; i < other.ends_.size(); i += 2) add(other.ends_[i], other.ends_[i + 1]);
}

bool SeqRanges::contains(Seq seq) const {
  // The first end that is not below it is an end of its range, if it has one.
  const auto end = std::lower_bound(ends_.begin(), ends_.end(), seq.value());
  if (end == ends_.end()) return false;
  return *end == seq.value() || (end - ends_.begin()) % 2 == 1;
}

bool SeqRanges::contains_all(const SeqRanges& other) const {
  SeqRanges both = *this;
  both.merge(other);
  return both == *this;
}

}  // namespace chasqui
