// One replica of a Raft group: libraft's core driven by raft_step alone, under the rules of RAFT.md (sections 3 and 4).
//
// Plain values in and out, no callbacks. What is to be done comes back in Outputs: log writes, messages, committed
// entries. Log writes are numbered from 1 in the order handed out, synced in that order, and reported by appended().
//
// Invariants:
//   1. A message leaves only when every hard state written before it is synced (rule 1).
//   2. An entry is handed out as committed once, in order, and only when it is committed and stored here (rule 3).
//   3. What the library counts as stored is stored: reports never rise above a truncation (rule 2).
//   4. The library sees (index, term) of entries, and the content of CHANGEs only; payloads are in `tail_`.
//   5. After start() fails, or a peer's log contradicts what is committed here, the group is stopped for good.
//   6. While a snapshot is being installed nothing is handed out, reported or compacted: the library's log is empty,
//   and
//      the disk's (and `tail_`) is the old one until the write that ends the install is synced.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/log_image.h"
#include "core/replica/configuration.h"
#include "core/replica/group_clock.h"
#include "core/replica/lease.h"
#include "core/replica/log_tail.h"
#include "core/replica/raft_c.h"
#include "core/replica/replica.h"
#include "core/replica/rules.h"
#include "core/replica/send_fence.h"
#include "core/replica/write_queue.h"
#include "proto/peer.pb.h"

namespace chasqui::replica {

class Group {
 public:
  struct Settings {
    ShardId shard;
    ReplicaId self;
    unsigned election_timeout_ms = 500;
    unsigned heartbeat_ms = 100;
    unsigned window_entries = 64;                  // sent to a follower and not yet answered; also one message's limit
    unsigned install_snapshot_timeout_ms = 3'000;  // a lost InstallSnapshot is repeated after this
    std::uint64_t entry_bytes_max = 1'048'576;     // of a peer's entries: above, the message is dropped
    unsigned random = 1;                           // seed of the election timers
  };

  explicit Group(const Settings& settings, const Rules& rules = Rules());
  ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  enum class OnDisk : std::uint8_t {
    All,
    NoEntries,  // a new group: they are written first
    OldLog,     // a state was ingested, and its descriptor is to take the log's place
  };
  struct Start {
    ReplicaImage image;                // not empty
    RaftIndex applied;                 // entries up to it are not handed out again
    std::optional<Ingested> ingested;  // of the state
    OnDisk on_disk = OnDisk::All;      // of the image
  };
  // Once, first. DataLoss: the image must not be used.
  absl::Status start(Now now, Start start, Outputs& out);

  void timeout(Now now, Outputs& out);  // when deadline() has come; an early one changes nothing (rule 20)
  void receive(Now now, const peer::RaftMessage& message, Outputs& out);  // anything

  // One entry for the log. Unavailable: not the leader, or a transfer is under way. `index`: where it will be.
  absl::Status propose(Now now, std::shared_ptr<const std::string> payload, RaftIndex& index, Outputs& out);
  // The next configuration: one server differs. FailedPrecondition, InvalidArgument: check_change() says why not, or an
  // earlier change is not committed, or no entry of this term is.
  absl::Status change(Now now, const peer::Configuration& configuration, Outputs& out);
  // Gives the leadership to `to`, a voter that has the whole log. Ends, done or not, within one election timeout.
  absl::Status transfer(Now now, ReplicaId to, Outputs& out);

  // The snapshot that Outputs.install asked for is this replica's state now, durable, applied up to `applied` (which
  // may be above the descriptor): writes the descriptor and an empty log, and goes on when that is synced.
  void ingested(Now now, RaftIndex applied, Outputs& out);
  [[nodiscard]] bool hears_leader(Now now) const {
    return heard_.leader && now.mono - heard_at_ < milliseconds(settings_.election_timeout_ms);
  }
  [[nodiscard]] const Snapshot* installing() const { return installing_ ? &*installing_ : nullptr; }
  // What this group would find on its disk, all writes synced: to start it anew when an install is given up, for which
  // the library has no event.
  [[nodiscard]] ReplicaImage image() const;
  [[nodiscard]] std::uint64_t writes_given() const { return writes_.given(); }
  [[nodiscard]] bool all_synced() const { return writes_.given() == writes_.synced(); }

  void appended(Now now, std::uint64_t count, Outputs& out);  // so many log writes are synced: late, coalesced is fine

  // The state up to `index` is on disk: writes a descriptor, and when that is synced forgets the entries up to
  // `index - trailing`. False, and nothing is done: rule 23 forbids it, or a descriptor is under way.
  bool compact(Now now, RaftIndex index, std::uint64_t trailing, Outputs& out);

  // An entry of its own that says nothing: when it is handed out in this term, nobody else led when this was called.
  absl::Status barrier(Now now, RaftIndex& index, Outputs& out);

  // What the node knows of its peers (RAFT.md section 6). A peer whose link is down is sent nothing: the library offers
  // it entries at each heartbeat. `gone`: its process is known to be dead, not merely silent, so that no lease of its
  // stands: if it led, one survivor is due to stand at once, the next a heartbeat later, and the others let them.
  void link(ReplicaId peer, bool up);
  void gone(Now now, ReplicaId peer);
  void halt(absl::Status why, Outputs& out) {
    if (phase_ != Phase::Stopped) stop(std::move(why), out);
  }

  // Replicas that may speak though they are in no configuration this one has received (the cluster map knows them).
  void know(ReplicaId replica) { known_.insert(replica); }

