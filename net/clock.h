// The system's clocks, as the core's values: read here, and handed in everywhere else.
#pragma once

#include <ctime>

#include "core/base/now.h"

namespace chasqui {

// CLOCK_BOOTTIME: never goes back, counts the machine's sleep.
[[nodiscard]] inline MonoTime mono_now() {
  timespec t{};
  clock_gettime(CLOCK_BOOTTIME, &t);
  return MonoTime{static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec};
}

[[nodiscard]] inline Now now() {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return {mono_now(), WallTime{static_cast<std::int64_t>(t.tv_sec) * 1'000 + t.tv_nsec / 1'000'000}};
}

}  // namespace chasqui
