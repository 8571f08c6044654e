#include "runtime/config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "runtime/limits_text.h"

namespace chasqui {
namespace {

std::string message_of(std::string_view toml) {
  const auto config = parse_config(toml, "chasquid.toml");
  return config.ok() ? "" : std::string(config.status().message());
}

bool says(const std::string& message, std::string_view what) {
  return message.find(what) != std::string::npos;
}

TEST(Config, nothing_is_needed) {
  const auto config = parse_config("", "chasquid.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->listen, "127.0.0.1:8080");
  EXPECT_TRUE(check_config(*config).ok());
}

TEST(Config, the_printed_default_says_what_is_so_without_it) {
  const auto printed = parse_config(default_config_text(), "printed");
  ASSERT_TRUE(printed.ok()) << printed.status();
  EXPECT_TRUE(check_config(*printed).ok());
  const Config none;
  EXPECT_EQ(printed->listen, none.listen);
  EXPECT_EQ(printed->data_dir, none.data_dir);
  EXPECT_EQ(printed->shards, none.shards);
  EXPECT_EQ(printed->ballast_bytes_max, none.ballast_bytes_max);
  EXPECT_EQ(printed->log_format, none.log_format);
  for (const LimitRow& row : limit_rows()) {
    EXPECT_EQ(printed->limits.*row.member, row.normal) << row.name;
    EXPECT_TRUE(says(default_config_text(), row.name)) << row.name;
  }
}

TEST(Config, an_unknown_key_is_named_with_its_line_and_its_neighbour) {
  const std::string message = message_of("insecure = true\nlissten = \"127.0.0.1:1\"\n");
  EXPECT_TRUE(says(message, "chasquid.toml:2:")) << message;
  EXPECT_TRUE(says(message, "lissten")) << message;
  EXPECT_TRUE(says(message, "nearest is listen")) << message;
  EXPECT_TRUE(says(message_of("[limits]\nmesage_bytes_max = 1\n"), "nearest is limits.message_bytes_max"));
  EXPECT_TRUE(says(message_of("[tls]\ncertifcate = \"a\"\n"), "nearest is tls.certificate"));
  EXPECT_TRUE(says(message_of("[tsl]\nkey = \"a\"\n"), "tsl.key is no key"));
}

TEST(Config, a_value_of_the_wrong_kind_is_told_what_it_must_be) {
  EXPECT_TRUE(says(message_of("listen = 8080"), "must be a string"));
  EXPECT_TRUE(says(message_of("insecure = 1"), "must be true or false"));
  EXPECT_TRUE(says(message_of("[node]\nshards = 0"), "from 1 to 65536"));
  EXPECT_TRUE(says(message_of("[node]\nshards = 1.5"), "whole number"));
  EXPECT_TRUE(says(message_of("[http]\norigins = [1]"), "list of strings"));
  EXPECT_TRUE(says(message_of("[log]\nlevel = \"loud\""), "must be one of debug, info, warn, error"));
  EXPECT_TRUE(says(message_of("[limits]\nmessage_bytes_max = -1"), "whole number"));
  EXPECT_TRUE(says(message_of("tls = 1"), "tls is no key"));
}

TEST(Config, what_is_no_toml_is_refused_with_its_line) {
  const std::string message = message_of("listen = \"a\"\n= 3\n");
  EXPECT_TRUE(says(message, "chasquid.toml:2:")) << message;
}

TEST(Config, the_profile_of_limits_may_be_a_word_or_a_key_and_single_limits_stand_above_it) {
  EXPECT_EQ(parse_config("limits = \"bench\"", "f")->limits.password_bytes_min, Limits::bench().password_bytes_min);
  const auto config = parse_config("[limits]\nsend_device_burst = 7\nprofile = \"bench\"\n", "f");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->limits.send_device_burst, 7U);
  EXPECT_EQ(config->limits.hello_burst, Limits::bench().hello_burst);
  const auto overridden = parse_config("[limits]\nsend_device_burst = 7\nprofile = \"bench\"\n", "f", "default");
  EXPECT_EQ(overridden->limits.hello_burst, Limits().hello_burst);
  EXPECT_EQ(overridden->limits.send_device_burst, 7U);
  EXPECT_FALSE(parse_config("", "f", "fast").ok());
  EXPECT_TRUE(says(message_of("limits = \"fast\""), "default, bench"));
}

TEST(Config, values_that_do_not_go_together_are_refused) {
  const auto refused = [](std::string_view toml, std::string_view word) {
    const auto config = parse_config(toml, "f");
    EXPECT_TRUE(config.ok()) << config.status();
    const absl::Status status = check_config(*config);
    EXPECT_TRUE(says(std::string(status.message()), word)) << status;
  };
  refused("listen = \"nowhere\"", "ADDR:PORT");
  refused("[tls]\ncertificate = \"a.pem\"", "go together");
  refused("data_dir = \"\"", "data_dir");
  refused("[limits]\nwebsocket_message_bytes_max = 65536", "websocket_message_bytes_max");
  refused("[limits]\nheartbeat_ms = 400", "election_timeout_ms");
  refused("[limits]\nidle_timeout_ms = 30000", "idle_timeout_ms");
  refused("[limits]\npassword_bytes_min = 7", "under 8");
}

TEST(Config, the_committed_table_of_limits_is_the_printed_one) {
  std::ifstream file(CHASQUI_SOURCE_DIR "/docs/limits.md");
  std::ostringstream committed;
  committed << file.rdbuf();
  EXPECT_EQ(committed.str(), limits_markdown()) << "run: chasquid --print-limits > docs/limits.md";
}

}  // namespace
}  // namespace chasqui
