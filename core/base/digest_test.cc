// Published vectors: these values are on disks and on the wire, so they may never change.
#include "core/base/digest.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace chasqui {
namespace {

std::string hex(const Digest& digest) {
  std::string text;
  for (const std::uint8_t byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

TEST(DigestVector, blake2b_has_the_published_values) {
  EXPECT_EQ(hex(blake2b_256("")), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  EXPECT_EQ(hex(blake2b_256("abc")), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
  EXPECT_EQ(first_8(view(blake2b_256("abc"))), 0xbddd813c63423972U);
}

TEST(DigestVector, crc32c_has_the_published_values) {
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
}

TEST(DigestVector, xxh3_has_the_published_values) {
  EXPECT_EQ(xxh3_64(""), 0x2d06800538d394c2U);
  EXPECT_EQ(xxh3_64("abc"), 0x78af5f94892f3950U);
}

TEST(DigestVector, the_first_8_bytes_of_fewer_are_those_there_are) {
  EXPECT_EQ(first_8(""), 0U);
  EXPECT_EQ(first_8("\x01\x02"), 0x0102U);
}

TEST(DigestVector, secrets_are_compared_whole) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("same", "same"));
  EXPECT_FALSE(equal_in_constant_time("same", "sane"));
  EXPECT_FALSE(equal_in_constant_time("same", "same "));
}

RC_GTEST_PROP(DigestLaw, of_two_parts_is_of_their_concatenation, (std::string first, std::string second)) {
  RC_ASSERT(blake2b_256(first, second) == blake2b_256(first + second));
  RC_ASSERT(crc32c(second, crc32c(first)) == crc32c(first + second));
}

RC_GTEST_PROP(Crc32cLaw, a_sum_made_in_pieces_is_the_sum_of_the_whole, (const std::string& a, const std::string& b)) {
  RC_ASSERT(crc32c(b, crc32c(a)) == crc32c(a + b));
}

}  // namespace
}  // namespace chasqui
