// peer.RaftMessage <-> libraft's raft_message, and what a peer's message must satisfy before the library may see it
// (rule 24: it trusts lengths, indices, terms and configurations).
#pragma once

#include <cstdint>

#include "core/base/ids.h"
#include "core/log_image.h"
#include "core/replica/raft_c.h"
#include "proto/peer.pb.h"

namespace chasqui::replica {

// Far beyond what a cluster reaches, and far from where sums wrap.
constexpr std::uint64_t index_max = std::uint64_t{1} << 62;
// In one AppendEntries: the sender's window is 64.
constexpr int append_entries_max = 4096;

// Everything about a message that can be judged without the log: to us, from somebody else, with terms and indices that
// belong together, and configurations that decode within their bounds.
[[nodiscard]] bool is_well_formed(const peer::RaftMessage& message, ReplicaId self, std::uint64_t entry_bytes_max);

// A message of the library as ours, but for the parts that it does not know: the payloads of entries, the configuration
// of a snapshot, and the stamps.
[[nodiscard]] peer::RaftMessage to_peer(const raft_message& message, ShardId shard, ReplicaId self, RaftTerm term);

// The other way, for the kinds without memory of their own (all but AppendEntries and InstallSnapshot). `address` must
// outlive the step.
[[nodiscard]] raft_message to_raft(const peer::RaftMessage& message, const char* address);

[[nodiscard]] LogEntry to_entry(const peer::RaftEntry& entry);
[[nodiscard]] peer::RaftEntry::Type to_peer(EntryType type);
[[nodiscard]] raft_entry_type to_raft(EntryType type);

}  // namespace chasqui::replica
