#include "net/address.h"

#include <gtest/gtest.h>

#include "net/token_bucket.h"

namespace chasqui {
namespace {

Address address_of(const char* text) {
  return to_address(boost::asio::ip::make_address(text));
}

TEST(AddressText, endpoints_are_read_and_written) {
  for (const char* text : {"127.0.0.1:8080", "[::1]:0", "0.0.0.0:65535"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    EXPECT_EQ(endpoint_text(*endpoint), text);
  }
  for (const char* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "example.org:80", "1.2.3:4"}) {
    EXPECT_FALSE(parse_endpoint(text).ok()) << text;
  }
}

TEST(AddressText, a_log_shows_only_the_network) {
  EXPECT_EQ(redacted(address_of("203.0.113.77")), "203.0.113.0/24");
  EXPECT_EQ(redacted(address_of("2001:db8:1:2:3:4:5:6")), "2001:db8:1::/48");
}

TEST(AddressText, loopback_is_known_in_every_form) {
  EXPECT_TRUE(is_loopback(address_of("127.1.2.3")));
  EXPECT_TRUE(is_loopback(address_of("::1")));
  EXPECT_TRUE(is_loopback(address_of("::ffff:127.0.0.1")));
  EXPECT_FALSE(is_loopback(address_of("128.0.0.1")));
}

MonoTime at_ms(std::int64_t ms) {
  return MonoTime{} + milliseconds(ms);
}

TEST(TokenBucket, a_burst_passes_and_then_the_rate_holds) {
  TokenBucket bucket(3, 10);
  for (int i = 0; i < 3; i++) {
    EXPECT_TRUE(bucket.try_take(1, at_ms(1'000)));
  }
  EXPECT_FALSE(bucket.try_take(1, at_ms(1'050)));
  EXPECT_TRUE(bucket.try_take(1, at_ms(1'100)));
  EXPECT_FALSE(bucket.try_take(1, at_ms(1'100)));
}

TEST(TokenBucket, a_debt_is_waited_for_as_long_as_it_takes) {
  TokenBucket bucket(100, 100);
  EXPECT_EQ(bucket.wait(at_ms(1'000)).ns, 0);
  bucket.take(150, at_ms(1'000));
  const Duration wait = bucket.wait(at_ms(1'000));
  EXPECT_GE(wait, milliseconds(500));
  EXPECT_LE(wait, milliseconds(502));
  EXPECT_EQ(bucket.wait(at_ms(1'000) + wait).ns, 0);
}

TEST(TokenBucket, questions_in_quick_succession_do_not_starve_a_slow_rate) {
  TokenBucket bucket(1, 1);
  EXPECT_TRUE(bucket.try_take(1, at_ms(1'000)));
  for (int i = 1; i < 1'000; i++) {
    ASSERT_FALSE(bucket.try_take(1, at_ms(1'000 + i)));
  }
  EXPECT_TRUE(bucket.try_take(1, at_ms(2'000)));
}

}  // namespace
}  // namespace chasqui
