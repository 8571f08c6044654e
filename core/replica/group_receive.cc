// What a peer's message goes through before the library sees it: the rules that mend what the library does with it.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/replica/group.h"
#include "core/replica/group_messages.h"

namespace chasqui::replica {

struct Group::Incoming {
  ReplicaId from;
  std::string address;
  RaftTerm term;
  RaftIndex prev;
  RaftTerm prev_term;
  RaftIndex commit;
  std::vector<LogEntry> entries;
};

void Group::receive(Now now, const peer::RaftMessage& message, Outputs& out) {
  if (!running()) return;
  now_ = now;
  clock_.advance(now.mono);
  // Rule 24: malformed and foreign messages never reach the library.
  if (rules_->check_messages && !is_well_formed(message, settings_.self, settings_.entry_bytes_max)) return;
  const bool answers = message.has_append_result() || message.has_vote_result();
  if (rules_->check_messages && !may_speak(ReplicaId(message.from()), answers)) return;
  const bool from_leader = message.has_append() || message.has_install();
  if (from_leader && message.term() == raft_.current_term && raft_.state == RAFT_LEADER) return;  // we lead this term

  answering_stale_ = message.term() < raft_.current_term;
  switch (message.body_case()) {
    case peer::RaftMessage::kAppend: receive_append(message, out); break;
    case peer::RaftMessage::kAppendResult: receive_append_result(message, out); break;
    case peer::RaftMessage::kVote: receive_vote(message, out); break;
    case peer::RaftMessage::kVoteResult:
      // Rule 9: in any other state the library reads a candidate's field out of another state's bytes.
      if (raft_.state == RAFT_CANDIDATE || !rules_->votes_only_while_candidate) receive_plain(message, out);
      break;
    case peer::RaftMessage::kTimeoutNow:
      // Rule 13: a sole voter that stood at once would lead in a term that is not new.
      if (!rules_->sole_voter_new_term || !is_sole_voter()) receive_plain(message, out);
      break;
    case peer::RaftMessage::kInstall: receive_install(message, out); break;
    case peer::RaftMessage::BODY_NOT_SET: break;
  }
  answering_stale_ = false;
  if (running()) settle(out);
}

// Requests come from the group's servers, as far as we know them: one that lags may not have received the change that
// made the sender one, which is why the cluster map adds to them. A joiner, which has no configuration yet, is named by
// nobody and hears everybody. Answers come from servers that we asked.
bool Group::may_speak(ReplicaId from, bool answers) const {
  for (unsigned i = 0; i < raft_.configuration.n; ++i) {
    if (raft_.configuration.servers[i].id == from.value()) return true;
  }
  if (answers) return false;
  return raft_.configuration.n == 0 || known_.contains(from);
}

void Group::receive_plain(const peer::RaftMessage& message, Outputs& out) {
  const std::string address = absl::StrCat(message.from());
  raft_message shown = to_raft(message, address.c_str());
  raft_event event{};
  event.type = RAFT_RECEIVE;
  event.receive.message = &shown;
  if (const int rv = step(event, {}, out); rv != 0) {
    stop(absl::DataLossError(absl::StrCat("a message of replica ", message.from(),
                                          " was answered with: ", raft_strerror(rv), "; this replica has stopped")),
         out);
  }
}

void Group::receive_vote(const peer::RaftMessage& message, Outputs& out) {
  // A replica just restarted has forgotten its leader, whose lease counts on it: it hears nobody but the target of a
  // transfer for one election timeout (lease.h), unless it follows a leader that can have no lease.
  const bool disrupts = message.vote().disrupt_leader() || may_disrupt();
  if (now_.mono - started_ < milliseconds(settings_.election_timeout_ms) && !disrupts) return;
  // Rule 12: a standby votes, since it may be a voter in a change that it has not received. One vote per term and the
  // log check remain. The library asks our own role: it is a voter's for the length of this step.
  raft_server* self = nullptr;
  for (unsigned i = 0; i < raft_.configuration.n && rules_->standby_votes; ++i) {
    raft_server& server = raft_.configuration.servers[i];
    if (server.id == raft_.id && server.role == RAFT_STANDBY) self = &server;
  }
  if (self != nullptr) self->role = RAFT_VOTER;
  if (disrupts && !message.vote().disrupt_leader()) {
    peer::RaftMessage allowed = message;
    allowed.mutable_vote()->set_disrupt_leader(true);
    receive_plain(allowed, out);
  } else {
    receive_plain(message, out);
  }
  if (self != nullptr) self->role = RAFT_STANDBY;  // a vote request changes no configuration: `self` still stands
}

void Group::receive_append_result(const peer::RaftMessage& message, Outputs& out) {
  const auto& result = message.append_result();
  const bool ours = is_leader() && message.term() == raft_.current_term;
  if (ours) {
    // A refusal of what this follower is known to have is a duplicate (rule 22), or it forgot what it stored (R3).
    raft_index match = 0;
    raft_match_index(&raft_, message.from(), &match);
    if (rules_->check_messages && result.rejected() != 0 &&
        (result.rejected() <= match || result.last_index() < match)) {
      return;
    }
    if (result.echo() <= Lease::stamp(now_.mono)) lease_.echoed(ReplicaId(message.from()), result.echo());
  }
  receive_plain(message, out);
}

void Group::receive_append(const peer::RaftMessage& message, Outputs& out) {
  const auto& append = message.append();
  Incoming incoming;
  incoming.from = ReplicaId(message.from());
  incoming.address = absl::StrCat(message.from());
  incoming.term = RaftTerm(message.term());
  incoming.prev = RaftIndex(append.prev_index());
  incoming.prev_term = RaftTerm(append.prev_term());
  incoming.commit = RaftIndex(append.commit());
  if (!answering_stale_) {
    heard_from(incoming.from, incoming.term);
    heard_.stamp = std::max(heard_.stamp, append.sent_at());
    if (installing_) {
      // The library ignores entries meanwhile, and wants one to know them by. There is no log to compare them with.
      if (append.entries_size() > 0) incoming.entries.push_back({incoming.term, EntryType::Barrier, nullptr});
      receive_append_part(incoming, incoming.entries, out);
      return;
    }
    incoming.entries.reserve(static_cast<std::size_t>(append.entries_size()));
    for (const auto& entry : append.entries()) incoming.entries.push_back(to_entry(entry));
    if (rules_->trim_committed && !trim_committed(incoming, out)) return;
  }
  // Rule 5: a CHANGE is always the first entry of what the library is shown: it records the index of the message's
  // first new entry as the CHANGE's.
  std::span<LogEntry> left(incoming.entries);
  do {
    std::size_t size = std::min<std::size_t>(left.size(), 1);
    while (size < left.size() && !(rules_->split_at_changes && left[size].type == EntryType::Change)) ++size;
    const std::span<LogEntry> part = left.first(size);
    left = left.subspan(size);
    const RaftTerm part_term = part.empty() ? RaftTerm() : part.back().term;
    receive_append_part(incoming, part, out);
    if (!running() || part.empty()) return;
    incoming.prev = RaftIndex(incoming.prev.value() + size);
    incoming.prev_term = part_term;
    // A part that was refused is answered for; what follows it would be refused as well.
    if (tail_.term_of(incoming.prev) != incoming.prev_term) return;
  } while (!left.empty());
}

// Rule 7: what is committed here needs no second look. A resent message with previous index 0, after we compacted,
// would corrupt the library's log. A leader of our term or a later one has all that is committed, so we may answer for
// it. False: it contradicts what is committed.
bool Group::trim_committed(Incoming& incoming, Outputs& out) {
  const RaftIndex commit(raft_.commit_index);
  if (incoming.prev >= commit) return true;
  const std::uint64_t surplus =
      std::min<std::uint64_t>(commit.value() - incoming.prev.value(), incoming.entries.size());
  for (std::uint64_t i = 0; i < surplus; ++i) {
    const RaftIndex index(incoming.prev.value() + 1 + i);
    const RaftTerm ours = tail_.term_of(index);
    if (ours && ours != incoming.entries[i].term) {
      stop(absl::DataLossError(absl::StrCat("entry ", index.value(), " is committed here with term ", ours.value(),
                                            ", and replica ", incoming.from.value(), " leads with term ",
                                            incoming.entries[i].term.value(), " there: the replicas differ")),
           out);
      return false;
    }
  }
  incoming.entries.erase(incoming.entries.begin(), incoming.entries.begin() + static_cast<std::ptrdiff_t>(surplus));
  incoming.prev = commit;
  incoming.prev_term = tail_.term_of(commit);
  CHASQUI_ASSERT(incoming.prev_term, "the term of what is committed last is known");
  return true;
}

void Group::receive_append_part(Incoming& incoming, std::span<LogEntry> part, Outputs& out) {
  const RaftIndex first = incoming.prev.next();
  std::vector<EncodedConfiguration> encoded;
  if (!part.empty() && part.front().type == EntryType::Change && !answering_stale_) {
    // Rule 6: a second CHANGE proves the one before it committed, which the library does not see: it would fall back
    // two configurations when the second is truncated.
    const RaftIndex older(raft_.configuration_uncommitted_index);
    if (rules_->confirm_previous_change && older && older < first && incoming.prev_term &&
        tail_.term_of(incoming.prev) == incoming.prev_term && tail_.has(older)) {
      feed_configuration(older, out);
    }
  }
  raft_entries_.clear();
  for (LogEntry& entry : part) {
    raft_entry shown{};
    shown.term = entry.term.value();
    shown.type = to_raft(entry.type);
    if (entry.type == EntryType::Change) {
      const auto configuration = parse_configuration(*entry.payload);
      if (!configuration) return;  // only with rule 24 off
      encoded.emplace_back(*configuration);
      shown.buf = encoded.back().buffer();
    }
    raft_entries_.push_back(shown);
  }
  // One allocation serves as the batch of all: freed by the library unless the update has entries (RAFT.md section 3).
  void* batch = part.empty() ? nullptr : raft_malloc(1);
  for (raft_entry& shown : raft_entries_) shown.batch = batch;
  raft_message message{};
  message.type = RAFT_APPEND_ENTRIES;
  message.server_id = incoming.from.value();
  message.server_address = incoming.address.c_str();
  message.append_entries.term = incoming.term.value();
  message.append_entries.prev_log_index = incoming.prev.value();
  message.append_entries.prev_log_term = incoming.prev_term.value();
  message.append_entries.leader_commit = incoming.commit.value();
  message.append_entries.entries = raft_entries_.data();
  message.append_entries.n_entries = static_cast<unsigned>(raft_entries_.size());
  raft_event event{};
  event.type = RAFT_RECEIVE;
  event.receive.message = &message;
  bool kept = false;
  if (const int rv = step(event, {first, part}, out, &kept); rv != 0) {  // the batch is freed
    stop(absl::DataLossError(absl::StrCat("entries after ", incoming.prev.value(), " of replica ",
                                          incoming.from.value(), " contradict what is committed here (",
                                          raft_strerror(rv), "): this replica has stopped")),
         out);
    return;
  }
  if (kept) raft_free(batch);
  // Hand out what is committed before the next part: a CHANGE among it must be confirmed first (rule 4).
  settle(out);
}

}  // namespace chasqui::replica
