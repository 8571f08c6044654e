#include "runtime/chasqui/line_editor.h"

#include <histedit.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>

#include "runtime/chasqui/printable.h"
#include "runtime/chasqui/stdin_watch.h"

#ifdef __SANITIZE_ADDRESS__
// libedit keeps two strings of its own beyond el_end().
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:wcsdup\n";
}
#endif

namespace chasqui::cli {
namespace {

constexpr int history_lines = 200;

class Editor final : public LineEditor {
 public:
  Editor(boost::asio::io_context& io, std::string prompt, Hears hears)
      : prompt_(std::move(prompt)), hears_(std::move(hears)), stdin_(io, [this] { read(); }) {
    edit_ = ::el_init("chasqui", stdin, stdout, stderr);
    history_ = ::history_init();
    HistEvent event{};
    ::history(history_, &event, H_SETSIZE, history_lines);
    ::el_set(edit_, EL_CLIENTDATA, this);
    ::el_set(edit_, EL_PROMPT, &Editor::give_prompt);
    ::el_set(edit_, EL_EDITOR, "emacs");
    ::el_set(edit_, EL_HIST, ::history, history_);
    ::el_set(edit_, EL_SIGNAL, 0);
    ::el_set(edit_, EL_ADDFN, "chasqui-eof", "end the chat, or delete a character", &Editor::on_eof);
    ::el_set(edit_, EL_BIND, "^D", "chasqui-eof", nullptr);
    // Raw mode and a drawn prompt from here on, one key for each read().
    ::el_set(edit_, EL_UNBUFFERED, 1);
    stdin_.arm();
  }

  ~Editor() override {
    ::el_set(edit_, EL_UNBUFFERED, 0);
    ::el_end(edit_);
    ::history_end(history_);
  }

  void hide() override {
    if (!shown_) return;
    shown_ = false;
    const std::size_t width = terminal_size().columns;
    const LineInfo* line = ::el_line(edit_);
    const std::size_t before =
        columns(prompt_) + columns({line->buffer, static_cast<std::size_t>(line->cursor - line->buffer)});
    const std::size_t rows_up = before / width;
    if (rows_up > 0) std::printf("\x1b[%zuA", rows_up);
    std::printf("\r\x1b[J");
    std::fflush(stdout);
  }

  void show() override {
    if (shown_ || between_lines_) return;
    shown_ = true;
    std::fflush(stdout);
    ::el_set(edit_, EL_REFRESH, nullptr);
  }

 private:
  static Editor& of(EditLine* edit) {
    void* self = nullptr;
    ::el_get(edit, EL_CLIENTDATA, &self);
    return *static_cast<Editor*>(self);
  }
  static char* give_prompt(EditLine* edit) { return of(edit).prompt_.data(); }

  static unsigned char on_eof(EditLine* edit, int) {
    const LineInfo* line = ::el_line(edit);
    if (line->lastchar == line->buffer) {
      of(edit).ended_ = true;
      return CC_EOF;
    }
    if (line->cursor == line->lastchar) return CC_ERROR;
    ::el_cursor(edit, 1);
    ::el_deletestr(edit, 1);
    return CC_REFRESH;
  }

  void read() {
    ::el_resize(edit_);
    int count = 0;
    const char* text = ::el_gets(edit_, &count);
    if (ended_ || count < 0) return hears_.end();
    if (text != nullptr && count > 0 && (text[count - 1] == '\n' || text[count - 1] == '\r')) {
      finish_line({text, static_cast<std::size_t>(count - 1)});
    } else if (const LineInfo* line = ::el_line(edit_); line->lastchar != line->buffer) {
      hears_.key();
    }
    stdin_.arm();
  }

  void finish_line(std::string line) {
    if (!line.empty()) {
      HistEvent event{};
      ::history(history_, &event, H_ENTER, line.c_str());
    }
    // A line that just fills its row has put the cursor on the next one already.
    const std::size_t rows = (columns(prompt_) + columns(line)) / terminal_size().columns + 1;
    // Off and on again: the next line begins, empty, with its prompt drawn.
    ::el_set(edit_, EL_UNBUFFERED, 0);
    shown_ = false;
    between_lines_ = true;
    hears_.line(std::move(line), rows);
    between_lines_ = false;
    ::el_set(edit_, EL_UNBUFFERED, 1);
    shown_ = true;
  }

  std::string prompt_;
  Hears hears_;
  EditLine* edit_ = nullptr;
  History* history_ = nullptr;
  bool shown_ = true;
  bool between_lines_ = false;
  bool ended_ = false;
  StdinWatch stdin_;
};

}  // namespace

std::unique_ptr<LineEditor> LineEditor::open(boost::asio::io_context& io, std::string prompt, Hears hears) {
  return std::make_unique<Editor>(io, std::move(prompt), std::move(hears));
}

TerminalSize terminal_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

std::size_t rows_of(std::size_t text_columns, std::size_t terminal_columns) {
  return std::max<std::size_t>(1, (text_columns + terminal_columns - 1) / terminal_columns);
}

}  // namespace chasqui::cli
