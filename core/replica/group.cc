// The events that go into the library, and what is known of a group between them.
#include "core/replica/group.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/replica/group_messages.h"
#include "core/replica/image.h"

namespace chasqui::replica {
namespace {

// SUBMIT wants a batch that is not null and never touches it.
char submit_batch;

raft_event event_of(raft_event_type type) {
  raft_event event{};  // zeroed: the library reads fields of other kinds
  event.type = type;
  return event;
}

}  // namespace

Group::Group(const Settings& settings, const Rules& rules) : settings_(settings), rules_(rules) {
  CHASQUI_ASSERT(settings.self, "a replica has an id");
  const int rv =
      raft_init(&raft_, nullptr, nullptr, settings.self.value(), absl::StrCat(settings.self.value()).c_str());
  CHASQUI_ASSERT(rv == 0, "the library could allocate");
  raft_.tracer = nullptr;  // the default formats every step into static buffers: groups could not run on two threads
  raft_seed(&raft_, settings.random);
  raft_set_election_timeout(&raft_, settings.election_timeout_ms);
  raft_set_heartbeat_timeout(&raft_, settings.heartbeat_ms);
  raft_set_install_snapshot_timeout(&raft_, settings.install_snapshot_timeout_ms);
  raft_set_max_inflight_entries(&raft_, settings.window_entries);
  raft_set_pre_vote(&raft_, true);  // a replica behind a one-way cut must not raise everybody's term
}

Group::~Group() {
  raft_close(&raft_, nullptr);
}

// ------------------------------------------------------------------------------------------------------------- start

absl::Status Group::start(Now now, Start start, Outputs& out) {
  ReplicaImage& image = start.image;
  CHASQUI_ASSERT(phase_ == Phase::New, "a group starts once");
  CHASQUI_ASSERT(!is_empty(image), "an empty group is bootstrapped or joined");
  now_ = now;
  clock_.start(now.mono);
  clock_.advance(now.mono);
  started_ = now.mono;
  if (absl::Status status = check_image(image, start.applied, start.ingested); !status.ok()) {
    stop(status, out);
    return status;
  }
  applied_ = start.applied;
  phase_ = Phase::Starting;
  // Rule 13: the library makes a sole voter the leader of the current term. It may have led in that term before, and
  // entries that it did not sync then may be at a standby: two of one index and term. So the term is new, and durable
  // before the library hears of it.
  const bool new_term = rules_->sole_voter_new_term && is_only_voter(last_configuration(image), settings_.self);
  if (new_term) image.hard_state = {image.hard_state.term.next(), settings_.self};
  starting_ = std::make_unique<ReplicaImage>(std::move(image));
  if (new_term || start.on_disk != OnDisk::All) {
    LogAppend& append = new_append(out);
    append.hard_state = starting_->hard_state;
    append.first_index = starting_->first_index;
    if (start.on_disk == OnDisk::NoEntries) append.entries = starting_->entries;
    if (start.on_disk == OnDisk::OldLog) {
      append.reset = true;
      append.snapshot = starting_->snapshot;
    }
    writes_.give(RaftIndex(), RaftIndex(), false, false);  // start_library() says what is stored
    start_write_ = writes_.given();
    return absl::OkStatus();  // appended() goes on
  }
  start_library(out);
  return stopped_;
}

void Group::start_library(Outputs& out) {
  const std::unique_ptr<ReplicaImage> image = std::move(starting_);
  snapshot_ = image->snapshot;
  delivered_ = snapshot_.index;
  // The library takes the end of the log from the entries: without any it must begin behind the snapshot.
  const RaftIndex first = image->entries.empty() ? snapshot_.index.next() : image->first_index;
  const RaftIndex base(first.value() - 1);
  tail_.reset(base, base == snapshot_.index ? snapshot_.term : RaftTerm());

  raft_event event = event_of(RAFT_START);
  event.start.term = image->hard_state.term.value();
  event.start.voted_for = image->hard_state.vote.value();
  event.start.start_index = first.value();
  raft_snapshot_metadata metadata{};
  if (snapshot_.index) {
    const auto configuration = parse_configuration(snapshot_.configuration);
    CHASQUI_ASSERT(configuration.has_value(), "the image was checked");
    metadata.index = snapshot_.index.value();
    metadata.term = snapshot_.term.value();
    metadata.configuration = to_raft(*configuration);  // taken by the library
    metadata.configuration_index = snapshot_.configuration_index.value();
    event.start.metadata = &metadata;
  }
  std::vector<EncodedConfiguration> changes;  // their bytes are read during the step only
  changes.reserve(image->entries.size());
  raft_entries_.clear();
  for (LogEntry& entry : image->entries) {
    raft_entry shown{};
    shown.term = entry.term.value();
    shown.type = to_raft(entry.type);
    shown.batch = &submit_batch;  // on success the array and its batches stay ours (they are freed only on failure)
    if (entry.type == EntryType::Change) {
      changes.emplace_back(*parse_configuration(*entry.payload));
      shown.buf = changes.back().buffer();
    }
    raft_entries_.push_back(shown);
    tail_.append(std::move(entry));
  }
  event.start.entries = raft_entries_.empty() ? nullptr : raft_entries_.data();
  event.start.n_entries = static_cast<unsigned>(raft_entries_.size());
  phase_ = Phase::Running;
  const int rv = step(event, {}, out);
  // Everything it could object to was checked: what is left is memory, which is fatal in a step.
  CHASQUI_ASSERT(rv == 0, "a checked image starts");
  settle(out);
}

// ------------------------------------------------------------------------------------------------------------ events

void Group::timeout(Now now, Outputs& out) {
  if (!running()) return;
  now_ = now;
  clock_.advance(now.mono);
  // Rule 20: a spurious one on a leader sends every follower back to probe and resends its window.
  if (rules_->timeouts_when_due && (is_only_server() || clock_.now() < raft_timeout(&raft_))) return;
  // Rule 13, for a follower that has become the only voter: a term of its own first, it leads at the next timeout.
  if (rules_->sole_voter_new_term && raft_.state == RAFT_FOLLOWER && is_sole_voter() && own_term_ != term()) {
    take_new_term(out);
    return;
  }
  raft_event event = event_of(RAFT_TIMEOUT);
  const int rv = step(event, {}, out);
  CHASQUI_ASSERT(rv == 0, "a timeout fails only without memory");
  settle(out);
}

// It asks itself for its vote, as if it were another, in the next term: the library writes term and vote, and starts
// the election timer anew. The answer to itself is dropped by send().
void Group::take_new_term(Outputs& out) {
  const std::string address = absl::StrCat(settings_.self.value());
  own_term_ = term().next();
  raft_message message{};
  message.type = RAFT_REQUEST_VOTE;
  message.server_id = settings_.self.value();
  message.server_address = address.c_str();
  message.request_vote.version = 2;
  message.request_vote.term = own_term_.value();
  message.request_vote.candidate_id = settings_.self.value();
  message.request_vote.last_log_index = tail_.last().value();
  message.request_vote.last_log_term = tail_.term_of(tail_.last()).value();
  message.request_vote.disrupt_leader = true;
  raft_event event = event_of(RAFT_RECEIVE);
  event.receive.message = &message;
  const int rv = step(event, {}, out);
  CHASQUI_ASSERT(rv == 0, "a vote fails only without memory");
  settle(out);
}

absl::Status Group::propose(Now now, std::shared_ptr<const std::string> payload, RaftIndex& index, Outputs& out) {
  if (!is_leader()) return absl::UnavailableError("this replica does not lead: try its leader");
  now_ = now;
  clock_.advance(now.mono);
  return submit(LogEntry{term(), EntryType::Command, std::move(payload)}, index, out);
}

absl::Status Group::change(Now now, const peer::Configuration& next, Outputs& out) {
  if (!is_leader()) return absl::UnavailableError("this replica does not lead: try its leader");
  // Rule 14: before an entry of this term is committed, an earlier leader's change may still win.
  if (rules_->barrier_at_once && !leads()) {
    return absl::FailedPreconditionError("no entry of this term is committed yet: try again shortly");
  }
  if (raft_.configuration_uncommitted_index != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the change at index ", raft_.configuration_uncommitted_index, " is not committed yet"));
  }
  if (rules_->check_changes) {
    if (absl::Status status = check_change(configuration(), next, settings_.self); !status.ok()) return status;
  }
  // A newcomer is sent the log from its beginning, or a snapshot if that is gone. The only server has let go of what it
  // handed out: its log must be compacted, so that the newcomer gets a snapshot instead.
  if (next.servers_size() > 1 && tail_.released() > tail_.base()) {
    return absl::FailedPreconditionError(absl::StrCat("entries ", tail_.base().next().value(), " to ",
                                                      tail_.released().value(),
                                                      " are not in memory: flush the state and compact up to there"));
  }
  now_ = now;
  clock_.advance(now.mono);
  RaftIndex index;
  return submit(LogEntry{term(), EntryType::Change, std::make_shared<const std::string>(serialize(next))}, index, out);
}

absl::Status Group::transfer(Now now, ReplicaId to, Outputs& out) {
  if (!is_leader()) return absl::UnavailableError("this replica does not lead: ask its leader");
  raft_index match = 0;
  if (raft_match_index(&raft_, to.value(), &match) != 0 || to == settings_.self) {
    return absl::InvalidArgumentError(absl::StrCat("replica ", to.value(), " is no other replica of this group"));
  }
  // Rule 19: to one that lags, TimeoutNow goes out early, once, and is ignored.
  if (rules_->check_transfers && match != tail_.last().value()) {
    return absl::FailedPreconditionError(absl::StrCat("replica ", to.value(), " has the log up to ", match, " of ",
                                                      tail_.last().value(), ": stop proposing and wait for it"));
  }
  now_ = now;
  clock_.advance(now.mono);
  lease_.transfer_began(to, now.mono);  // before anything leaves
  raft_event event = event_of(RAFT_TRANSFER);
  event.transfer.server_id = to.value();
  if (const int rv = step(event, {}, out); rv != 0) {
    return absl::FailedPreconditionError(absl::StrCat("no transfer to replica ", to.value(), ": ", raft_strerror(rv)));
  }
  settle(out);
  return absl::OkStatus();
}

absl::Status Group::barrier(Now now, RaftIndex& index, Outputs& out) {
  if (!is_leader()) return absl::UnavailableError("this replica does not lead: try its leader");
  now_ = now;
  clock_.advance(now.mono);
  return submit(LogEntry{term(), EntryType::Barrier, std::make_shared<const std::string>()}, index, out);
}

absl::Status Group::submit(LogEntry entry, RaftIndex& index, Outputs& out) {
  raft_entry shown{};
  shown.term = entry.term.value();
  shown.type = to_raft(entry.type);
  shown.batch = &submit_batch;
  std::vector<EncodedConfiguration> encoded;
  if (entry.type == EntryType::Change) {
    encoded.emplace_back(*parse_configuration(*entry.payload));
    shown.buf = encoded.back().buffer();
  }
  // Rule 15: one entry per SUBMIT. A CHANGE refused in the middle of several leaves phantoms in the library's log.
  raft_event event = event_of(RAFT_SUBMIT);
  event.submit.entries = &shown;
  event.submit.n = 1;
  const RaftIndex at = tail_.last().next();
  // Rule 21: a follower in probe state gets entries with heartbeats only. After a pause the first entry goes out at
  // once; only then, since every probe resends the window.
  const bool wake =
      rules_->wake_idle_followers && has_followers() && clock_.now() - submitted_ >= settings_.heartbeat_ms;
  if (wake) raft_set_heartbeat_timeout(&raft_, 1);
  const int rv = step(event, {at, std::span(&entry, 1)}, out);
  if (wake) raft_set_heartbeat_timeout(&raft_, settings_.heartbeat_ms);
  CHASQUI_ASSERT(rv != RAFT_NOMEM, "out of memory inside a step");
  if (rv == RAFT_NOTLEADER) return absl::UnavailableError("the leadership is being handed over: try again");
  if (rv != 0) return absl::FailedPreconditionError(absl::StrCat("refused: ", raft_strerror(rv)));
  submitted_ = clock_.now();
  index = at;
  settle(out);
  return absl::OkStatus();
}

void Group::appended(Now now, std::uint64_t count, Outputs& out) {
  if (phase_ == Phase::Stopped || phase_ == Phase::New) return;
  now_ = now;
  clock_.advance(now.mono);
  const WriteQueue::Synced synced = writes_.sync(count);
  fence_.release(writes_.synced(), out.messages);  // rule 1; before anything newer
  if (phase_ == Phase::Starting) {
    if (writes_.synced() >= start_write_) start_library(out);
    return;
  }
  if (synced.reset) end_install(out);
  // Rule 2: the highest of them, only if it is news.
  if (synced.stored.value() > raft_.last_stored) {
    raft_event event = event_of(RAFT_PERSISTED_ENTRIES);
    event.persisted_entries.index = synced.stored.value();
    const int rv = step(event, {}, out);
    CHASQUI_ASSERT(rv == 0, "a report fails only without memory");
  }
  if (synced.descriptor) {
    raft_event event = event_of(RAFT_SNAPSHOT);
    const auto configuration = parse_configuration(descriptor_->configuration);
    event.snapshot.metadata.index = descriptor_->index.value();
    event.snapshot.metadata.term = descriptor_->term.value();
    event.snapshot.metadata.configuration = to_raft(*configuration);  // taken or closed by the library
    event.snapshot.metadata.configuration_index = descriptor_->configuration_index.value();
    event.snapshot.trailing = static_cast<unsigned>(descriptor_trailing_);
    snapshot_ = *std::exchange(descriptor_, nullptr);
    const int rv = step(event, {}, out);
    CHASQUI_ASSERT(rv == 0, "a snapshot fails only without memory");
    if (snapshot_.index.value() > descriptor_trailing_) {
      const RaftIndex drop(snapshot_.index.value() - descriptor_trailing_);
      if (drop > tail_.base()) {
        tail_.drop_to(drop);
        drop_below_ = drop.next();  // goes with the next write: the descriptor had to be synced before
      }
    }
  }
  settle(out);
  stand_soon();
}

bool Group::compact(Now now, RaftIndex index, std::uint64_t trailing, Outputs& out) {
  if (!running() || descriptor_) return false;
  if (rules_->check_snapshots && installing_) return false;
  // Rule 23: at index 1 a new follower would be sent empty messages for ever; never what is not applied, nor backwards.
  if (rules_->check_snapshots && index.value() < 2) return false;
  if (index <= snapshot_.index || index > delivered_ || !tail_.has(index)) return false;
  now_ = now;
  clock_.advance(now.mono);
  descriptor_ = std::make_unique<Snapshot>();
  descriptor_->index = index;
  descriptor_->term = tail_.term_of(index);
  const RaftIndex change = tail_.last_change(index);
  descriptor_->configuration =
      change > snapshot_.configuration_index ? *tail_.at(change).payload : snapshot_.configuration;
  descriptor_->configuration_index = std::max(change, snapshot_.configuration_index);
  descriptor_trailing_ = trailing;
  LogAppend& append = new_append(out);
  append.snapshot = *descriptor_;
  give_write(append);
  return true;
}

// ------------------------------------------------------------------------------------------------------------- state

MonoTime Group::deadline() const {
  if (!running()) return MonoTime::never();
  // The library wants to look at its quorum each election timeout. An only server has nobody to lose: its timeout would
  // set that timer back and do nothing else (timeout.c:timeoutLeader), so it sleeps until something comes.
  if (is_only_server()) return MonoTime::never();
  return clock_.at(raft_timeout(&raft_));
}

bool Group::is_only_server() const {
  return is_leader() && raft_.configuration.n == 1 && raft_.configuration.servers[0].id == raft_.id;
}

bool Group::is_sole_voter() const {
  unsigned voters = 0;
  bool self = false;
  for (unsigned i = 0; i < raft_.configuration.n; ++i) {
    if (raft_.configuration.servers[i].role != RAFT_VOTER) continue;
    ++voters;
    self |= raft_.configuration.servers[i].id == raft_.id;
  }
  return voters == 1 && self;
}

bool Group::reads_fresh(Now now) const {
  if (!leads()) return false;
  if (is_sole_voter()) return true;
  if (raft_transferee(&raft_) != 0) return false;
  std::vector<ReplicaId> voters;
  for (unsigned i = 0; i < raft_.configuration.n; ++i) {
    if (raft_.configuration.servers[i].role == RAFT_VOTER) voters.emplace_back(raft_.configuration.servers[i].id);
  }
  return lease_.holds(voters, settings_.self, now.mono, milliseconds(settings_.election_timeout_ms));
}

ReplicaId Group::leader() const {
  if (!running()) return ReplicaId();
  if (raft_.state == RAFT_LEADER) return settings_.self;
  return raft_.state == RAFT_FOLLOWER ? ReplicaId(raft_.follower_state.current_leader.id) : ReplicaId();
}

peer::Configuration Group::configuration() const {
  peer::Configuration result;
  for (unsigned i = 0; i < raft_.configuration.n; ++i) {
    auto* server = result.add_servers();
    server->set_replica(raft_.configuration.servers[i].id);
    server->set_role(raft_.configuration.servers[i].role == RAFT_VOTER ? peer::Server::VOTER : peer::Server::STANDBY);
  }
  return result;
}

}  // namespace chasqui::replica
