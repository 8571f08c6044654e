// What other people wrote, made safe for a terminal: no message can move the cursor, change colours, or hide text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chasqui::cli {

[[nodiscard]] bool is_utf8(std::string_view bytes);

// Control characters (C0 without tab and newline, DEL, C1), marks that turn the direction of writing, and bytes that
// are no UTF-8 become U+FFFD. A newline becomes `newline`.
[[nodiscard]] std::string printable(std::string_view bytes, std::string_view newline = "\n");

// Columns that it takes on a terminal, by the current locale's wcwidth.
[[nodiscard]] std::size_t columns(std::string_view printable_text);

// Local time: "22:18", and "2024-11-24 22:18".
[[nodiscard]] std::string clock_time(std::int64_t time_ms);
[[nodiscard]] std::string date_time(std::int64_t time_ms);

}  // namespace chasqui::cli
