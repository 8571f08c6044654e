// Log lines: text on a terminal, JSON lines otherwise, always to stderr.
//
// A line is a sentence and fields. What may stand in a field (RELIABILITY.md section 6): numbers, codes, ids cut to 8
// hex digits, addresses cut to their network. Never content, names, tokens or passwords.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace chasqui::logging {

enum class Level : std::uint8_t { Debug, Info, Warn, Error };

// format: auto, text, json. level: debug, info, warn, error.
void start(std::string_view format, std::string_view level);
[[nodiscard]] bool is_on(Level level);

struct Field {
  Field(std::string_view field_name, std::string_view field_value) : name(field_name), value(field_value) {}
  Field(std::string_view field_name, std::uint64_t number)
      : name(field_name), value(std::to_string(number)), is_number(true) {}
  std::string_view name;
  std::string value;
  bool is_number = false;
};

void log(Level level, std::string_view sentence, std::initializer_list<Field> fields = {});

// A field's value for an id: its low 32 bits, as 8 hex digits.
[[nodiscard]] std::string short_id(std::uint64_t id);

// The last line of a process that must not go on.
void log_fatal(std::string_view sentence, const absl::Status& status);

}  // namespace chasqui::logging
