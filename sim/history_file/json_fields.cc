#include "sim/history_file/json_fields.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace chasqui::sim {
namespace {

void append_utf8(std::uint32_t point, std::string& out) {
  const auto byte = [&out](std::uint32_t bits) { out.push_back(static_cast<char>(bits)); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xC0 | (point >> 6));
    byte(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    byte(0xE0 | (point >> 12));
    byte(0x80 | ((point >> 6) & 0x3F));
    byte(0x80 | (point & 0x3F));
  } else {
    byte(0xF0 | (point >> 18));
    byte(0x80 | ((point >> 12) & 0x3F));
    byte(0x80 | ((point >> 6) & 0x3F));
    byte(0x80 | (point & 0x3F));
  }
}

void append_quoted(std::string_view text, std::string& out) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace

// -------------------------------------------------------------------------------------------------------------- asking

JsonFields::JsonFields(std::string_view line) : line_(line), rest_(line) {
  if (object()) {
    skip_blanks();
    if (!rest_.empty()) bad("something stands behind the object");
  }
  if (!error_.empty()) members_.clear();
}

void JsonFields::wrong(std::string sentence) {
  if (error_.empty()) error_ = std::move(sentence);
}

JsonFields::Value* JsonFields::find(std::string_view name) {
  const auto it = members_.find(name);
  if (it == members_.end()) {
    wrong(absl::StrCat("\"", std::string(name), "\" is missing"));
    return nullptr;
  }
  it->second.asked = true;
  return &it->second.value;
}

std::string JsonFields::text(std::string_view name) {
  Value* value = find(name);
  if (value == nullptr) return {};
  if (auto* text = std::get_if<std::string>(value); text != nullptr) return *text;
  wrong(absl::StrCat("\"", std::string(name), "\" must be a text"));
  return {};
}

std::uint64_t JsonFields::number(std::string_view name, std::uint64_t most) {
  Value* value = find(name);
  if (value == nullptr) return 0;
  const auto* number = std::get_if<std::uint64_t>(value);
  if (number == nullptr) {
    wrong(absl::StrCat("\"", std::string(name), "\" must be a whole number, not negative"));
    return 0;
  }
  if (*number > most) {
    wrong(absl::StrCat("\"", std::string(name), "\" is ", *number, " of at most ", most));
    return 0;
  }
  return *number;
}

bool JsonFields::truth(std::string_view name) {
  Value* value = find(name);
  if (value == nullptr) return false;
  if (const auto* truth = std::get_if<bool>(value); truth != nullptr) return *truth;
  wrong(absl::StrCat("\"", std::string(name), "\" must be true or false"));
  return false;
}

JsonFields::Rows JsonFields::rows(std::string_view name) {
  Value* value = find(name);
  if (value == nullptr) return {};
  if (auto* rows = std::get_if<Rows>(value); rows != nullptr) return *rows;
  wrong(absl::StrCat("\"", std::string(name), "\" must be a list of [text, number] or [text, number, text]"));
  return {};
}

JsonFields::Numbers JsonFields::numbers(std::string_view name, std::uint64_t most) {
  Value* value = find(name);
  if (value == nullptr) return {};
  if (const auto* rows = std::get_if<Rows>(value); rows != nullptr && rows->empty()) return {};  // [] is both
  const auto* numbers = std::get_if<Numbers>(value);
  if (numbers == nullptr) {
    wrong(absl::StrCat("\"", std::string(name), "\" must be a list of whole numbers"));
    return {};
  }
  for (const std::uint64_t number : *numbers) {
    if (number > most) wrong(absl::StrCat("\"", std::string(name), "\" has ", number, " of at most ", most));
  }
  return *numbers;
}

void JsonFields::finish() {
  for (const auto& [name, member] : members_) {
    if (!member.asked) return wrong(absl::StrCat("\"", std::string(name), "\" does not belong here"));
  }
}

// ------------------------------------------------------------------------------------------------------------- parsing

bool JsonFields::bad(const char* what) {
  wrong(absl::StrCat("column ", line_.size() - rest_.size() + 1, ": ", what));
  return false;
}

void JsonFields::skip_blanks() {
  while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == '\r'))
    rest_.remove_prefix(1);
}

bool JsonFields::take(char c) {
  skip_blanks();
  if (rest_.empty() || rest_.front() != c) return false;
  rest_.remove_prefix(1);
  return true;
}

bool JsonFields::take(std::string_view word) {
  if (rest_.substr(0, word.size()) != word) return false;
  rest_.remove_prefix(word.size());
  return true;
}

bool JsonFields::object() {
  if (!take('{')) return bad("a line is one JSON object");
  if (take('}')) return true;
  do {
    if (!member()) return false;
  } while (take(','));
  return take('}') || bad("',' or '}' is missing");
}

bool JsonFields::member() {
  std::string name;
  if (!text_value(name)) return bad("a member's name in quotes is missing");
  if (!take(':')) return bad("':' is missing");
  Member member;
  if (!value(member.value))
    return bad(
        "a text, a whole number, true, false, or a list of numbers, [text, number] or [text, number, text] must "
        "follow");
  return members_.emplace(name, std::move(member)).second || bad("this member is there twice");
}

