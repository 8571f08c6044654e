// Where a client's network address comes from, as far as the core cares.
#pragma once

#include <algorithm>

#include "core/base/ids.h"

namespace chasqui {

// 127.0.0.0/8, alone or mapped into IPv6, and ::1. A proxy on this machine speaks for many people: limits per address
// do not count it.
[[nodiscard]] constexpr bool is_loopback(const Address& address) {
  constexpr Address v4_mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127};
  constexpr Address v6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return address == v6 || std::equal(v4_mapped.begin(), v4_mapped.begin() + 13, address.begin());
}

}  // namespace chasqui
