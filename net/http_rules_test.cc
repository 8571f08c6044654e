#include "net/http_rules.h"

#include <gtest/gtest.h>

#include <string>

namespace chasqui {
namespace {

constexpr HttpLimits limits;

unsigned status_of(const std::string& block) {
  const auto refused = refuse_header(block, limits);
  return refused ? refused->status : 200;
}

std::string with(const std::string& fields) {
  return "POST /v1/login HTTP/1.1\r\n" + fields + "\r\n";
}

TEST(HttpRules, an_ordinary_request_passes) {
  EXPECT_EQ(status_of(with("Host: a\r\nContent-Length: 12\r\nContent-Type: application/json\r\n")), 200U);
  EXPECT_EQ(status_of("GET /readyz?verbose=1 HTTP/1.1\r\nhost:a\r\n\r\n"), 200U);
}

TEST(HttpRules, what_two_parsers_may_read_differently_is_refused) {
  EXPECT_EQ(status_of(with("Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n")), 400U);
  EXPECT_EQ(status_of(with("Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n")), 400U);
  EXPECT_EQ(status_of(with("Host: a\r\nContent-Length: 1, 1\r\n")), 400U);
  EXPECT_EQ(status_of(with("Host: a\r\nContent-Length: +1\r\n")), 400U);
  EXPECT_EQ(status_of(with("Host: a\r\nContent-Length: 0x1\r\n")), 400U);
  EXPECT_EQ(status_of(with("Host: a\r\nTransfer-Encoding: gzip, chunked\r\n")), 400U);
  EXPECT_EQ(status_of(with("Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")), 400U);
  EXPECT_EQ(status_of(with("Host: a\r\nTransfer-Encoding : chunked\r\n")), 400U);
  EXPECT_EQ(status_of(with("Host: a\r\nX: 1\r\n folded\r\n")), 400U);
  EXPECT_EQ(status_of(with("Host: a\r\nX: 1\nY: 2\r\n")), 400U);
  EXPECT_EQ(status_of(with("Host: a\r\nX: 1\rY: 2\r\n")), 400U);
  EXPECT_EQ(status_of(with(std::string("Host: a\r\nX: 1\0\r\n", 15))), 400U);
}

TEST(HttpRules, a_request_names_exactly_one_host) {
  EXPECT_EQ(status_of(with("X: 1\r\n")), 400U);
  EXPECT_EQ(status_of(with("Host: a\r\nHost: b\r\n")), 400U);
}

TEST(HttpRules, each_limit_holds_at_it_and_one_above) {
  const std::string path(limits.target_bytes - 1, 'a');
  EXPECT_EQ(status_of("GET /" + path + " HTTP/1.1\r\nHost: a\r\n\r\n"), 200U);
  EXPECT_EQ(status_of("GET /" + path + "a HTTP/1.1\r\nHost: a\r\n\r\n"), 414U);
  std::string fields = "Host: a\r\n";
  for (std::size_t i = 1; i < limits.fields; i++) {
    fields += "X: 1\r\n";
  }
  EXPECT_EQ(status_of(with(fields)), 200U);
  EXPECT_EQ(status_of(with(fields + "X: 1\r\n")), 431U);
  std::string block = with("Host: a\r\nX: \r\n");
  block.insert(block.size() - 4, std::string(limits.header_bytes - block.size(), 'x'));
  EXPECT_EQ(status_of(block), 200U);
  block.insert(block.size() - 4, "x");
  EXPECT_EQ(status_of(block), 431U);
}

TEST(HttpRules, other_versions_and_odd_targets_are_refused) {
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\nHost: a\r\n\r\n"), 505U);
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505U);
  EXPECT_EQ(status_of("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400U);
  EXPECT_EQ(status_of("GET / /b HTTP/1.1\r\nHost: a\r\n\r\n"), 400U);
  EXPECT_EQ(status_of("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400U);
  EXPECT_EQ(status_of(with("Host: a\r\nExpect: 100-continue\r\n")), 417U);
}

TEST(HttpRules, a_bare_line_feed_is_refused_before_the_header_ends) {
  EXPECT_TRUE(refuse_partial_header("GET / HTTP/1.1\n", limits).has_value());
  EXPECT_FALSE(refuse_partial_header("GET / HTTP/1.1\r", limits).has_value());
}

}  // namespace
}  // namespace chasqui
