#include "runtime/chasqui/content_json.h"

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/bounds.h"
#include "core/base/text.h"
#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/event_text.h"

namespace chasqui::cli {
namespace {

namespace json = boost::json;
using client::Payload;

constexpr std::int64_t e7 = 10'000'000;

// "-12.0464" -> -120464000, without a detour over floating point; nullopt: no such number, or beyond `most` degrees.
std::optional<std::int32_t> parse_degrees(std::string_view typed, std::int64_t most) {
  const bool is_negative = !typed.empty() && typed.front() == '-';
  if (is_negative) typed.remove_prefix(1);
  const std::size_t point = typed.find('.');
  const std::string_view whole = typed.substr(0, point);
  std::string part(point == std::string_view::npos ? std::string_view() : typed.substr(point + 1));
  if (part.size() > 7 || whole.empty()) return std::nullopt;
  part.append(7 - part.size(), '0');
  const auto is_digits = [](std::string_view digits) {
    return digits.find_first_not_of("0123456789") == std::string_view::npos;
  };
  std::int64_t degrees = 0;
  std::int64_t fraction = 0;
  const bool parsed = is_digits(whole) && is_digits(part) && absl::SimpleAtoi(text(whole), &degrees) &&
                      absl::SimpleAtoi(part, &fraction);
  if (!parsed || degrees > most || degrees * e7 + fraction > most * e7) return std::nullopt;
  return static_cast<std::int32_t>((is_negative ? -1 : 1) * (degrees * e7 + fraction));
}

std::string degrees_words(std::int32_t degrees_e7) {
  const std::int64_t size = std::abs(std::int64_t{degrees_e7});
  std::string words = absl::StrFormat("%s%d.%07d", degrees_e7 < 0 ? "-" : "", size / e7, size % e7);
  while (words.back() == '0' && words[words.size() - 2] != '.') words.pop_back();
  return words;
}

absl::Status read_location(const json::object& object, Payload& payload) {
  const auto latitude = parse_degrees(string_at(object, "latitude"), 90);
  const auto longitude = parse_degrees(string_at(object, "longitude"), 180);
  if (!latitude || !longitude) {
    return absl::InvalidArgumentError(
        "a place is a latitude within 90 and a longitude within 180 degrees, at most 7 "
        "digits behind the point: -12.0464 -77.0428");
  }
  payload.mutable_location()->set_latitude_e7(*latitude);
  payload.mutable_location()->set_longitude_e7(*longitude);
  payload.mutable_location()->set_name(string_at(object, "name"));
  return absl::OkStatus();
}

absl::Status read_contact(const json::object& object, Payload& payload) {
  client::Contact& card = *payload.mutable_contact();
  card.set_name(string_at(object, "name"));
  card.set_phone(string_at(object, "phone"));
  std::uint64_t user = 0;
  const std::string id = string_at(object, "user");
  if (!id.empty() && !absl::SimpleAtoi(id, &user)) return absl::InvalidArgumentError("a user is named by a number");
  card.set_user(user);
  return absl::OkStatus();
}

const json::array* array_at(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  return value != nullptr && value->is_array() ? &value->get_array() : nullptr;
}

absl::Status read_poll(const json::object& object, Payload& payload) {
  client::Poll& poll = *payload.mutable_poll();
  poll.set_question(string_at(object, "question"));
  poll.set_choices_max(static_cast<std::uint32_t>(std::min<std::uint64_t>(number_at(object, "choices"), 1'000)));
  if (const json::array* options = array_at(object, "options")) {
    for (const json::value& option : *options) {
      if (option.is_string()) poll.add_options(std::string(option.get_string()));
    }
  }
  return absl::OkStatus();
}

absl::Status read_votes(const json::array& votes, Payload& payload) {
  for (const json::value& vote : votes) {
    const std::uint64_t option = vote.is_number() ? vote.to_number<std::uint64_t>() : 0;
    if (option == 0 || option > bounds::poll_options_max) {
      return absl::InvalidArgumentError(absl::StrCat("the options of a poll are 1 to ", bounds::poll_options_max));
    }
    payload.add_votes(static_cast<std::uint32_t>(option - 1));
  }
  std::sort(payload.mutable_votes()->begin(), payload.mutable_votes()->end());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Payload> payload_of(const json::object& object) {
  Payload payload;
  const client::About about = about_of(string_at(object, "about"), number_at(object, "seq"));
  if (about.kind() != client::About::NOTHING) *payload.mutable_about() = about;
  absl::Status status;
  if (const json::object* place = object_at(object, "location")) status = read_location(*place, payload);
  if (const json::object* card = object_at(object, "contact")) status = read_contact(*card, payload);
  if (const json::object* poll = object_at(object, "poll")) status = read_poll(*poll, payload);
  if (const json::array* votes = array_at(object, "votes")) status = read_votes(*votes, payload);
  if (object.contains("timer_s")) {
    payload.mutable_timer()->set_seconds(
        static_cast<std::uint32_t>(std::min<std::uint64_t>(number_at(object, "timer_s"), bounds::timer_s_max + 1)));
  }
  if (!status.ok()) return status;
  const std::string said = string_at(object, "text");
  const bool needs_text = payload.content_case() == Payload::CONTENT_NOT_SET &&
                          (about.kind() == client::About::NOTHING || about.kind() == client::About::REPLY ||
                           about.kind() == client::About::EDIT);
  if (!said.empty() || needs_text) payload.set_text(said);
  return payload;
}

void add_content(const Payload& payload, json::object& object) {
  if (payload.has_location()) {
    json::object place{{"latitude", degrees_words(payload.location().latitude_e7())},
                       {"longitude", degrees_words(payload.location().longitude_e7())}};
    if (!payload.location().name().empty()) place["name"] = payload.location().name();
    object["location"] = std::move(place);
  }
  if (payload.has_contact()) {
    json::object card;
    if (!payload.contact().name().empty()) card["name"] = payload.contact().name();
    if (!payload.contact().phone().empty()) card["phone"] = payload.contact().phone();
    if (payload.contact().user() != 0) card["user"] = absl::StrCat(payload.contact().user());
    object["contact"] = std::move(card);
  }
  if (payload.has_poll()) {
    json::array options;
    for (const std::string& option : payload.poll().options()) options.emplace_back(option);
    object["poll"] = json::object{{"question", payload.poll().question()},
                                  {"options", std::move(options)},
                                  {"choices", std::max<std::uint32_t>(1, payload.poll().choices_max())}};
  }
  if (payload.has_timer()) object["timer_s"] = payload.timer().seconds();
  if (payload.about().kind() == client::About::VOTE) {
    json::array votes;
    for (const std::uint32_t vote : payload.votes()) votes.emplace_back(vote + 1);
    object["votes"] = std::move(votes);
  }
  if (payload.mentions_size() > 0) {
    json::array users;
    for (const std::uint64_t user : payload.mentions()) users.emplace_back(absl::StrCat(user));
    object["mentions"] = std::move(users);
  }
  if (payload.forwards() > 0) object["forwards"] = payload.forwards();
}

std::string_view content_kind(const Payload& payload) {
  if (payload.has_location()) return "location";
  if (payload.has_contact()) return "contact";
  if (payload.has_poll()) return "poll";
  return payload.has_timer() ? "timer" : "";
}

std::string content_words(const Payload& payload) {
  std::string words;
  if (payload.has_location()) {
    absl::StrAppend(&words, "[place ", degrees_words(payload.location().latitude_e7()), ", ",
                    degrees_words(payload.location().longitude_e7()), payload.location().name().empty() ? "" : " ",
                    payload.location().name(), "]");
  } else if (payload.has_contact()) {
    absl::StrAppend(&words, "[contact ", payload.contact().name());
    if (!payload.contact().phone().empty()) absl::StrAppend(&words, " ", payload.contact().phone());
    if (payload.contact().user() != 0) absl::StrAppend(&words, " #", payload.contact().user());
    words += "]";
  } else if (payload.has_poll()) {
    absl::StrAppend(&words, "[poll] ", payload.poll().question());
    for (int i = 0; i < payload.poll().options_size(); ++i) {
      absl::StrAppend(&words, "  ", i + 1, ") ", payload.poll().options(i));
    }
  } else if (payload.has_timer()) {
    words = payload.timer().seconds() == 0
                ? "[messages stay]"
                : absl::StrCat("[messages disappear after ", seconds_words(payload.timer().seconds()), "]");
  } else if (payload.about().kind() == client::About::VOTE) {
    for (const std::uint32_t vote : payload.votes()) absl::StrAppend(&words, words.empty() ? "" : ", ", vote + 1);
  } else {
    words = payload.text();
  }
  return words;
}

std::optional<std::uint32_t> parse_seconds(std::string_view typed) {
  if (typed == "off") return 0;
  if (typed.size() < 2) return std::nullopt;
  std::uint64_t unit = 0;
  switch (typed.back()) {
    case 's': unit = 1; break;
    case 'm': unit = 60; break;
    case 'h': unit = 3'600; break;
    case 'd': unit = 86'400; break;
    default: return std::nullopt;
  }
  std::uint32_t count = 0;
  if (typed.substr(0, typed.size() - 1).find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  if (!absl::SimpleAtoi(text(typed.substr(0, typed.size() - 1)), &count) || count == 0) return std::nullopt;
  const std::uint64_t seconds = unit * count;
  if (seconds > bounds::timer_s_max) return std::nullopt;
  return static_cast<std::uint32_t>(seconds);
}

std::string seconds_words(std::uint32_t seconds) {
  if (seconds % 86'400 == 0) return absl::StrCat(seconds / 86'400, "d");
  if (seconds % 3'600 == 0) return absl::StrCat(seconds / 3'600, "h");
  return seconds % 60 == 0 ? absl::StrCat(seconds / 60, "m") : absl::StrCat(seconds, "s");
}

}  // namespace chasqui::cli
