// A chat as plain lines: what comes is printed, one line each; a message of one's own is printed at each change of its
// state. With --json, one object a line.
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "runtime/chasqui/event_text.h"
#include "runtime/chasqui/printable.h"
#include "runtime/chasqui/screen.h"
#include "runtime/chasqui/stdin_watch.h"

namespace chasqui::cli {
namespace {

namespace json = boost::json;
constexpr std::size_t line_bytes_max = 128 * 1024;

class PlainScreen final : public Screen {
 public:
  PlainScreen(boost::asio::io_context& io, bool as_json) : json_(as_json), stdin_(io, [this] { read(); }) {}

  void listen(Input input) override {
    input_ = std::move(input);
    stdin_.arm();
  }

  void show_message(const ConversationId& conversation, const client::Event& event, const std::string& from,
                    const NamesOfUsers& names) override {
    if (json_) return print(event_object(conversation, event, from, names));
    std::printf("%s %s: %s\n", clock_time(event.time_ms()).c_str(), printable(from).c_str(),
                shown_text(event, "\n    ", names).c_str());
  }

  void show_own(const OwnMessage& message, const std::string& me) override { update_own(message, me); }

  void update_own(const OwnMessage& message, const std::string& me) override {
    if (json_) {
      json::object object{{"conversation", message.conversation.hex()},
                          {"from", me},
                          {"seq", message.seq},
                          {"time_ms", message.time_ms},
                          {"text", message.text},
                          {"state", name_of(message.state)}};
      if (message.about.seq() != 0) {
        object["about"] = std::string(about_name(message.about.kind()));
        object["about_seq"] = message.about.seq();
      }
      if (!message.receipts.empty()) object["receipts"] = message.receipts;
      return print(object);
    }
    std::printf("%s %s: %s  %s\n", clock_time(message.time_ms).c_str(), printable(me).c_str(),
                printable(with_about(message.about, message.text), "\n    ").c_str(), mark_of(message).c_str());
    std::fflush(stdout);
  }

  void show_status(const std::string& status) override {
    if (json_) return print({{"status", status}});
    std::printf("-- %s\n", printable(status).c_str());
    std::fflush(stdout);
  }

  bool flush() override { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

 private:
  void print(const json::object& object) {
    std::printf("%s\n", json::serialize(object).c_str());
    std::fflush(stdout);
  }

  void read() {
    std::array<char, 65536> chunk;
    const ssize_t count = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) return stdin_.arm();
    if (count <= 0) {
      if (!line_.empty()) input_.line(std::exchange(line_, {}));
      return input_.end();
    }
    line_.append(chunk.data(), static_cast<std::size_t>(count));
    for (std::size_t end = line_.find('\n'); end != std::string::npos; end = line_.find('\n')) {
      std::string line = line_.substr(0, end);
      line_.erase(0, end + 1);
      input_.line(std::move(line));
    }
    if (line_.size() > line_bytes_max) line_.resize(line_bytes_max);
    stdin_.arm();
  }

  bool json_;
  Input input_;
  std::string line_;
  StdinWatch stdin_;
};

}  // namespace

const char* mark_of(State state) {
  switch (state) {
    case State::Waiting: return "…";
    case State::Accepted: return "✓";
    case State::Delivered: return "✓✓";
    case State::Read: return "✓✓ read";
  }
  return "";
}

std::string mark_of(const OwnMessage& message) {
  const std::string mark = mark_of(message.state);
  return message.receipts.empty() ? mark : mark + " " + message.receipts;
}

const char* name_of(State state) {
  switch (state) {
    case State::Waiting: return "waiting";
    case State::Accepted: return "accepted";
    case State::Delivered: return "delivered";
    case State::Read: return "read";
  }
  return "";
}

std::unique_ptr<Screen> open_plain_screen(boost::asio::io_context& io, bool json) {
  return std::make_unique<PlainScreen>(io, json);
}

}  // namespace chasqui::cli
