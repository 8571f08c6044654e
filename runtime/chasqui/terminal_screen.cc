// A chat on a terminal: lines scroll above the one being typed; the mark of one's own message (… ✓ ✓✓ read) changes in
// place while the message is still on the screen.
//
// Each line printed is counted in rows, so that a message's row is known for as long as the window keeps its size;
// after a resize older messages are left as they are.
#include <algorithm>
#include <cstdio>
#include <deque>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/chasqui/event_text.h"
#include "runtime/chasqui/line_editor.h"
#include "runtime/chasqui/printable.h"
#include "runtime/chasqui/screen.h"

namespace chasqui::cli {
namespace {

constexpr std::size_t mark_columns = 7;  // of "✓✓ read": reserved, so that no change of state needs another row
constexpr std::size_t placed_max = 200;

class TerminalScreen final : public Screen {
 public:
  TerminalScreen(boost::asio::io_context& io, Style style) : io_(io), style_(style), size_(terminal_size()) {}

  void listen(Input input) override {
    input_ = std::move(input);
    editor_ = LineEditor::open(io_, "> ",
                               {[this](std::string line, std::size_t rows) {
                                  // The typed line gives way to the message that it becomes.
                                  std::printf("\x1b[%zuA\r\x1b[J", rows);
                                  input_.line(std::move(line));
                                  std::fflush(stdout);
                                },
                                [this] { input_.end(); }, [this] { input_.key(); }});
  }

  void show_message(const ConversationId&, const client::Event& event, const std::string& from,
                    const NamesOfUsers& names) override {
    const std::string time = clock_time(event.time_ms());
    const std::string name = printable(from) + ":";
    const std::string text = shown_text(event, "\n    ", names);
    print(absl::StrCat(style_.dim(time), " ", style_.other(name), " ", text), absl::StrCat(time, " ", name, " ", text));
  }

  void show_own(const OwnMessage& message, const std::string& me) override {
    look_at_size();
    const std::uint64_t row = rows_printed_;
    print(own_line(message, me, true), own_line(message, me, false));
    placed_.push_back({message.key, row});
    if (placed_.size() > placed_max) placed_.pop_front();
  }

  void update_own(const OwnMessage& message, const std::string& me) override {
    look_at_size();
    for (const Placed& placed : placed_) {
      if (placed.key != message.key) continue;
      const std::uint64_t rows_up = rows_printed_ - placed.row;
      if (rows_up + 1 >= size_.rows) return;  // scrolled away
      hide();
      std::printf("\x1b[%lluA\r%s\x1b[%lluB\r", static_cast<unsigned long long>(rows_up),
                  own_line(message, me, true).c_str(),
                  static_cast<unsigned long long>(rows_up - (rows_of_text(own_line(message, me, false)) - 1)));
      show();
      return;
    }
  }

  void show_status(const std::string& status) override {
    const std::string line = absl::StrCat("-- ", printable(status));
    print(style_.dim(line), line);
  }

  bool flush() override { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

 private:
  struct Placed {
    std::uint64_t key;
    std::uint64_t row;  // of its first row, in rows printed so far
  };

  std::string own_line(const OwnMessage& message, const std::string& me, bool styled) const {
    const std::string time = clock_time(message.time_ms);
    const std::string name = printable(me) + ":";
    const std::string text = printable(with_about(message.about, message.text), "\n    ");
    std::string mark = mark_of(message);
    const std::string padding(mark_columns - std::min(mark_columns, columns(mark)), ' ');
    if (!styled) return absl::StrCat(time, " ", name, " ", text, "  ", mark, padding);
    return absl::StrCat(style_.dim(time), " ", style_.own(name), " ", text, "  ", style_.dim(mark), padding);
  }

  [[nodiscard]] std::uint64_t rows_of_text(const std::string& plain) const {
    std::uint64_t rows = 0;
    std::size_t begin = 0;
    for (;;) {
      const std::size_t end = plain.find('\n', begin);
      rows += rows_of(columns(plain.substr(begin, end - begin)), size_.columns);
      if (end == std::string::npos) return rows;
      begin = end + 1;
    }
  }

  // `plain` is what `line` says without colours: it is what counts for rows.
  void print(const std::string& line, const std::string& plain) {
    look_at_size();
    hide();
    std::printf("%s\n", line.c_str());
    rows_printed_ += rows_of_text(plain);
    show();
  }

  void look_at_size() {
    const TerminalSize now = terminal_size();
    if (now.columns != size_.columns) placed_.clear();
    size_ = now;
  }

  void hide() {
    if (editor_) editor_->hide();
  }
  void show() {
    if (editor_) editor_->show();
    std::fflush(stdout);
  }

  boost::asio::io_context& io_;
  Style style_;
  TerminalSize size_;
  Input input_;
  std::uint64_t rows_printed_ = 0;
  std::deque<Placed> placed_;
  std::unique_ptr<LineEditor> editor_;
};

}  // namespace

std::unique_ptr<Screen> open_terminal_screen(boost::asio::io_context& io, Style style) {
  return std::make_unique<TerminalScreen>(io, style);
}

}  // namespace chasqui::cli
