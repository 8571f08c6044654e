// What a step of the library brought: log writes, messages, committed entries, a new role.
#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/replica/group.h"
#include "core/replica/group_messages.h"

namespace chasqui::replica {

int Group::step(raft_event& event, Offered offered, Outputs& out, bool* took_entries) {
  raft_update update{};
  event.time = clock_.now();
  const int rv = raft_step(&raft_, &event, &update);
  if (rv == 0) absorb(update, offered, out);
  if (took_entries != nullptr) *took_entries = rv == 0 && (update.flags & update_entries) != 0;
  return rv;
}

// In the library's order: hard state and entries are one atomic write, and messages come after it.
void Group::absorb(const raft_update& update, Offered offered, Outputs& out) {
  const bool hard_state = (update.flags & (update_term | update_vote)) != 0;
  const bool entries = (update.flags & update_entries) != 0;
  if (hard_state || entries) {
    LogAppend& append = new_append(out);
    if (hard_state) append.hard_state = HardState{RaftTerm(raft_.current_term), ReplicaId(raft_.voted_for)};
    if (entries) take_entries(update, offered, append);
    give_write(append);
    if (hard_state && rules_->persist_before_send) fence_.raise(writes_.given());  // rule 1
  }
  if ((update.flags & update_snapshot) != 0) begin_install(update, out);
  if ((update.flags & update_state) != 0 || hard_state) {
    lease_.reset();
    term_begin_ = RaftIndex();
    barrier_due_ = false;
    if (raft_.state == RAFT_LEADER) {
      // Rule 14: it adds a barrier of its own only when there is something uncommitted, and never with one voter.
      if (entries) {
        term_begin_ = RaftIndex(update.entries.index);
      } else {
        barrier_due_ = rules_->barrier_at_once;
      }
    }
  }
  if ((update.flags & update_messages) != 0) {
    // Filled now, not when sent: after a later step the same index may hold another term.
    for (unsigned i = 0; i < update.messages.n; ++i) send(update.messages.batch[i], out);
  }
}

void Group::take_entries(const raft_update& update, Offered offered, LogAppend& append) {
  const RaftIndex first(update.entries.index);
  if (tail_.has(first)) tail_.truncate_from(first);
  CHASQUI_ASSERT(first == tail_.last().next(), "the log has no gap");
  append.first_index = first;
  append.entries.reserve(update.entries.n);
  if (update.entries.batch == &raft_.barrier) {
    append.entries.push_back({RaftTerm(raft_.barrier.term), EntryType::Barrier, std::make_shared<const std::string>()});
    raft_free(raft_.barrier.batch);  // ours (RAFT.md section 3)
    raft_.barrier.batch = raft_.barrier.buf.base = nullptr;
  } else {
    CHASQUI_ASSERT(first >= offered.first, "the library keeps entries that it was offered");
    const std::uint64_t skip = first.value() - offered.first.value();
    CHASQUI_ASSERT(skip + update.entries.n == offered.entries.size(), "and all of them from there on");
    for (LogEntry& entry : offered.entries.subspan(skip)) append.entries.push_back(std::move(entry));
  }
  for (const LogEntry& entry : append.entries) tail_.append(entry);
}

void Group::send(const raft_message& message, Outputs& out) {
  if (message.server_id == settings_.self.value()) return;         // the answer to one's own vote (rule 13)
  if (links_down_.contains(ReplicaId(message.server_id))) return;  // lost, before it is filled
  peer::RaftMessage sent = to_peer(message, settings_.shard, settings_.self, term());
  switch (message.type) {
    case RAFT_APPEND_ENTRIES: {
      // The library leaves `entries` uninitialised.
      auto* append = sent.mutable_append();
      append->set_sent_at(Lease::stamp(now_.mono));
      for (unsigned i = 1; i <= message.append_entries.n_entries; ++i) {
        const RaftIndex index(message.append_entries.prev_log_index + i);
        if (!tail_.has_payload(index)) return;  // released: as if lost on the way
        const LogEntry& entry = tail_.at(index);
        auto* filled = append->add_entries();
        filled->set_term(entry.term.value());
        filled->set_type(to_peer(entry.type));
        if (entry.payload) filled->set_payload(*entry.payload);
      }
      break;
    }
    case RAFT_INSTALL_SNAPSHOT: {  // and `conf`
      const auto configuration = parse_configuration(snapshot_.configuration);
      CHASQUI_ASSERT(configuration.has_value(), "a descriptor's configuration decodes");
      *sent.mutable_install()->mutable_configuration() = *configuration;
      break;
    }
    case RAFT_APPEND_ENTRIES_RESULT: {
      auto* result = sent.mutable_append_result();
      // Rule 8: to an older term's leader the library sends an uninitialised word, which may read as success.
      if (answering_stale_ && rules_->correct_stale_answers) {
        result->set_last_index(result->rejected() != 0 ? result->rejected() - 1 : 0);
      }
      if (!answering_stale_ && heard_.leader.value() == message.server_id && heard_.term == term()) {
        result->set_echo(heard_.stamp);
      }
      break;
    }
    case RAFT_REQUEST_VOTE_RESULT: {
      // Rule 10: the library echoes the asker's term. A replica with the longest log and a low term would never learn.
      const auto& result = message.request_vote_result;
      if (result.pre_vote && !result.vote_granted && rules_->refusal_carries_term) {
        sent.set_term(std::max<std::uint64_t>(sent.term(), raft_.current_term));
      }
      break;
    }
    case RAFT_REQUEST_VOTE:
    case RAFT_TIMEOUT_NOW: break;
  }
  fence_.send(std::move(sent), writes_.synced(), out.messages);
}

RaftIndex Group::stored_and_committed() const {
  // Rule 3: an entry that others committed may not be on this disk yet; applied, it could be ahead of the log at a
  // crash.
  if (!rules_->apply_stored_only) return std::min(RaftIndex(raft_.commit_index), tail_.last());
  return RaftIndex(std::min(raft_.commit_index, raft_.last_stored));
}

void Group::settle(Outputs& out) {
  if (installing_ && rules_->apply_stored_only) return;  // rule 3: the commit index may be of the log that comes
  for (;;) {
    while (delivered_ < stored_and_committed()) {
      const RaftIndex index = delivered_.next();
      const LogEntry& entry = tail_.at(index);
      const bool change = entry.type == EntryType::Change;
      if (index > applied_) out.committed.push_back({index, entry.term, entry.type, entry.payload});
      delivered_ = index;
      if (change) feed_configuration(index, out);
    }
    if (!barrier_due_) break;
    barrier_due_ = false;  // rule 14
    RaftIndex index;
    const LogEntry barrier{term(), EntryType::Barrier, std::make_shared<const std::string>()};
    const absl::Status status = submit(barrier, index, out);
    CHASQUI_ASSERT(status.ok(), "a new leader takes its barrier");
    term_begin_ = index;
  }
  // Nobody is there to be sent what was handed out: only what may still be needed stays in memory.
  if (is_only_server()) tail_.release_to(std::max(delivered_, tail_.released()));
}

// Rule 4: for every committed CHANGE of this incarnation, also when the state is ahead of it. Without it no further
// change is accepted, and a removed leader never steps down.
void Group::feed_configuration(RaftIndex index, Outputs& out) {
  if (!rules_->feed_configurations) return;
  const auto configuration = parse_configuration(*tail_.at(index).payload);
  CHASQUI_ASSERT(configuration.has_value(), "a CHANGE in the log decodes");
  raft_event event{};
  event.type = RAFT_CONFIGURATION;
  event.configuration.index = index.value();
  event.configuration.conf = to_raft(*configuration);  // taken or closed by the library
  const int rv = step(event, {}, out);
  CHASQUI_ASSERT(rv == 0, "a configuration fails only without memory");
}

LogAppend& Group::new_append(Outputs& out) {
  LogAppend& append = out.appends.emplace_back();
  append.shard = settings_.shard;
  append.drop_below = std::exchange(drop_below_, RaftIndex());
  return append;
}

void Group::give_write(const LogAppend& append) {
  const RaftIndex first = append.entries.empty() ? RaftIndex() : append.first_index;
  const RaftIndex last(append.entries.empty() ? 0 : append.first_index.value() + append.entries.size() - 1);
  const bool descriptor = append.snapshot.has_value() && !append.reset;
  writes_.give(first, last, descriptor, rules_->cut_reports, append.reset);
}

void Group::stop(absl::Status why, Outputs& out) {
  phase_ = Phase::Stopped;
  stopped_ = std::move(why);
  out.role_changed = true;
}

}  // namespace chasqui::replica
