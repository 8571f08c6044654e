// What a line typed in a chat means: a message, or something about an earlier one.
//
//   /reply [#N] TEXT   /edit [#N] TEXT   /delete [#N]   /react [#N] [SIGN]   //TEXT: a message that begins with one /
//
// Without a number: the other's last message (reply, react), one's own (edit, delete).
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "proto/client.pb.h"

namespace chasqui::cli {

struct Said {
  client::About about;  // of nothing: a message by itself
  std::string text;
};

// The last messages, by seq; 0: there is none yet.
struct LastMessages {
  std::uint64_t other = 0;
  std::uint64_t own = 0;
};

// InvalidArgument: no such word, no number, nothing to say; NotFound: no message yet that it could mean.
[[nodiscard]] absl::StatusOr<Said> parse_chat_line(const std::string& line, const LastMessages& last);

}  // namespace chasqui::cli
