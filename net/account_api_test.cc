#include "net/account_api.h"

#include <gtest/gtest.h>

#include <string>

#include "net/problem.h"

namespace chasqui {
namespace {

std::string body_with(const std::string& password, const std::string& hash = std::string(64, 'a')) {
  return R"({"handle":"ana","password":")" + password + R"(","device_name":"laptop","secret_hash":")" + hash + "\"}";
}

TEST(AccountApi, a_request_is_read_and_its_text_wiped) {
  std::string body = body_with("correct horse battery");
  const char* bytes = body.data();
  const std::size_t size = body.size();
  const auto request = parse_account_request(true, body);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->handle, "ana");
  EXPECT_EQ(request->password.reveal(), "correct horse battery");
  EXPECT_EQ(request->device_name, "laptop");
  EXPECT_EQ(request->secret_hash, std::string(32, '\xaa'));
  EXPECT_EQ(std::string(bytes + 1, size - 1).find("horse"), std::string::npos);
}

TEST(AccountApi, a_password_may_hold_any_character) {
  std::string body = body_with(R"(\u00f1and\u00fa \"quoted\" \ud83e\udd99 ....)");
  const auto request = parse_account_request(false, body);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->password.reveal(), "ñandú \"quoted\" 🦙 ....");
}

TEST(AccountApi, what_is_wrong_is_named) {
  for (const auto& [body, word] : std::initializer_list<std::pair<std::string, std::string>>{
           {"", "JSON"},
           {"[]", "object"},
           {"{}", "handle"},
           {R"({"handle":1})", "handle"},
           {R"({"handle":"a","password":null})", "password"},
           {body_with("p", "12"), "secret_hash"},
           {body_with("p", std::string(64, 'g')), "secret_hash"},
           {std::string(100, '['), "JSON"},
       }) {
    std::string copy = body;
    const auto request = parse_account_request(true, copy);
    ASSERT_FALSE(request.ok()) << body;
    EXPECT_NE(request.status().message().find(word), absl::string_view::npos) << request.status();
  }
}

TEST(AccountApi, only_json_is_json) {
  EXPECT_TRUE(is_json("application/json"));
  EXPECT_TRUE(is_json("Application/JSON; charset=UTF-8"));
  EXPECT_FALSE(is_json("text/plain"));
  EXPECT_FALSE(is_json("application/json; charset=latin1"));
  EXPECT_FALSE(is_json(""));
}

TEST(Problem, an_error_says_its_code_and_when_to_come_back) {
  const HttpResponse response = problem(8, "too many", 1'500);
  EXPECT_EQ(response.status, 429U);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_NE(response.body.find(R"("code":"RESOURCE_EXHAUSTED")"), std::string::npos);
  EXPECT_NE(response.body.find(R"("retry_after_ms":1500)"), std::string::npos);
  const std::string bytes = serialized(response, true);
  EXPECT_NE(bytes.find("\r\nRetry-After: 2\r\n"), std::string::npos);
  EXPECT_NE(bytes.find("\r\nX-Content-Type-Options: nosniff\r\n"), std::string::npos);
  EXPECT_NE(bytes.find("\r\nCache-Control: no-store\r\n"), std::string::npos);
}

TEST(Problem, every_code_has_a_name_and_a_status) {
  for (std::uint32_t code = 0; code <= 16; code++) {
    EXPECT_FALSE(code_name(code).empty());
    EXPECT_NE(reason_phrase(http_status(code)), "Status") << code;
  }
  EXPECT_EQ(http_status(99), 500U);
}

}  // namespace
}  // namespace chasqui
