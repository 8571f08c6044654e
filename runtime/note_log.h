// The core's Notes as log lines and counters. The core does not log; this is where its events become visible.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/io.h"
#include "net/token_bucket.h"

namespace chasqui {

class NoteLog {
 public:
  // Counts it, and logs it unless its kind has been too loud (a hostile client must not fill the disk with lines).
  void take(const Note& note, MonoTime now);

  [[nodiscard]] std::uint64_t count(NoteKind kind) const { return counts_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] static std::string_view name(NoteKind kind);
  static constexpr std::size_t kinds = static_cast<std::size_t>(NoteKind::ReplicaDiffers) + 1;

 private:
  std::array<std::uint64_t, kinds> counts_{};
  TokenBucket lines_{50, 10};
  std::uint64_t silenced_ = 0;
};

}  // namespace chasqui
