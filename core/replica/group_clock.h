// The library's clock: whole milliseconds, unsigned, of a group's own beginning. It never goes back (rule 20), since
// the library subtracts times without a look at their order.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/now.h"
#include "core/replica/raft_c.h"

namespace chasqui::replica {

class GroupClock {
 public:
  void start(MonoTime now) { begin_ms_ = now.ms(); }
  void advance(MonoTime now) {
    const std::int64_t elapsed_ms = std::max<std::int64_t>(now.ms() - begin_ms_, 0);
    now_ = std::max<raft_time>(now_, static_cast<raft_time>(elapsed_ms) + 1 + skipped_ms_);
  }
  // From here on the clock runs ahead of the owner's by so much more: what is due in that time is due now. For a group
  // that need not wait (RAFT.md section 6, "a node known dead"); a forged time that is taken back would be a time that
  // goes backwards.
  void skip(raft_time ms) {
    skipped_ms_ += ms;
    now_ += ms;
  }
  [[nodiscard]] raft_time now() const { return now_; }
  [[nodiscard]] MonoTime at(raft_time time) const {
    return MonoTime{(begin_ms_ + static_cast<std::int64_t>(time - skipped_ms_) - 1) * 1'000'000};
  }

 private:
  std::int64_t begin_ms_ = 0;
  raft_time skipped_ms_ = 0;
  raft_time now_ = 1;
};

}  // namespace chasqui::replica
