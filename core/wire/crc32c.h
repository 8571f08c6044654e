// CRC32C (Castagnoli, RFC 3720 appendix B.4), as every peer frame carries it: finds what TCP's 16-bit sum lets through.
// No protection against malice: peer links are TLS.
#pragma once

#include <cstdint>
#include <string_view>

namespace chasqui::wire {

// `before`: the sum of what came earlier, so that a sum can be made piece by piece; 0 at the start.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace chasqui::wire
