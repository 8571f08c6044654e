// What the core asks of a store: an ordered map of byte strings.
//
// Reads and writes are synchronous; a write is visible at once but NOT durable: after a crash the store may come back
// as any earlier prefix of its writes, never with half a batch. Durability is the log's alone. Failures never reach the
// core: the owner stops the process (RELIABILITY.md R1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui {

struct Write {
  std::string key;
  std::optional<std::string> value;  // nullopt: remove the row, if there
};

struct WriteBatch {
  std::vector<Write> writes;  // at most one for each key
  void put(std::string key, std::string value) { writes.push_back({std::move(key), std::move(value)}); }
  void remove(std::string key) { writes.push_back({std::move(key), std::nullopt}); }
};

struct Row {
  std::string key;
  std::string value;
};

class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;
  // nullopt: no such row.
  [[nodiscard]] virtual std::optional<std::string> get(std::string_view key) const = 0;
  virtual void write(const WriteBatch& batch) = 0;  // all of it or nothing
};

// One question of a Read output. A Get is a Scan of one key. begin <= key < end, at most `rows_max` rows and about
// `bytes_max` bytes: the row that reaches it is the last, and is there. From the end backwards if `backwards`.
struct RangeRead {
  std::string begin;
  std::string end;
  std::uint64_t rows_max = 1;
  std::uint64_t bytes_max = 1 << 20;
  bool backwards = false;
  [[nodiscard]] static RangeRead row(std::string key) {
    std::string end = key + '\0';
    return {std::move(key), std::move(end), 1, std::uint64_t{1} << 62, false};
  }
};

struct RangeResult {
  std::vector<Row> rows;
  bool more = false;  // a limit cut it
};

}  // namespace chasqui
