#include "core/client/utf8.h"

#include <cstddef>
#include <cstdint>

namespace chasqui::client {

bool is_text(std::string_view bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    const auto lead = static_cast<std::uint8_t>(bytes[i++]);
    if (lead == 0) return false;
    if (lead < 0x80) continue;
    // How many bytes follow, and what the first of them may be (RFC 3629 section 4).
    const int more = lead >= 0xc2 && lead <= 0xdf   ? 1
                     : lead >= 0xe0 && lead <= 0xef ? 2
                     : lead >= 0xf0 && lead <= 0xf4 ? 3
                                                    : 0;
    if (more == 0) return false;
    const std::uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (int n = 0; n < more; ++n, ++i) {
      if (i >= bytes.size()) return false;
      const auto next = static_cast<std::uint8_t>(bytes[i]);
      if (n == 0 ? next < low || next > high : next < 0x80 || next > 0xbf) return false;
    }
  }
  return true;
}

}  // namespace chasqui::client
