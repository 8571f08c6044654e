// Time comes into the core as a value: mono for timers, wall for log time alone.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <limits>

namespace chasqui {

struct Duration {
  std::int64_t ns = 0;
  friend constexpr auto operator<=>(Duration, Duration) = default;
};
[[nodiscard]] constexpr Duration milliseconds(std::int64_t ms) {
  return {ms * 1'000'000};
}
[[nodiscard]] constexpr Duration seconds(std::int64_t s) {
  return {s * 1'000'000'000};
}

// Nanoseconds of a clock that never goes back and counts pauses (CLOCK_BOOTTIME). Starts anywhere.
struct MonoTime {
  std::int64_t ns = 0;
  [[nodiscard]] static constexpr MonoTime never() { return {std::numeric_limits<std::int64_t>::max()}; }
  [[nodiscard]] constexpr std::int64_t ms() const { return ns / 1'000'000; }
  friend constexpr auto operator<=>(MonoTime, MonoTime) = default;
  friend constexpr MonoTime operator+(MonoTime t, Duration d) {
    return t.ns > std::numeric_limits<std::int64_t>::max() - d.ns ? never() : MonoTime{t.ns + d.ns};
  }
  friend constexpr Duration operator-(MonoTime a, MonoTime b) { return {a.ns - b.ns}; }
};
[[nodiscard]] constexpr MonoTime earlier(MonoTime a, MonoTime b) {
  return std::min(a, b);
}

// Milliseconds since the Unix epoch; may jump.
struct WallTime {
  std::int64_t ms = 0;
  friend constexpr auto operator<=>(WallTime, WallTime) = default;
};

// Milliseconds since the Unix epoch, from the log: never goes back within a shard.
struct LogTime {
  std::int64_t ms = 0;
  friend constexpr auto operator<=>(LogTime, LogTime) = default;
};

struct Now {
  MonoTime mono;
  WallTime wall;
};

}  // namespace chasqui
