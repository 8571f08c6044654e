// The running 128-bit hash (XXH3) over every byte into and out of step: equal runs have equal hashes.
//
// A checkpoint is kept each 65,536 records, so that two runs that differ can be bisected. What enters is wire bytes and
// little-endian numbers, each string with its length: never text, pointers, or structs with padding.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui::sim {

struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
  [[nodiscard]] std::string hex() const;  // 32 digits
};

class TraceHash {
 public:
  static constexpr std::uint64_t records_per_checkpoint = 65'536;

  TraceHash();
  ~TraceHash();
  TraceHash(const TraceHash&) = delete;
  TraceHash& operator=(const TraceHash&) = delete;

  void add(std::string_view record);
  [[nodiscard]] Hash128 now() const;
  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] const std::vector<Hash128>& checkpoints() const { return checkpoints_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::uint64_t records_ = 0;
  std::vector<Hash128> checkpoints_;
};

}  // namespace chasqui::sim
