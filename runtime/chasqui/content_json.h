// What a message says, as this program's JSON and as words: places, cards, polls, votes, timers, mentions, forwards.
//
// {"location": {"latitude": "-12.0464", "longitude": "-77.0428", "name"?}}   {"contact": {"name"?, "phone"?, "user"?}}
// {"poll": {"question", "options": [...], "choices": 1}}   {"votes": [1, 3]}: options, from 1   {"timer_s": 0: off}
// {"mentions": ["USER", ...]}   {"forwards": 2}. Ids of users are decimal strings; degrees are, too: they stay exact.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "proto/client.pb.h"

namespace chasqui::cli {

// The message that such an object describes, with "text", "about" and "about_seq" (event_text.h). InvalidArgument: what
// it says cannot be.
[[nodiscard]] absl::StatusOr<client::Payload> payload_of(const boost::json::object& object);
// The other way round, without text and about.
void add_content(const client::Payload& payload, boost::json::object& object);
// "place", "contact", ...: what stands where a text would; "" if it is one, or nothing.
[[nodiscard]] std::string_view content_kind(const client::Payload& payload);
// "[place -12.0464, -77.0428]": likewise, in words. Of a vote: what was chosen.
[[nodiscard]] std::string content_words(const client::Payload& payload);

// "30s", "10m", "24h", "7d" or "off"; nullopt: none of these, or over a year.
[[nodiscard]] std::optional<std::uint32_t> parse_seconds(std::string_view typed);
[[nodiscard]] std::string seconds_words(std::uint32_t seconds);

}  // namespace chasqui::cli
