// Colours and weights, if they are wanted: a terminal, no NO_COLOR (no-color.org), or as --color says.
#pragma once

#include <string>
#include <string_view>

namespace chasqui::cli {

class Style {
 public:
  // `color`: auto, always or never; `fd`: where it will be written.
  static Style choose(std::string_view color, int fd);

  [[nodiscard]] std::string dim(std::string_view text) const { return paint("\x1b[2m", text); }
  [[nodiscard]] std::string bold(std::string_view text) const { return paint("\x1b[1m", text); }
  [[nodiscard]] std::string own(std::string_view text) const { return paint("\x1b[36m", text); }
  [[nodiscard]] std::string other(std::string_view text) const { return paint("\x1b[33m", text); }

 private:
  explicit Style(bool on) : on_(on) {}
  [[nodiscard]] std::string paint(std::string_view code, std::string_view text) const {
    std::string painted(text);
    return on_ ? std::string(code) + painted + "\x1b[0m" : painted;
  }
  bool on_;
};

}  // namespace chasqui::cli
