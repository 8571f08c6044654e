// What the points of core/base/points.h ask. Set by the simulator around a step, from one thread; never in production.
#pragma once

#include <cstdint>
#include <string_view>

namespace chasqui::points {

// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/): a canary is compared as a number.
[[nodiscard]] constexpr std::uint64_t id_of(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : name) {
    hash ^= static_cast<std::uint8_t>(c);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

class Listener {
 public:
  virtual ~Listener() = default;
  virtual void mark(std::string_view name) = 0;
  virtual bool maybe(std::string_view name) = 0;
};

inline Listener* listener =
    nullptr;                      // of the step under way; none: marks are forgotten, nothing rare is made to happen
inline std::uint64_t canary = 0;  // id_of the bug that is switched on; 0: none

inline void mark(std::string_view name) {
  if (listener != nullptr) listener->mark(name);
}
[[nodiscard]] inline bool maybe(std::string_view name) {
  return listener != nullptr && listener->maybe(name);
}
template <std::uint64_t id>
[[nodiscard]] bool canary_is() {
  return canary == id;
}

}  // namespace chasqui::points
