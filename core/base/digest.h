// Hashes, as pure functions: BLAKE2b for what must not be forged, XXH3 for spreading, CRC32C for what may rot.
//
// The one place in core that uses libsodium and xxHash (docs/decisions/0001): both are computed without I/O or state.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chasqui {

using Digest = std::array<std::uint8_t, 32>;

[[nodiscard]] Digest blake2b_256(std::string_view bytes);
// Of the concatenation. Used for the chain: blake2b_256(chain before, digest of the event).
[[nodiscard]] Digest blake2b_256(std::string_view first, std::string_view second);
[[nodiscard]] std::string_view view(const Digest& digest);
// The first 8 bytes as a big-endian number.
[[nodiscard]] std::uint64_t first_8(std::string_view digest);
// In constant time, for secrets. Different lengths are unequal.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);

[[nodiscard]] std::uint64_t xxh3_64(std::string_view bytes);

// Castagnoli. `crc` is of what came before, 0 at the start.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

}  // namespace chasqui
