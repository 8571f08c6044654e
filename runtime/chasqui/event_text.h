// An event as this program shows it: the one JSON object of history, inbox and chat, and its line for people.
//
// {"conversation": 32 hex digits, "from": handle, "seq", "time_ms", "text"}. `text` is null, and a "kind" is added, for
// content that is no text: "location", "contact", "poll" or "timer", with what content_json.h says and "words";
// "sealed" (end-to-end encrypted by another client), "deleted", "expired", or "unknown" (of a newer program). What is
// about an earlier message has "about": "reply", "edit", "deletion", "reaction", "pin", "unpin" or "vote", and
// "about_seq"; where such a thing has no text, that is "". A message has "edited_by" if there is an edit, with the last
// one's seq, "expires_ms" if it is to disappear, and in a history "pinned" if it is. A change of a group has kind
// "group" and "change" (group_text.h).
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "core/base/ids.h"
#include "proto/client.pb.h"
#include "runtime/chasqui/group_text.h"

namespace chasqui::cli {

[[nodiscard]] boost::json::object event_object(const ConversationId& conversation, const client::Event& event,
                                               const std::string& from, const NamesOfUsers& names = {});
// "reply", ..., as above, and back; "" and nothing for a message by itself.
[[nodiscard]] std::string_view about_name(client::About::Kind kind);
[[nodiscard]] client::About about_of(std::string_view name, std::uint64_t seq);
// "(to 3) hola": what is said, and about which message.
[[nodiscard]] std::string with_about(const client::About& about, const std::string& text);
// "hola", or what stands for it. Printable; a newline becomes `newline`.
[[nodiscard]] std::string shown_text(const client::Event& event, std::string_view newline = "\n    ",
                                     const NamesOfUsers& names = {});
[[nodiscard]] std::string shown_text(const boost::json::object& event, std::string_view newline = "\n    ");

}  // namespace chasqui::cli
