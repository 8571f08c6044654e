// One shard's replica: a libraft group, its log tail, and the queue of committed entries. I/O-free.
//
// The adapter `Group` (group.h) keeps RAFT.md's rules; this class adds what a shard needs around it: bootstrap, the
// payloads of the log's tail, truncation, compaction, fresh reads. Everything it wants done comes back in Outputs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/base/random.h"
#include "core/log_image.h"
#include "proto/peer.pb.h"

namespace chasqui::replica {

struct Config {
  ShardId shard;
  ReplicaId self;
  std::vector<ReplicaId> voters;   // of a group that is new, `self` among them; the same everywhere. Empty: self alone
  const Limits* limits = nullptr;  // outlives the replica
  Seed seed{};                     // for election timers
};

struct Committed {
  RaftIndex index;
  RaftTerm term;
  EntryType type = EntryType::Command;
  std::shared_ptr<const std::string> payload;
};

// A snapshot was offered: this replica's state is to be replaced by `from`'s, and then ingested() to be called.
struct Install {
  Snapshot snapshot;
  ReplicaId from;
};

struct Outputs {
  std::vector<LogAppend> appends;           // `id` is left 0: the node gives it, and answers with appended(count)
  std::vector<peer::RaftMessage> messages;  // to->replica ids in them
  std::vector<Committed> committed;         // to be applied now, in this order, each once
  std::optional<Install> install;
  bool role_changed = false;  // leads() or term() differ from before
  absl::Status stopped;       // not OK: the log must not be used, or contradicts a peer's (rule R4):
                              // this replica does nothing any more, and says so in each Outputs
};

class Replica {
 public:
  // `image`: what the log held at start (an empty one: bootstrap a new group of config.voters). `applied`: the index up
  // to which the store's state is already applied: entries up to it are not handed out again.
  // `ingested`: what the state says of where it came from, if anything.
  Replica(const Config& config, ReplicaImage image, RaftIndex applied, std::optional<Ingested> ingested = std::nullopt);
  ~Replica();
  Replica(Replica&&) noexcept;
  Replica& operator=(Replica&&) noexcept;

  void start(Now now, Outputs& out);  // once, first
  void tick(Now now, Outputs& out);   // spurious ones change nothing
  [[nodiscard]] MonoTime next_deadline() const;

  // Proposes one Command entry with this payload (a log.Entry). Unavailable: not the leader, or over
  // entries_in_flight_max: certainly not proposed. On success `index` is where it will be, if this leadership lasts.
  absl::Status propose(Now now, std::string payload, RaftIndex& index, Outputs& out);
  // Whether propose() would be taken now.
  [[nodiscard]] bool can_propose() const;
  // A fresh read where reads_fresh() says no: when the entry at the index is handed out in committed, and this replica
  // leads in the same term as now, nobody else led when this was called. Unavailable: as propose().
  absl::StatusOr<RaftIndex> barrier(Now now, Outputs& out);
  // Hands the leadership over; done or not, it is over within one election timeout, and until then nothing is proposed.
  // FailedPrecondition: `to` does not have the whole log yet: propose nothing, and try again when can_transfer() says.
  absl::Status transfer(Now now, ReplicaId to, Outputs& out);
  [[nodiscard]] bool can_transfer(ReplicaId to) const;

  // What is known of a peer. Its link is down: it is sent nothing (each is up until said otherwise). Its process is
  // gone, and not merely silent: no lease of its can stand, so that if it led another is elected at once;
  // next_deadline() changes. Only if it is certain, for instance since its host answered for it.
  // Its state is not what the log makes of it elsewhere: this replica does nothing any more (as Outputs.stopped).
  void stop(absl::Status why, Outputs& out);
  [[nodiscard]] std::vector<ReplicaId> voters() const;  // as far as it knows

  void link(ReplicaId peer, bool up);
  void peer_gone(Now now, ReplicaId peer);

  // Anything; malformed ones are dropped. With `may_install` false a snapshot that is offered is as if lost on the way:
  // meanwhile this replica votes and stands.
  void receive(Now now, const peer::RaftMessage& message, Outputs& out, bool may_install = true);
  // So many of the appends handed out so far, counted from the first, are synced. Late and coalesced is fine.
  void appended(Now now, std::uint64_t count, Outputs& out);

  // Did the leader that it knows speak within an election timeout?
  [[nodiscard]] bool hears_leader(Now now) const;

  // Answers to Outputs.install. While it is under way nothing is committed here and this replica neither votes nor
  // stands. can_ingest(): all it had to write before is synced, so the state may be replaced now. ingested(): it is,
  // and durable, with a row that says so, applied up to `applied`. give_up(): it will not be; the replica goes on from
  // its log, and its leader offers a snapshot anew. `applied`: the state's.
  [[nodiscard]] bool installing() const;
  [[nodiscard]] bool can_ingest() const;
  void ingested(Now now, RaftIndex applied, Outputs& out);
  // Only when can_ingest(). `ingested`: as at the beginning; the log may not have caught up with an earlier install
  // yet.
  void give_up_install(Now now, RaftIndex applied, std::optional<Ingested> ingested, Outputs& out);

  // How much of the log below its descriptor a replica keeps for others: what was asked for by a stream (0: nothing
  // is), else for who was away shortly.
  struct Keep {
    RaftIndex above;
    std::uint64_t bytes_max = 8 * 1024 * 1024;
  };
  // The store's state up to `applied` survives a crash: the log may be compacted up to it.
  void flushed(Now now, RaftIndex applied, const Keep& keep, Outputs& out);

  [[nodiscard]] bool leads() const;               // is leader and has committed an entry of its own term
  [[nodiscard]] bool reads_fresh(Now now) const;  // no newer leader can have committed anything (rule R5)
  [[nodiscard]] RaftTerm term() const;
  [[nodiscard]] ReplicaId leader() const;  // 0: not known
  [[nodiscard]] RaftIndex last_index() const;
  [[nodiscard]] RaftIndex commit_index() const;
  [[nodiscard]] std::uint64_t uncommitted_bytes() const;
  [[nodiscard]] std::uint64_t tail_bytes() const;  // payloads in memory, of all entries
  [[nodiscard]] std::uint64_t memory_bytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chasqui::replica
