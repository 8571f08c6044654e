// A rate: `burst` at once after a pause, then `per_second` in the long run. One may take more than there is and wait
// for the debt to be paid: that is how a socket is read, since nobody knows beforehand how much will come.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/now.h"

namespace chasqui {

class TokenBucket {
 public:
  TokenBucket(std::uint64_t burst, std::uint64_t per_second)
      : burst_(clamped(burst)), per_second_(std::max<std::int64_t>(clamped(per_second), 1)), level_(burst_) {}

  void take(std::uint64_t amount, MonoTime now) {
    refill(now);
    level_ = std::max(level_ - clamped(amount), -burst_ - clamped(amount));
  }
  [[nodiscard]] bool try_take(std::uint64_t amount, MonoTime now) {
    refill(now);
    if (level_ < clamped(amount)) {
      return false;
    }
    level_ -= clamped(amount);
    return true;
  }
  // Until the debt is paid; 0: there is none.
  [[nodiscard]] Duration wait(MonoTime now) {
    refill(now);
    return level_ >= 0 ? Duration{} : milliseconds(-level_ * 1'000 / per_second_ + 1);
  }

 private:
  static std::int64_t clamped(std::uint64_t n) {
    constexpr std::uint64_t most = std::uint64_t{1} << 40;  // so that no product below can overflow
    return static_cast<std::int64_t>(std::min(n, most));
  }
  void refill(MonoTime now) {
    const std::int64_t us = std::min<std::int64_t>((now - last_).ns / 1'000, 1'000'000'000);
    if (us <= 0) {
      return;
    }
    const auto wide = static_cast<long double>(us) * static_cast<long double>(per_second_) / 1e6L;
    const auto gained = static_cast<std::int64_t>(std::min(wide, 1e12L));
    if (gained <= 0) {
      return;  // let time gather, so that slow rates do not starve by rounding
    }
    level_ += gained;
    last_ = last_ + Duration{gained * 1'000'000 / per_second_ * 1'000};  // what was rounded off counts next time
    if (level_ >= burst_ || us == 1'000'000'000) {
      level_ = std::min(level_, burst_);
      last_ = now;
    }
  }

  std::int64_t burst_;
  std::int64_t per_second_;
  std::int64_t level_;
  MonoTime last_{};
};

}  // namespace chasqui
