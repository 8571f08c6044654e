// Fresh reads without a round (rule R5, RAFT.md section 6): the leader knows until when nobody else can have been
// elected. Each AppendEntries carries the leader's send time; the answer echoes the newest seen from that leader in
// that term. Who echoes stamp t had its election timer reset at or after t, and refuses votes for an election timeout
// from then on. All stamps are the leader's own clock, so no clocks are compared.
//
// It also needs: an entry of this term committed (rule 14), and that a replica just restarted, which has forgotten its
// leader, ignores vote requests for one election timeout (Group::receive).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "core/base/ids.h"
#include "core/base/now.h"

namespace chasqui::replica {

class Lease {
 public:
  void reset() {  // a new term or role
    stamps_.clear();
    transferee_ = ReplicaId();
  }
  void echoed(ReplicaId from, std::uint64_t stamp) {
    std::uint64_t& newest = stamps_[from];
    newest = std::max(newest, stamp);
  }
  // A transfer lets `to` stand at once. It ends the lease, which comes back in this term only when `to` has echoed a
  // later stamp, and so has seen that it does not lead.
  void transfer_began(ReplicaId to, MonoTime now) {
    transferee_ = to;
    transfer_stamp_ = stamp(now);
  }
  [[nodiscard]] bool holds(const std::vector<ReplicaId>& voters, ReplicaId self, MonoTime now,
                           Duration election_timeout) const {
    if (transferee_ && newest(transferee_) <= transfer_stamp_) return false;
    std::vector<std::uint64_t> seen;
    for (ReplicaId voter : voters) seen.push_back(voter == self ? stamp(now) : newest(voter));
    std::sort(seen.begin(), seen.end(), std::greater<>());
    if (seen.empty()) return false;
    const std::uint64_t quorum = seen[seen.size() / 2];  // the majority-th newest
    const auto length = static_cast<std::uint64_t>(election_timeout.ns / 10 * 8);
    return quorum != 0 && stamp(now) < quorum + length;
  }
  // What a leader writes into sent_at: > 0, and grows with its clock, whatever sign that has.
  [[nodiscard]] static std::uint64_t stamp(MonoTime now) {
    return static_cast<std::uint64_t>(now.ns) ^ (std::uint64_t{1} << 63);
  }

 private:
  [[nodiscard]] std::uint64_t newest(ReplicaId from) const {
    const auto it = stamps_.find(from);
    return it == stamps_.end() ? 0 : it->second;
  }
  std::map<ReplicaId, std::uint64_t> stamps_;
  ReplicaId transferee_;
  std::uint64_t transfer_stamp_ = 0;
};

}  // namespace chasqui::replica
