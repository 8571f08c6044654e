// How much of everything a node holds at one moment: each size has a limit of bounds.h, or one beside its container,
// that must bound it whatever clients do. The simulator's judge of memory (I26) compares them.
#pragma once

#include <cstdint>

namespace chasqui {

// X(name, what it counts). `_most`: of the session or shard that has most.
#define CHASQUI_NODE_SIZES(X)                                            \
  X(sessions, "sessions, logged in or not")                              \
  X(sockets_before_hello, "of them, not yet logged in")                  \
  X(session_missed_most, "heads kept for a session that is behind")      \
  X(session_unanswered_most, "requests of a session")                    \
  X(gateway_rate_entries_most, "buckets of one of the gateway's tables") \
  X(account_rate_entries_most, "buckets of one of the accounts' tables") \
  X(calls, "HTTP calls under way")                                       \
  X(reads, "reads handed out and not done")                              \
  X(shard_waiting_commands_most, "commands not yet proposed")            \
  X(shard_waiting_bytes_most, "their bytes")                             \
  X(shard_entries_most, "entries proposed and not yet applied")          \
  X(bytes_in_flight, "bytes of those, all shards")                       \
  X(feed_outstanding_most, "items of a feed, not acknowledged")          \
  X(notify_marks_most, "index marks on their way into a shard's log")    \
  X(member_marks_most, "delivered and read marks, likewise")             \
  X(shard_gated_most, "sends that wait for what another shard knows")

struct NodeSizes {
#define CHASQUI_NODE_SIZE(name, meaning) std::uint64_t name = 0;
  CHASQUI_NODE_SIZES(CHASQUI_NODE_SIZE)
#undef CHASQUI_NODE_SIZE
};

}  // namespace chasqui
