#include "runtime/chasqui/event_text.h"

#include "absl/strings/str_cat.h"
#include "net/clock.h"
#include "runtime/chasqui/content_json.h"
#include "runtime/chasqui/printable.h"

namespace chasqui::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view sealed_mark = "[sealed: only another client can read this]";
constexpr std::string_view deleted_mark = "[deleted]";
constexpr std::string_view expired_mark = "[disappeared]";
constexpr std::string_view unknown_mark = "[of a kind that this version does not know]";

struct AboutName {
  client::About::Kind kind;
  std::string_view name;
};
constexpr AboutName about_names[] = {{client::About::REPLY, "reply"},       {client::About::EDIT, "edit"},
                                     {client::About::DELETION, "deletion"}, {client::About::REACTION, "reaction"},
                                     {client::About::PIN, "pin"},           {client::About::UNPIN, "unpin"},
                                     {client::About::VOTE, "vote"}};

// What is put before the text.
std::string about_words(std::string_view about, std::uint64_t seq, bool is_taken_back) {
  if (about == "reply") return absl::StrCat("(to ", seq, ") ");
  if (about == "edit") return absl::StrCat("(", seq, " should be) ");
  if (about == "deletion") return absl::StrCat("(deletes ", seq, ")");
  if (about == "pin") return absl::StrCat("(pins ", seq, ")");
  if (about == "unpin") return absl::StrCat("(unpins ", seq, ")");
  if (about == "vote")
    return absl::StrCat(is_taken_back ? "(takes back the vote on " : "(votes on ", seq, is_taken_back ? ")" : ") ");
  if (about == "reaction")
    return absl::StrCat(is_taken_back ? "(takes back at " : "(at ", seq, is_taken_back ? ")" : ") ");
  return {};
}

// Its time is over, though this copy of it is from before.
bool is_over(const client::Event& event) {
  return event.expires_ms() != 0 && event.expires_ms() <= now().wall.ms;
}

std::string_view string_in(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains({key.data(), key.size()});
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

}  // namespace

std::string_view about_name(client::About::Kind kind) {
  for (const AboutName& known : about_names) {
    if (known.kind == kind) return known.name;
  }
  return {};
}

client::About about_of(std::string_view name, std::uint64_t seq) {
  client::About about;
  for (const AboutName& known : about_names) {
    if (known.name != name) continue;
    about.set_kind(known.kind);
    about.set_seq(seq);
  }
  return about;
}

std::string with_about(const client::About& about, const std::string& text) {
  return about_words(about_name(about.kind()), about.seq(), text.empty()) + text;
}

json::object event_object(const ConversationId& conversation, const client::Event& event, const std::string& from,
                          const NamesOfUsers& names) {
  json::object object{{"conversation", conversation.hex()},
                      {"from", from},
                      {"seq", event.seq()},
                      {"time_ms", event.time_ms()},
                      {"text", nullptr}};
  const bool is_known_about = !about_name(event.about().kind()).empty();
  if (is_known_about) {
    object["about"] = std::string(about_name(event.about().kind()));
    object["about_seq"] = event.about().seq();
  }
  if (event.edited_by() != 0) object["edited_by"] = event.edited_by();
  if (event.expires_ms() != 0) object["expires_ms"] = event.expires_ms();
  client::Payload payload;
  const bool parsed = event.body_case() == client::Event::kPayload && payload.ParseFromString(event.payload());
  const bool is_about_alone = is_known_about && payload.content_case() == client::Payload::CONTENT_NOT_SET;
  if (event.has_change()) {
    object["kind"] = "group";
    object["change"] = change_object(event.change(), names);
  } else if (event.erased_by() != 0) {
    object["kind"] = "deleted";
  } else if (event.expired() || is_over(event)) {
    object["kind"] = "expired";
  } else if (parsed && is_about_alone) {
    object["text"] = "";
    add_content(payload, object);
  } else if (parsed && payload.content_case() == client::Payload::kText && is_utf8(payload.text())) {
    object["text"] = payload.text();
    add_content(payload, object);
  } else if (const std::string_view kind = content_kind(payload); parsed && !kind.empty()) {
    object["kind"] = std::string(kind);
    object["words"] = content_words(payload);
    add_content(payload, object);
  } else {
    object["kind"] = parsed && payload.content_case() == client::Payload::kSealed ? "sealed" : "unknown";
  }
  return object;
}

std::string shown_text(const json::object& event, std::string_view newline) {
  std::string said(string_in(event, "text"));
  const json::value* seq = event.if_contains("about_seq");
  const std::uint64_t about_seq = seq != nullptr && seq->is_number() ? seq->to_number<std::uint64_t>() : 0;
  if (const json::value* votes = event.if_contains("votes"); votes != nullptr && votes->is_array()) {
    for (const json::value& vote : votes->get_array()) {
      if (vote.is_number()) absl::StrAppend(&said, said.empty() ? "" : ", ", vote.to_number<std::uint64_t>());
    }
  }
  std::string words = about_words(string_in(event, "about"), about_seq, said.empty());
  if (const json::value* forwards = event.if_contains("forwards"); forwards != nullptr) words += "(forwarded) ";
  const json::value* body = event.if_contains("text");
  if (body != nullptr && body->is_string()) return words + printable(said, newline);
  if (const std::string_view content = string_in(event, "words"); !content.empty()) {
    return words + printable(content, newline);
  }
  const std::string_view kind = string_in(event, "kind");
  const json::value* change = event.if_contains("change");
  if (kind == "group" && change != nullptr && change->is_object()) {
    return absl::StrCat("[", change_words(change->get_object()), "]");
  }
  return words + std::string(kind == "sealed"    ? sealed_mark
                             : kind == "deleted" ? deleted_mark
                             : kind == "expired" ? expired_mark
                                                 : unknown_mark);
}

std::string shown_text(const client::Event& event, std::string_view newline, const NamesOfUsers& names) {
  return shown_text(event_object({}, event, "", names), newline);
}

}  // namespace chasqui::cli
