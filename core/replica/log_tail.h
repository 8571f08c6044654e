// The log's entries from just above what was compacted to the end, in memory. The library keeps only their terms; here
// are the payloads, for what is committed later and for followers that lag behind.
//
// Invariants: (1) no gap; (2) terms do not fall; (3) at or below base() only the base's own term is known; (4) payloads
// up to released() may be gone (nobody else is in the group), those of CHANGE entries never are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/base/ids.h"
#include "core/log_image.h"

namespace chasqui::replica {

class LogTail {
 public:
  // Forgets everything: the next entry has index base + 1. `base_term` is that of the entry at `base` (0: none).
  void reset(RaftIndex base, RaftTerm base_term);

  void append(LogEntry entry);
  void truncate_from(RaftIndex index);  // drops `index` and everything after; index > base()
  void drop_to(RaftIndex index);        // drops up to and including `index`, which becomes the base
  void release_to(RaftIndex index);     // lets go of the payloads up to and including `index`

  [[nodiscard]] RaftIndex base() const { return base_; }
  [[nodiscard]] RaftIndex last() const { return RaftIndex(base_.value() + entries_.size()); }
  [[nodiscard]] RaftIndex released() const { return released_; }
  [[nodiscard]] bool has(RaftIndex index) const { return index > base_ && index <= last(); }
  [[nodiscard]] const LogEntry& at(RaftIndex index) const { return held(index).entry; }
  [[nodiscard]] bool has_payload(RaftIndex index) const;
  [[nodiscard]] RaftTerm term_of(RaftIndex index) const;  // 0: not known
  // The last CHANGE at or below `index` that is still here; 0: none is.
  [[nodiscard]] RaftIndex last_change(RaftIndex index) const;

  // Payload bytes of the entries (from, to], whether released or not; both at or above base().
  [[nodiscard]] std::uint64_t bytes_between(RaftIndex from, RaftIndex to) const { return offset(to) - offset(from); }
  [[nodiscard]] std::uint64_t memory_bytes() const;

 private:
  struct Held {
    LogEntry entry;
    std::uint64_t end = 0;  // payload bytes of everything up to and including this one
  };
  [[nodiscard]] const Held& held(RaftIndex index) const;
  [[nodiscard]] std::uint64_t offset(RaftIndex index) const;

  RaftIndex base_;
  RaftTerm base_term_;
  std::uint64_t base_offset_ = 0;
  RaftIndex released_;
  std::deque<Held> entries_;
  std::vector<RaftIndex> changes_;  // ascending; few
};

}  // namespace chasqui::replica
