#include "core/replica/group_messages.h"

#include <algorithm>
#include <memory>
#include <string>

#include "core/base/check.h"
#include "core/base/points.h"
#include "core/replica/configuration.h"

namespace chasqui::replica {
namespace {

// The versions of the library's messages at 0.22.1 (message.h there): they say which fields are filled.
constexpr unsigned char vote_version = 2;
constexpr unsigned char append_version = 0;
constexpr unsigned char append_result_version = 2;
constexpr unsigned char timeout_now_version = 0;

// An index and its term come together: both set, or both 0. No entry is of a later term than the message that names it.
bool is_position(std::uint64_t index, std::uint64_t term, std::uint64_t message_term) {
  return (index == 0) == (term == 0) && index < index_max && term <= message_term;
}

bool is_well_formed(const peer::AppendEntries& append, std::uint64_t message_term, std::uint64_t entry_bytes_max) {
  if (!is_position(append.prev_index(), append.prev_term(), message_term)) return false;
  if (append.entries_size() > append_entries_max) return false;
  std::uint64_t term = std::max<std::uint64_t>(append.prev_term(), 1);
  for (const auto& entry : append.entries()) {
    if (entry.term() < term || entry.term() > message_term) return false;
    term = entry.term();
    // Kinds of a newer version are none of these: it may not send them before the feature level is raised.
    const bool fits = entry.type() == peer::RaftEntry::COMMAND   ? entry.payload().size() <= entry_bytes_max
                      : entry.type() == peer::RaftEntry::BARRIER ? entry.payload().empty()
                      : entry.type() == peer::RaftEntry::CHANGE  ? parse_configuration(entry.payload()).has_value()
                                                                 : false;
    if (!fits) return false;
  }
  return true;
}

}  // namespace

bool is_well_formed(const peer::RaftMessage& message, ReplicaId self, std::uint64_t entry_bytes_max) {
  if (message.to() != self.value() || message.from() == 0 || message.from() == self.value()) return false;
  const std::uint64_t term = message.term();
  if (term == 0 || term >= index_max) return false;
  switch (message.body_case()) {
    case peer::RaftMessage::kAppend: return is_well_formed(message.append(), term, entry_bytes_max);
    case peer::RaftMessage::kAppendResult: {
      const auto& result = message.append_result();
      return result.rejected() < index_max && result.last_index() < index_max && result.features() <= UINT16_MAX &&
             result.capacity() <= UINT16_MAX;
    }
    case peer::RaftMessage::kVote: return is_position(message.vote().last_index(), message.vote().last_term(), term);
    case peer::RaftMessage::kVoteResult:
      return message.vote_result().features() <= UINT16_MAX && message.vote_result().capacity() <= UINT16_MAX;
    case peer::RaftMessage::kTimeoutNow:
      return is_position(message.timeout_now().last_index(), message.timeout_now().last_term(), term);
    case peer::RaftMessage::kInstall: {
      const auto& install = message.install();
      return install.last_index() != 0 && is_position(install.last_index(), install.last_term(), term) &&
             install.configuration_index() != 0 && install.configuration_index() <= install.last_index() &&
             is_valid(install.configuration());
    }
    case peer::RaftMessage::BODY_NOT_SET: return false;
  }
  return false;
}

peer::RaftMessage to_peer(const raft_message& message, ShardId shard, ReplicaId self, RaftTerm term) {
  peer::RaftMessage result;
  result.set_shard(static_cast<std::uint32_t>(shard.value()));
  result.set_from(self.value());
  result.set_to(message.server_id);
  result.set_term(term.value());
  switch (message.type) {
    case RAFT_APPEND_ENTRIES: {
      auto* append = result.mutable_append();
      result.set_term(message.append_entries.term);
      append->set_prev_index(message.append_entries.prev_log_index);
      append->set_prev_term(message.append_entries.prev_log_term);
      append->set_commit(message.append_entries.leader_commit);
      break;
    }
    case RAFT_APPEND_ENTRIES_RESULT: {
      auto* answer = result.mutable_append_result();
      result.set_term(message.append_entries_result.term);
      answer->set_rejected(message.append_entries_result.rejected);
      answer->set_last_index(message.append_entries_result.last_log_index);
      answer->set_features(message.append_entries_result.features);
      answer->set_capacity(message.append_entries_result.capacity);
      break;
    }
    case RAFT_REQUEST_VOTE: {
      auto* vote = result.mutable_vote();
      result.set_term(message.request_vote.term);
      vote->set_last_index(message.request_vote.last_log_index);
      vote->set_last_term(message.request_vote.last_log_term);
      // The bug is that who hears nobody is heard: by leaders too, not only by who lost theirs.
      vote->set_disrupt_leader(message.request_vote.disrupt_leader || CHASQUI_CANARY("prevote_off"));
      vote->set_pre_vote(message.request_vote.pre_vote);
      break;
    }
    case RAFT_REQUEST_VOTE_RESULT: {
      auto* answer = result.mutable_vote_result();
      result.set_term(message.request_vote_result.term);
      answer->set_granted(message.request_vote_result.vote_granted);
      answer->set_pre_vote(message.request_vote_result.pre_vote);
      answer->set_features(message.request_vote_result.features);
      answer->set_capacity(message.request_vote_result.capacity);
      break;
    }
    case RAFT_INSTALL_SNAPSHOT: {
      auto* install = result.mutable_install();
      result.set_term(message.install_snapshot.term);
      install->set_last_index(message.install_snapshot.last_index);
      install->set_last_term(message.install_snapshot.last_term);
      install->set_configuration_index(message.install_snapshot.conf_index);
      break;
    }
    case RAFT_TIMEOUT_NOW: {
      auto* now = result.mutable_timeout_now();
      result.set_term(message.timeout_now.term);
      now->set_last_index(message.timeout_now.last_log_index);
      now->set_last_term(message.timeout_now.last_log_term);
      break;
    }
  }
  return result;
}

raft_message to_raft(const peer::RaftMessage& message, const char* address) {
  raft_message result{};
  result.server_id = message.from();
  result.server_address = address;
  switch (message.body_case()) {
    case peer::RaftMessage::kAppendResult: {
      result.type = RAFT_APPEND_ENTRIES_RESULT;
      auto& answer = result.append_entries_result;
      answer.version = append_result_version;
      answer.term = message.term();
      answer.rejected = message.append_result().rejected();
      answer.last_log_index = message.append_result().last_index();
      answer.features = static_cast<unsigned short>(message.append_result().features());
      answer.capacity = static_cast<unsigned short>(message.append_result().capacity());
      break;
    }
    case peer::RaftMessage::kVote: {
      result.type = RAFT_REQUEST_VOTE;
      auto& vote = result.request_vote;
      vote.version = vote_version;
      vote.term = message.term();
      vote.candidate_id = message.from();
      vote.last_log_index = message.vote().last_index();
      vote.last_log_term = message.vote().last_term();
      vote.disrupt_leader = message.vote().disrupt_leader();
      vote.pre_vote = message.vote().pre_vote();
      break;
    }
    case peer::RaftMessage::kVoteResult: {
      result.type = RAFT_REQUEST_VOTE_RESULT;
      auto& answer = result.request_vote_result;
      answer.version = vote_version;
      answer.term = message.term();
      answer.vote_granted = message.vote_result().granted();
      answer.pre_vote = message.vote_result().pre_vote();
      answer.features = static_cast<unsigned short>(message.vote_result().features());
      answer.capacity = static_cast<unsigned short>(message.vote_result().capacity());
      break;
    }
    case peer::RaftMessage::kTimeoutNow: {
      result.type = RAFT_TIMEOUT_NOW;
      auto& now = result.timeout_now;
      now.version = timeout_now_version;
      now.term = message.term();
      now.last_log_index = message.timeout_now().last_index();
      now.last_log_term = message.timeout_now().last_term();
      break;
    }
    case peer::RaftMessage::kAppend: {  // the caller adds the entries
      result.type = RAFT_APPEND_ENTRIES;
      auto& append = result.append_entries;
      append.version = append_version;
      append.term = message.term();
      append.prev_log_index = message.append().prev_index();
      append.prev_log_term = message.append().prev_term();
      append.leader_commit = message.append().commit();
      break;
    }
    case peer::RaftMessage::kInstall:
    case peer::RaftMessage::BODY_NOT_SET:
      CHASQUI_ASSERT(false, "only kinds without memory of their own are converted here");
      break;
  }
  return result;
}

LogEntry to_entry(const peer::RaftEntry& entry) {
  LogEntry result;
  result.term = RaftTerm(entry.term());
  result.type = entry.type() == peer::RaftEntry::CHANGE    ? EntryType::Change
                : entry.type() == peer::RaftEntry::BARRIER ? EntryType::Barrier
                                                           : EntryType::Command;
  result.payload = std::make_shared<const std::string>(entry.payload());
  return result;
}

peer::RaftEntry::Type to_peer(EntryType type) {
  switch (type) {
    case EntryType::Command: return peer::RaftEntry::COMMAND;
    case EntryType::Barrier: return peer::RaftEntry::BARRIER;
    case EntryType::Change: return peer::RaftEntry::CHANGE;
  }
  return peer::RaftEntry::UNSPECIFIED;
}

raft_entry_type to_raft(EntryType type) {
  switch (type) {
    case EntryType::Command: return RAFT_COMMAND;
    case EntryType::Barrier: return RAFT_BARRIER;
    case EntryType::Change: return RAFT_CHANGE;
  }
  return RAFT_COMMAND;
}

}  // namespace chasqui::replica
