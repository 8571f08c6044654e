#include "runtime/chasqui/style.h"

#include <unistd.h>

#include <cstdlib>

namespace chasqui::cli {

Style Style::choose(std::string_view color, int fd) {
  if (color == "always") return Style(true);
  if (color == "never") return Style(false);
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool unwanted = no_color != nullptr && *no_color != '\0';
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  return Style(!unwanted && !dumb && ::isatty(fd) == 1);
}

}  // namespace chasqui::cli
