#include "core/base/digest.h"

#include <sodium/crypto_generichash.h>
#include <sodium/utils.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace chasqui {
namespace {

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// Slicing by 8 over the reflected polynomial 0x82f63b78; tables made when compiling.
constexpr auto crc_tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
    tables[0][i] = crc;
  }
  for (std::size_t t = 1; t < 8; ++t) {
    for (std::size_t i = 0; i < 256; ++i) {
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xff];
    }
  }
  return tables;
}();

std::uint32_t little_endian_32(const unsigned char* p) {
  return static_cast<std::uint32_t>(p[0]) | static_cast<std::uint32_t>(p[1]) << 8 |
         static_cast<std::uint32_t>(p[2]) << 16 | static_cast<std::uint32_t>(p[3]) << 24;
}

}  // namespace

Digest blake2b_256(std::string_view bytes) {
  Digest digest;
  crypto_generichash_blake2b(digest.data(), digest.size(), raw(bytes), bytes.size(), nullptr, 0);
  return digest;
}

Digest blake2b_256(std::string_view first, std::string_view second) {
  Digest digest;
  crypto_generichash_blake2b_state state;
  crypto_generichash_blake2b_init(&state, nullptr, 0, digest.size());
  crypto_generichash_blake2b_update(&state, raw(first), first.size());
  crypto_generichash_blake2b_update(&state, raw(second), second.size());
  crypto_generichash_blake2b_final(&state, digest.data(), digest.size());
  return digest;
}

std::string_view view(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::uint64_t first_8(std::string_view digest) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8 && i < digest.size(); ++i) value = value << 8 | static_cast<std::uint8_t>(digest[i]);
  return value;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::uint64_t xxh3_64(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc) {
  const unsigned char* p = raw(bytes);
  std::size_t left = bytes.size();
  crc = ~crc;
  for (; left >= 8; left -= 8, p += 8) {
    const std::uint32_t low = crc ^ little_endian_32(p);
    const std::uint32_t high = little_endian_32(p + 4);
    crc = crc_tables[7][low & 0xff] ^ crc_tables[6][(low >> 8) & 0xff] ^ crc_tables[5][(low >> 16) & 0xff] ^
          crc_tables[4][low >> 24] ^ crc_tables[3][high & 0xff] ^ crc_tables[2][(high >> 8) & 0xff] ^
          crc_tables[1][(high >> 16) & 0xff] ^ crc_tables[0][high >> 24];
  }
  for (; left > 0; --left, ++p) crc = (crc >> 8) ^ crc_tables[0][(crc ^ *p) & 0xff];
  return ~crc;
}

}  // namespace chasqui
