// Where a chat is shown: a terminal with a line being typed (terminal_screen.h), or plain lines and JSON objects for
// everything else (plain_screen.h). And where its typed lines come from.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/base/ids.h"
#include "proto/client.pb.h"
#include "runtime/chasqui/group_text.h"
#include "runtime/chasqui/options.h"
#include "runtime/chasqui/style.h"

namespace chasqui::cli {

enum class State : std::uint8_t { Waiting, Accepted, Delivered, Read };

// "…", "✓", "✓✓", "✓✓ read".
[[nodiscard]] const char* mark_of(State state);
[[nodiscard]] const char* name_of(State state);  // "waiting", "accepted", "delivered", "read"

// A message of this person. `key` is the chat's own count.
struct OwnMessage {
  std::uint64_t key = 0;
  ConversationId conversation;
  std::uint64_t seq = 0;  // 0: not accepted yet
  std::int64_t time_ms = 0;
  client::About about;  // what is said about an earlier message; of nothing: a message by itself
  std::string text;
  State state = State::Waiting;
  std::string receipts;  // of a group: "delivered 3, read 2 of 5"; empty: nothing is known
};
// The state, or what is known of a group's members.
[[nodiscard]] std::string mark_of(const OwnMessage& message);

class Screen {
 public:
  struct Input {
    std::function<void(std::string)> line;
    std::function<void()> end;
    std::function<void()> key;  // something was typed; of a terminal alone
  };

  virtual ~Screen() = default;
  virtual void listen(Input input) = 0;
  virtual void show_message(const ConversationId& conversation, const client::Event& event, const std::string& from,
                            const NamesOfUsers& names) = 0;
  virtual void show_own(const OwnMessage& message, const std::string& me) = 0;
  // Its state, seq or time changed.
  virtual void update_own(const OwnMessage& message, const std::string& me) = 0;
  virtual void show_status(const std::string& status) = 0;
  // False: what was shown may not have arrived (a broken pipe).
  [[nodiscard]] virtual bool flush() = 0;
};

[[nodiscard]] std::unique_ptr<Screen> open_terminal_screen(boost::asio::io_context& io, Style style);
[[nodiscard]] std::unique_ptr<Screen> open_plain_screen(boost::asio::io_context& io, bool json);

}  // namespace chasqui::cli
