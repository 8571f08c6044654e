// The log writes of one group that are handed out and not yet known to be synced, and what each will prove (rule 2).
//
// Writes are numbered from 1 in the order given, and synced in that order. An entry counts as stored only when the
// write that put *this* entry at its index is synced: a write that truncates cuts what earlier ones may report.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

#include "core/base/ids.h"

namespace chasqui::replica {

class WriteQueue {
 public:
  struct Synced {
    RaftIndex stored;         // the highest entry that is now proved to be stored; 0: none new
    bool descriptor = false;  // a snapshot's descriptor is among them
    bool reset = false;       // and the end of an install
  };

  [[nodiscard]] std::uint64_t given() const { return given_; }
  [[nodiscard]] std::uint64_t synced() const { return synced_; }

  // One more write. `first`..`last`: its entries, 0 and 0 if it has none. `reset`: it ends an install.
  void give(RaftIndex first, RaftIndex last, bool descriptor, bool cut_reports, bool reset = false) {
    if (first && cut_reports) {
      for (Write& write : waiting_) {
        if (write.last >= first) write.last = RaftIndex(first.value() - 1);
        if (write.last < write.first) write.first = write.last = RaftIndex();  // nothing of it is left
      }
    }
    ++given_;
    waiting_.push_back(Write{first, last, descriptor, reset});
  }

  // An install begins: what is under way proves nothing any more.
  void drop_reports() {
    for (Write& write : waiting_) write = Write{};
  }

  // All writes up to number `count` are synced: late, coalesced, or told before is fine. At most given().
  Synced sync(std::uint64_t count) {
    Synced result;
    while (synced_ < std::min(count, given_)) {
      const Write& write = waiting_.front();
      result.stored = std::max(result.stored, write.last);
      result.descriptor |= write.descriptor;
      result.reset |= write.reset;
      waiting_.pop_front();
      ++synced_;
    }
    return result;
  }

 private:
  struct Write {
    RaftIndex first;
    RaftIndex last;
    bool descriptor = false;
    bool reset = false;
  };
  std::deque<Write> waiting_;
  std::uint64_t given_ = 0;
  std::uint64_t synced_ = 0;
};

}  // namespace chasqui::replica
