#include "net/client/server_list.h"

#include <gtest/gtest.h>

#include <string>

namespace chasqui::net {
namespace {

TEST(ServerList, is_urls_with_commas_and_goes_round) {
  auto servers = parse_servers("http://a:1,https://b,http://[::1]:3/");
  ASSERT_TRUE(servers.ok()) << servers.status();
  EXPECT_EQ(servers->text(), "http://a:1,https://b:443,http://[::1]:3");
  EXPECT_EQ(servers->current().host, "a");
  servers->next();
  EXPECT_EQ(servers->current().host, "b");
  servers->next();
  servers->next();
  EXPECT_EQ(servers->current().host, "a");
}

TEST(ServerList, one_server_stays_what_it_was) {
  auto servers = parse_servers("http://127.0.0.1:8080");
  ASSERT_TRUE(servers.ok());
  servers->next();
  EXPECT_EQ(servers->current().port, "8080");
  EXPECT_EQ(servers->text(), "http://127.0.0.1:8080");
}

TEST(ServerList, each_must_be_a_url) {
  for (const char* wrong : {"", "http://a:1,", ",http://a:1", "http://a:1,b:2", "http://a:1;http://b:2"}) {
    EXPECT_FALSE(parse_servers(wrong).ok()) << wrong;
  }
  std::string many = "http://a:1";
  for (std::size_t i = 0; i < servers_max; i++) many += ",http://a:1";
  EXPECT_FALSE(parse_servers(many).ok());
}

TEST(ServerList, counts_the_others_from_the_next_one_on) {
  auto servers = parse_servers("http://a:1,http://b:2,http://c:3");
  ASSERT_TRUE(servers.ok());
  servers->next();
  EXPECT_EQ(servers->other(0).url(), "http://c:3");
  EXPECT_EQ(servers->other(1).url(), "http://a:1");
  EXPECT_EQ(servers->other(2).url(), "http://c:3");
  servers->take_other(1);
  EXPECT_EQ(servers->current().url(), "http://a:1");
}

}  // namespace
}  // namespace chasqui::net
