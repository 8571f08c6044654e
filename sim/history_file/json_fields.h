// One flat JSON object, read and written: names with texts, whole numbers, true, false, lists of numbers or rows.
//
// All that a line of a history needs (docs/history.md), and nothing else of JSON. Reading: ask for each member by name;
// the first thing that is wrong is kept as a sentence, and what is asked after it gives zeros.
//
//   JsonFields fields(R"({"what":"read","seq":3})");
//   const std::uint64_t seq = fields.number("seq");
//   fields.finish();  // a member that nobody asked for is an error
//   if (!fields.error().empty()) ...
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace chasqui::sim {

class JsonFields {
 public:
  struct Row {  // [name, number] or [name, number, text]
    std::string name;
    std::uint64_t number = 0;
    std::string text = {};  // empty: there is none
    friend bool operator==(const Row&, const Row&) = default;
  };
  using Rows = std::vector<Row>;
  using Numbers = std::vector<std::uint64_t>;

  explicit JsonFields(std::string_view line);

  [[nodiscard]] bool has(std::string_view name) const { return members_.contains(name); }
  // The member must be there and be of that kind; `number` at most `most`.
  std::string text(std::string_view name);
  std::uint64_t number(std::string_view name, std::uint64_t most = std::numeric_limits<std::uint64_t>::max());
  bool truth(std::string_view name);
  Rows rows(std::string_view name);
  Numbers numbers(std::string_view name, std::uint64_t most = std::numeric_limits<std::uint64_t>::max());

  void finish();
  void wrong(std::string sentence);
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  using Value = std::variant<std::string, std::uint64_t, bool, Rows, Numbers>;
  struct Member {
    Value value;
    bool asked = false;
  };

  Value* find(std::string_view name);
  // Of the parser; each leaves `rest_` behind what it took, and says by false that it did not find it.
  bool object();
  bool member();
  bool value(Value& out);
  bool text_value(std::string& out);
  bool escaped(std::string& out);
  bool hex4(std::uint32_t& out);
  bool number_value(std::uint64_t& out);
  bool rows_value(Rows& out);
  bool list_value(Value& out);
  bool take(char c);
  bool take(std::string_view word);
  void skip_blanks();
  bool bad(const char* what);

  std::string_view line_;
  std::string_view rest_;
  std::map<std::string, Member, std::less<>> members_;
  std::string error_;
};

// Writes such an object: `{"name":value,...}`, in the order of the calls.
class JsonLine {
 public:
  JsonLine& text(std::string_view name, std::string_view value);
  JsonLine& number(std::string_view name, std::uint64_t value);
  JsonLine& truth(std::string_view name, bool value);
  JsonLine& rows(std::string_view name, const JsonFields::Rows& value);
  JsonLine& numbers(std::string_view name, const JsonFields::Numbers& value);
  [[nodiscard]] std::string str() const { return out_ + "}"; }

 private:
  void begin(std::string_view name);
  std::string out_ = "{";
};

}  // namespace chasqui::sim