  [[nodiscard]] MonoTime deadline() const;
  [[nodiscard]] bool running() const { return phase_ == Phase::Running; }
  [[nodiscard]] const absl::Status& stopped() const { return stopped_; }  // OK: it is not
  [[nodiscard]] bool is_leader() const { return running() && raft_.state == RAFT_LEADER; }
  // Leader, and an entry of its own term is committed and handed out (rule 14).
  [[nodiscard]] bool leads() const { return is_leader() && term_begin_ && delivered_ >= term_begin_; }
  [[nodiscard]] bool reads_fresh(Now now) const;
  [[nodiscard]] bool has_everything(ReplicaId peer) const;  // we lead, and it has stored our whole log
  [[nodiscard]] bool is_only_server() const;
  // The leadership is being given away: nothing can be proposed.
  [[nodiscard]] bool is_transferring() const { return raft_transferee(&raft_) != 0; }
  [[nodiscard]] RaftTerm term() const { return RaftTerm(raft_.current_term); }
  [[nodiscard]] ReplicaId leader() const;
  [[nodiscard]] RaftIndex last_index() const { return tail_.last(); }
  [[nodiscard]] RaftIndex commit_index() const { return RaftIndex(raft_.commit_index); }
  [[nodiscard]] RaftIndex delivered() const { return delivered_; }  // committed, stored, handed out
  [[nodiscard]] RaftIndex snapshot_index() const { return snapshot_.index; }
  [[nodiscard]] peer::Configuration configuration() const;
  [[nodiscard]] const LogTail& tail() const { return tail_; }
  [[nodiscard]] const raft& library() const { return raft_; }  // for tests

 private:
  enum class Phase : std::uint8_t { New, Starting, Running, Stopped };
  // Entries that a step may bring into the log, found again by their index.
  struct Offered {
    RaftIndex first;
    std::span<LogEntry> entries;
  };
  struct Incoming;  // an AppendEntries on its way in

  // group.cc, group_update.cc: one event into the library, and its update into Outputs
  int step(raft_event& event, Offered offered, Outputs& out, bool* took_entries = nullptr);
  void absorb(const raft_update& update, Offered offered, Outputs& out);
  void take_entries(const raft_update& update, Offered offered, LogAppend& append);
  void send(const raft_message& message, Outputs& out);
  void settle(Outputs& out);  // hand out what is committed; the barrier of a new leader
  LogAppend& new_append(Outputs& out);
  void give_write(const LogAppend& append);
  void start_library(Outputs& out);
  void feed_configuration(RaftIndex index, Outputs& out);
  absl::Status submit(LogEntry entry, RaftIndex& index, Outputs& out);
  void take_new_term(Outputs& out);
  void stop(absl::Status why, Outputs& out);
  [[nodiscard]] bool has_followers() const { return raft_.configuration.n > 1; }
  [[nodiscard]] bool is_sole_voter() const;
  [[nodiscard]] RaftIndex stored_and_committed() const;

  // group_receive.cc: what a message must go through before the library sees it (rules 5 to 10, 12, 24)
  void receive_append(const peer::RaftMessage& message, Outputs& out);
  bool trim_committed(Incoming& incoming, Outputs& out);
  void receive_append_part(Incoming& incoming, std::span<LogEntry> part, Outputs& out);
  void receive_append_result(const peer::RaftMessage& message, Outputs& out);
  void receive_vote(const peer::RaftMessage& message, Outputs& out);
  void receive_plain(const peer::RaftMessage& message, Outputs& out);
  void receive_install(const peer::RaftMessage& message, Outputs& out);  // group_install.cc
  void begin_install(const raft_update& update, Outputs& out);
  void end_install(Outputs& out);
  // group_peers.cc: what is known of peers beside what they say
  void heard_from(ReplicaId leader, RaftTerm term);
  [[nodiscard]] bool leader_is_gone() const;
  [[nodiscard]] bool may_disrupt() const;  // no lease of the leader that we follow can stand
  void stand_soon();
  [[nodiscard]] bool may_speak(ReplicaId from, bool answers) const;

  const Settings settings_;
  const RuleSwitches rules_;
  raft raft_{};
  Phase phase_ = Phase::New;
  absl::Status stopped_;
  GroupClock clock_;
  Now now_;  // of the call under way
  LogTail tail_;
  Snapshot snapshot_;                     // what the library was told of; `index` 0: none
  std::unique_ptr<Snapshot> descriptor_;  // written, not yet synced
  std::uint64_t descriptor_trailing_ = 0;
  std::optional<Snapshot> installing_;
  bool install_written_ = false;  // the state is there, the write that ends it is under way
  RaftIndex drop_below_;          // for the next write; 0: nothing
  WriteQueue writes_;
  SendFence fence_;
  Lease lease_;

  std::unique_ptr<ReplicaImage> starting_;  // while the new term of rule 13 is not synced
  std::uint64_t start_write_ = 0;
  RaftIndex applied_;     // at start, or by the snapshot that was installed
  RaftIndex delivered_;   // all up to here is committed, stored and was handed out (or was applied at start)
  RaftIndex term_begin_;  // of a leader: its first entry; 0: none yet
  bool barrier_due_ = false;
  RaftTerm own_term_;  // a term that this sole voter gave itself (rule 13)
  MonoTime started_;
  raft_time submitted_ = 0;       // last SUBMIT
  bool answering_stale_ = false;  // the message under way is of an older term (rule 8)
  struct {
    ReplicaId leader;
    RaftTerm term;
    std::uint64_t stamp = 0;
  } heard_;            // the newest sent_at of the leader of that term, to be echoed
  MonoTime heard_at_;  // when the leader last spoke
  struct {
    ReplicaId leader;
    RaftTerm term;
    bool to_stand = false;  // this replica has not yet moved its clock
  } gone_;                  // a leader whose process is dead
  std::set<ReplicaId> links_down_;
  std::set<ReplicaId> known_;
  std::vector<raft_entry> raft_entries_;  // reused, for one step
};

}  // namespace chasqui::replica
