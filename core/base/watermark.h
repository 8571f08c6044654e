// A number that only grows, merged by max. A higher history epoch beats every value of a lower one, so that a repair or
// a restore can lower a mark by raising the epoch.
#pragma once

#include <compare>
#include <cstdint>

#include "core/base/ids.h"

namespace chasqui {

template <class Tag>
class Watermark {
 public:
  constexpr Watermark() = default;  // 0: nothing yet; seq starts at 1
  constexpr Watermark(HistoryEpoch epoch, std::uint64_t value) : epoch_(epoch), value_(value) {}
  [[nodiscard]] constexpr bool merge(Watermark other) {  // true if it grew: only then write, tell
    if (other <= *this) return false;
    *this = other;
    return true;
  }
  [[nodiscard]] constexpr HistoryEpoch epoch() const { return epoch_; }
  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
  friend constexpr auto operator<=>(Watermark, Watermark) = default;  // by epoch, then by value

 private:
  HistoryEpoch epoch_{};
  std::uint64_t value_ = 0;
};

using Delivered = Watermark<struct DeliveredTag>;
using ReadMark = Watermark<struct ReadMarkTag>;

}  // namespace chasqui
