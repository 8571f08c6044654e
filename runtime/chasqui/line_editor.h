// One line being typed at the bottom of a terminal, edited with libedit, while other lines appear above it.
//
// hide() wipes prompt and line, so that the caller may write above; show() draws them again, cursor and all.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace chasqui::cli {

class LineEditor {
 public:
  struct Hears {
    // The line is done, and still on the screen: `rows` above the cursor, which stands at the start of a fresh row.
    std::function<void(std::string line, std::size_t rows)> line;
    std::function<void()> end;  // Ctrl-D on an empty line, or the terminal is gone
    std::function<void()> key;  // the line being typed has changed, and is not empty
  };

  // The terminal must be stdin and stdout.
  static std::unique_ptr<LineEditor> open(boost::asio::io_context& io, std::string prompt, Hears hears);
  virtual ~LineEditor() = default;  // the terminal is as it was
  virtual void hide() = 0;
  virtual void show() = 0;
};

// Of the terminal on stdout; 80 x 24 if it does not say.
struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};
[[nodiscard]] TerminalSize terminal_size();

// Rows that a text of so many columns fills, at least 1.
[[nodiscard]] std::size_t rows_of(std::size_t text_columns, std::size_t terminal_columns);

}  // namespace chasqui::cli
