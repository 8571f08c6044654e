// What a command asks of whoever holds the home, be it this process or another one: requests and replies as JSON
// objects, one a line when they go through the home's socket.
//
//   {"id", "send": {"who", "text"}}      -> {"id", "kept": true} once it is on disk, then {"id", "sent": {...}}
//   and so for what content_json.h says, and with "about" and "seq" for what is about an earlier message
//   {"id", "forward": {"who", "seq", "to"}}        -> the same
//   {"id", "hide": {"who", "seq"}}       -> {"id", "hidden": {"conversation", "seq"}} once the server has it
//   {"id", "presence": {"who"}}          -> {"id", "presence": {"user", "online"?: true, "last_seen_ms"?}} at once and
//                                           at each change, {"id", "typing": {"user", "typing": true}} when they write
//   {"id", "privacy": {"presence"?, "adds"?, "read_receipts"?}}  -> {"id", "privacy": {all three, as they are now}}
//   {"id", "gate": {"who", "gate": "open" | "blocked" | "request"}}
//                                        -> {"id", "gate": {"user", "gate", "in_force"?: true}}
//   {"id", "requests": {}}               -> {"id", "requests": {"requests": [{"conversation", "user"?, "seq"}, ...]}}
//   {"id", "receipts": {"who", "seq"}}   -> {"id", "receipts": {"conversation", "seq", "members": [...]}}
//   {"id", "conversations": {}}          -> {"id", "conversations": [{"conversation", "with"?, "unread", "mentions",
//                                           "request"?: true}, ...]}
//   {"id", "watermarks": {"who"}}        -> {"id", "watermarks": {"conversation", "members": [...]}}
//   {"id", "group": {"action", ...}}     -> the same, or {"id", "group": {...}} (group_change.h, group_text.h)
//   {"id", "history": {"who", "limit", "after"?}}  -> {"id", "message": {...}} each, then {"id", "done": true}
//   {"id", "inbox": {"follow"}}          -> the same; with follow it goes on and never says done. {"id", "skip":
//                                           {"conversation", "seq"}} stands for an event of this home's own
//   {"id", "shown": {"conversation", "seq", "read"}} -> nothing; it counts as shown from now on, with read as read, too
//   {"id", "finish": true}               -> {"id", "done": true} once the server has heard all marks so far
//   any of them                          -> {"id", "error": {"code", "message"}}; for that id it is the last reply
#pragma once

#include <boost/json.hpp>
#include <functional>

#include "absl/status/status.h"

namespace chasqui::cli {

constexpr std::size_t channel_line_bytes_max = 1024 * 1024;

class Channel {
 public:
  // A line from the other side. Never called inside request().
  using OnReply = std::function<void(const boost::json::object&)>;
  // The other side is gone: nothing more is heard.
  using OnLost = std::function<void(const absl::Status&)>;

  virtual ~Channel() = default;
  virtual void listen(OnReply on_reply, OnLost on_lost) = 0;
  virtual void request(boost::json::object request) = 0;
};

[[nodiscard]] boost::json::object error_reply(std::uint64_t id, const absl::Status& status);
// The status in reply["error"]; Ok if there is none.
[[nodiscard]] absl::Status error_of(const boost::json::object& reply);
[[nodiscard]] std::uint64_t id_of(const boost::json::object& object);

// Members of a request or reply, which may come from anybody who can write to the socket: absent is empty.
[[nodiscard]] std::string string_at(const boost::json::object& object, const char* name);
[[nodiscard]] std::uint64_t number_at(const boost::json::object& object, const char* name);
[[nodiscard]] const boost::json::object* object_at(const boost::json::object& object, const char* name);

}  // namespace chasqui::cli
