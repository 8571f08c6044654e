#include "runtime/chasqui/event_text.h"

#include "runtime/chasqui/printable.h"

namespace chasqui::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view sealed_mark = "[sealed: only another client can read this]";
constexpr std::string_view unknown_mark = "[of a kind that this version does not know]";

}  // namespace

json::object event_object(const ConversationId& conversation, const client::Event& event, const std::string& from) {
  json::object object{{"conversation", conversation.hex()},
                      {"from", from},
                      {"seq", event.seq()},
                      {"time_ms", event.time_ms()},
                      {"text", nullptr}};
  client::Payload payload;
  const bool parsed = event.body_case() == client::Event::kPayload && payload.ParseFromString(event.payload());
  if (parsed && payload.content_case() == client::Payload::kText && is_utf8(payload.text())) {
    object["text"] = payload.text();
  } else {
    object["kind"] = parsed && payload.content_case() == client::Payload::kSealed ? "sealed" : "unknown";
  }
  return object;
}

std::string shown_text(const json::object& event, std::string_view newline) {
  const json::value* body = event.if_contains("text");
  if (body != nullptr && body->is_string()) {
    return printable({body->get_string().data(), body->get_string().size()}, newline);
  }
  const json::value* kind = event.if_contains("kind");
  const bool sealed = kind != nullptr && kind->is_string() && kind->get_string() == "sealed";
  return std::string(sealed ? sealed_mark : unknown_mark);
}

std::string shown_text(const client::Event& event, std::string_view newline) {
  return shown_text(event_object({}, event, ""), newline);
}

}  // namespace chasqui::cli
