// An event as this program shows it: the one JSON object of history, inbox and chat, and its line for people.
//
// {"conversation": 32 hex digits, "from": handle, "seq", "time_ms", "text"}. `text` is null, and a "kind" is added, for
// content that is no text: "sealed" (end-to-end encrypted by another client) or "unknown" (of a newer program).
#pragma once

#include <boost/json.hpp>
#include <string>

#include "core/base/ids.h"
#include "proto/client.pb.h"

namespace chasqui::cli {

[[nodiscard]] boost::json::object event_object(const ConversationId& conversation, const client::Event& event,
                                               const std::string& from);
// "hola", or what stands for it. Printable; a newline becomes `newline`.
[[nodiscard]] std::string shown_text(const client::Event& event, std::string_view newline = "\n    ");
[[nodiscard]] std::string shown_text(const boost::json::object& event, std::string_view newline = "\n    ");

}  // namespace chasqui::cli
