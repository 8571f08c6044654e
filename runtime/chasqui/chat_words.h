// What a line typed in a chat means: a message, or one of the words below.
//
//   /reply [#N] TEXT   /edit [#N] TEXT   /delete [#N]   /react [#N] [SIGN]   /pin [#N]   /unpin [#N]   /hide [#N]
//   /info [#N]
//   /poll QUESTION | OPTION | OPTION ...   /vote [#N] [OPTION ...]   /timer TIME   //TEXT: a message that begins with /
//   /block   /unblock   /accept: of whom one talks with
//
// Without a number: the other's last message (reply, react, pin, hide), one's own (edit, delete, info), the last poll
// (vote).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "proto/client.pb.h"

namespace chasqui::cli {

struct Said {
  client::Payload payload;
  std::uint64_t hide = 0;            // instead: that message is hidden from this person
  std::uint64_t info = 0;            // instead: who has that message, and who has read it
  std::optional<client::Gate> gate;  // instead: towards the other
};

// The last messages, by seq; 0: there is none yet.
struct LastMessages {
  std::uint64_t other = 0;
  std::uint64_t own = 0;
  std::uint64_t poll = 0;
};

// InvalidArgument: no such word, no number, nothing to say; NotFound: no message yet that it could mean.
[[nodiscard]] absl::StatusOr<Said> parse_chat_line(const std::string& line, const LastMessages& last);

}  // namespace chasqui::cli
