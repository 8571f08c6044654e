// Numbers in fixed places of a byte string, little-endian, and their reading with a bound at every step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chasqui::storage {

template <std::size_t Bytes>
void put_number(std::string& to, std::uint64_t value) {
  static_assert(Bytes <= 8);
  for (std::size_t i = 0; i < Bytes; ++i) to.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

// Takes fields from the front. After a field that is not all there, ok() is false for good and every number is 0.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : rest_(bytes) {}
  template <std::size_t Bytes>
  std::uint64_t number() {
    const std::string_view field = bytes(Bytes);
    std::uint64_t value = 0;
    for (std::size_t i = field.size(); i > 0; --i) value = value << 8 | static_cast<std::uint8_t>(field[i - 1]);
    return value;
  }
  std::string_view bytes(std::size_t count) {
    if (!ok_ || rest_.size() < count) {
      ok_ = false;
      return {};
    }
    const std::string_view field = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return field;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool done() const { return ok_ && rest_.empty(); }  // all fields there, nothing behind them

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace chasqui::storage
