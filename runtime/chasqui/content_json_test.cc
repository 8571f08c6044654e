#include "runtime/chasqui/content_json.h"

#include <gtest/gtest.h>

namespace chasqui::cli {
namespace {

namespace json = boost::json;

// What comes of it on the other side.
std::string again(const char* object) {
  const auto payload = payload_of(json::parse(object).as_object());
  if (!payload.ok()) return std::string(absl::StatusCodeToString(payload.status().code()));
  json::object shown;
  add_content(*payload, shown);
  return json::serialize(shown) + " " + content_words(*payload);
}

TEST(ContentJson, a_place_keeps_its_digits) {
  EXPECT_EQ(again(R"({"location":{"latitude":"-12.0464","longitude":"77.0428001","name":"Lima"}})"),
            R"({"location":{"latitude":"-12.0464","longitude":"77.0428001","name":"Lima"}} )"
            "[place -12.0464, 77.0428001 Lima]");
  EXPECT_EQ(again(R"({"location":{"latitude":"90","longitude":"-180.0"}})"),
            R"({"location":{"latitude":"90.0","longitude":"-180.0"}} [place 90.0, -180.0])");
  for (const char* wrong : {"90.1", "1e1", "", "-", "1.12345678", "91", "--1", "1.-5"}) {
    const std::string object = std::string(R"({"location":{"latitude":")") + wrong + R"(","longitude":"0"}})";
    EXPECT_EQ(again(object.c_str()), "INVALID_ARGUMENT") << wrong;
  }
}

TEST(ContentJson, a_poll_and_a_vote_count_from_one) {
  EXPECT_EQ(again(R"({"poll":{"question":"when?","options":["at 5","at 6"]}})"),
            R"({"poll":{"question":"when?","options":["at 5","at 6"],"choices":1}} [poll] when?  1) at 5  2) at 6)");
  EXPECT_EQ(again(R"({"about":"vote","seq":3,"votes":[2,1]})"), R"({"votes":[1,2]} 1, 2)");
  EXPECT_EQ(again(R"({"about":"vote","seq":3,"votes":[0]})"), "INVALID_ARGUMENT");
  EXPECT_EQ(again(R"({"about":"vote","seq":3,"votes":[13]})"), "INVALID_ARGUMENT");
}

TEST(ContentJson, a_duration_is_typed_with_its_unit) {
  EXPECT_EQ(parse_seconds("30s"), 30U);
  EXPECT_EQ(parse_seconds("10m"), 600U);
  EXPECT_EQ(parse_seconds("24h"), 86'400U);
  EXPECT_EQ(parse_seconds("7d"), 604'800U);
  EXPECT_EQ(parse_seconds("off"), 0U);
  for (const char* wrong : {"", "5", "0s", "h", "-1h", "367d", "5 m", "99999999999d"}) {
    EXPECT_FALSE(parse_seconds(wrong).has_value()) << wrong;
  }
  EXPECT_EQ(seconds_words(604'800), "7d");
  EXPECT_EQ(seconds_words(90), "90s");
}

}  // namespace
}  // namespace chasqui::cli
