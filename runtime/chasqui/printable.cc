#include "runtime/chasqui/printable.h"

#include <time.h>
#include <wchar.h>

#include <array>
#include <ctime>

namespace chasqui::cli {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

struct Character {
  char32_t value = 0;
  std::size_t bytes = 0;  // 0: no UTF-8 begins here
};

// The first character, strictly: no overlong form, no surrogate, nothing above U+10FFFF (RFC 3629).
Character first_character(std::string_view bytes) {
  const auto at = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t length = 0;
  char32_t value = 0;
  char32_t lowest = 0;
  if ((lead & 0xE0U) == 0xC0U) {
    length = 2, value = lead & 0x1FU, lowest = 0x80;
  } else if ((lead & 0xF0U) == 0xE0U) {
    length = 3, value = lead & 0x0FU, lowest = 0x800;
  } else if ((lead & 0xF8U) == 0xF0U) {
    length = 4, value = lead & 0x07U, lowest = 0x10000;
  } else {
    return {};
  }
  if (bytes.size() < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0U) != 0x80U) return {};
    value = (value << 6U) | (at(i) & 0x3FU);
  }
  if (value < lowest || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, length};
}

bool is_unsafe(char32_t c) {
  const bool control = (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7F && c <= 0x9F);
  const bool turns_direction = (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
  const bool separates = c == 0x2028 || c == 0x2029;
  return control || turns_direction || separates;
}

std::string local_time(std::int64_t time_ms, const char* format) {
  const std::time_t seconds = static_cast<std::time_t>(time_ms / 1000);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  std::array<char, 64> buffer{};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  const std::size_t length = std::strftime(buffer.data(), buffer.size(), format, &parts);
#pragma GCC diagnostic pop
  return {buffer.data(), length};
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const Character character = first_character(bytes);
    if (character.bytes == 0) return false;
    bytes.remove_prefix(character.bytes);
  }
  return true;
}

std::string printable(std::string_view bytes, std::string_view newline) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const Character character = first_character(bytes);
    const std::size_t length = character.bytes == 0 ? 1 : character.bytes;
    if (character.bytes == 0 || is_unsafe(character.value)) {
      out += replacement;
    } else if (character.value == '\n') {
      out += newline;
    } else {
      out += bytes.substr(0, length);
    }
    bytes.remove_prefix(length);
  }
  return out;
}

std::size_t columns(std::string_view printable_text) {
  std::size_t sum = 0;
  while (!printable_text.empty()) {
    const Character character = first_character(printable_text);
    const int width = character.bytes == 0 ? 1 : ::wcwidth(static_cast<wchar_t>(character.value));
    sum += width > 0 ? static_cast<std::size_t>(width) : 0;
    printable_text.remove_prefix(character.bytes == 0 ? 1 : character.bytes);
  }
  return sum;
}

std::string clock_time(std::int64_t time_ms) {
  return local_time(time_ms, "%H:%M");
}
std::string date_time(std::int64_t time_ms) {
  return local_time(time_ms, "%Y-%m-%d %H:%M");
}

}  // namespace chasqui::cli
