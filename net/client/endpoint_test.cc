#include "net/client/endpoint.h"

#include <gtest/gtest.h>

namespace chasqui::net {
namespace {

TEST(Endpoint, a_url_says_host_port_and_whether_it_is_secure) {
  const auto plain = parse_endpoint("http://127.0.0.1:8080");
  ASSERT_TRUE(plain.ok());
  EXPECT_FALSE(plain->secure);
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, "8080");
  EXPECT_EQ(plain->url(), "http://127.0.0.1:8080");
  EXPECT_EQ(plain->host_header(), "127.0.0.1:8080");

  const auto secure = parse_endpoint("wss://chat.example.org/");
  ASSERT_TRUE(secure.ok());
  EXPECT_TRUE(secure->secure);
  EXPECT_EQ(secure->port, "443");
  EXPECT_EQ(secure->host_header(), "chat.example.org");

  const auto six = parse_endpoint("http://[::1]:90");
  ASSERT_TRUE(six.ok());
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->url(), "http://[::1]:90");
}

TEST(Endpoint, what_is_no_server_is_refused_with_the_right_form) {
  for (const char* url : {"", "127.0.0.1:8080", "ftp://a", "http://", "http://:80", "http://a:0", "http://a:65536",
                          "http://a:b", "http://a/path", "http://me@a", "http://[::1", "http://a:"}) {
    const auto endpoint = parse_endpoint(url);
    ASSERT_FALSE(endpoint.ok()) << url;
    EXPECT_NE(endpoint.status().message().find("http://HOST:PORT"), std::string::npos);
  }
}

}  // namespace
}  // namespace chasqui::net