bool JsonFields::value(Value& out) {
  skip_blanks();
  if (rest_.empty()) return false;
  if (rest_.front() == '"') return text_value(out.emplace<std::string>());
  if (rest_.front() == '[') return list_value(out);
  if (take("true")) {
    out = true;
    return true;
  }
  if (take("false")) {
    out = false;
    return true;
  }
  return number_value(out.emplace<std::uint64_t>());
}

bool JsonFields::text_value(std::string& out) {
  if (!take('"')) return false;
  while (!rest_.empty()) {
    const char c = rest_.front();
    if (static_cast<unsigned char>(c) < 0x20) return bad("a control character stands in a text");
    rest_.remove_prefix(1);
    if (c == '"') return true;
    if (c != '\\') {
      out.push_back(c);
    } else if (!escaped(out)) {
      return bad("no such escape");
    }
  }
  return bad("a text does not end");
}

bool JsonFields::escaped(std::string& out) {
  static constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  if (rest_.empty()) return false;
  const char c = rest_.front();
  if (const std::size_t at = letters.find(c); at != std::string_view::npos) {
    rest_.remove_prefix(1);
    out.push_back(meanings[at]);
    return true;
  }
  std::uint32_t point = 0;
  if (!take("u") || !hex4(point)) return false;
  if (point >= 0xD800 && point < 0xDC00) {  // the first half of a pair
    std::uint32_t low = 0;
    if (!take("\\u") || !hex4(low) || low < 0xDC00 || low > 0xDFFF) return false;
    point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
  } else if (point >= 0xDC00 && point <= 0xDFFF) {
    return false;
  }
  append_utf8(point, out);
  return true;
}

bool JsonFields::hex4(std::uint32_t& out) {
  for (int i = 0; i < 4; ++i) {
    if (rest_.empty()) return false;
    static constexpr std::string_view digits = "0123456789abcdef0123456789ABCDEF";
    const std::size_t digit = digits.find(rest_.front());
    if (digit == std::string_view::npos) return false;
    out = out * 16 + static_cast<std::uint32_t>(digit % 16);
    rest_.remove_prefix(1);
  }
  return true;
}

bool JsonFields::number_value(std::uint64_t& out) {
  std::size_t digits = 0;
  for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; ++digits) {
    const auto digit = static_cast<std::uint64_t>(rest_.front() - '0');
    if (out > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) return bad("a number above 64 bits");
    out = out * 10 + digit;
    rest_.remove_prefix(1);
  }
  // 1.5, 1e3: no whole number.
  return digits > 0 && (rest_.empty() || std::string_view(".eE").find(rest_.front()) == std::string_view::npos);
}

bool JsonFields::list_value(Value& out) {
  if (!take('[')) return false;
  if (take(']')) return (out.emplace<Rows>(), true);
  if (rest_.empty() || rest_.front() == '[') return rows_value(out.emplace<Rows>());
  Numbers& numbers = out.emplace<Numbers>();
  do {
    skip_blanks();
    if (!number_value(numbers.emplace_back())) return false;
  } while (take(','));
  return take(']');
}

// Behind the first bracket.
bool JsonFields::rows_value(Rows& out) {
  do {
    Row& row = out.emplace_back();
    if (!take('[') || !text_value(row.name) || !take(',')) return false;
    skip_blanks();
    if (!number_value(row.number)) return false;
    if (take(',') && !text_value(row.text)) return false;
    if (!take(']')) return false;
  } while (take(','));
  return take(']');
}

// ------------------------------------------------------------------------------------------------------------- writing

void JsonLine::begin(std::string_view name) {
  if (out_.size() > 1) out_.push_back(',');
  append_quoted(name, out_);
  out_.push_back(':');
}

JsonLine& JsonLine::text(std::string_view name, std::string_view value) {
  begin(name);
  append_quoted(value, out_);
  return *this;
}

JsonLine& JsonLine::number(std::string_view name, std::uint64_t value) {
  begin(name);
  absl::StrAppend(&out_, value);
  return *this;
}

JsonLine& JsonLine::truth(std::string_view name, bool value) {
  begin(name);
  out_ += value ? "true" : "false";
  return *this;
}

JsonLine& JsonLine::numbers(std::string_view name, const JsonFields::Numbers& value) {
  begin(name);
  absl::StrAppend(&out_, "[", absl::StrJoin(value, ","), "]");
  return *this;
}

JsonLine& JsonLine::rows(std::string_view name, const JsonFields::Rows& value) {
  begin(name);
  out_.push_back('[');
  for (const JsonFields::Row& row : value) {
    if (out_.back() == ']') out_.push_back(',');
    out_.push_back('[');
    append_quoted(row.name, out_);
    absl::StrAppend(&out_, ",", row.number);
    if (!row.text.empty()) {
      out_.push_back(',');
      append_quoted(row.text, out_);
    }
    out_.push_back(']');
  }
  out_.push_back(']');
  return *this;
}

}  // namespace chasqui::sim
