// libraft's raft.h, made fit for C++. The only file that includes it (RAFT.md section 1).
//
// raft.h checks its ABI with types that are defined inside sizeof, which C++ forbids, and has no extern "C": its
// static_assert is blanked while it is read. Nothing but raft_init(r, NULL, NULL, id, address), raft_step and the plain
// getters and setters may be used: no raft_io, raft_fsm, raft_uv, and never raft_heap_set.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#pragma push_macro("static_assert")
#define static_assert(...)
extern "C" {
#include <raft.h>
}
#pragma pop_macro("static_assert")

// An upgrade re-opens RAFT.md sections 3 and 4: who owns which memory, and which faults there are.
static_assert(RAFT_VERSION_NUMBER == 2201, "written for libraft 0.22.1: read RAFT.md before another version is used");

namespace chasqui::replica {

// The library's flags are macros without parentheses.
constexpr unsigned update_term = (RAFT_UPDATE_CURRENT_TERM);
constexpr unsigned update_vote = (RAFT_UPDATE_VOTED_FOR);
constexpr unsigned update_entries = (RAFT_UPDATE_ENTRIES);
constexpr unsigned update_snapshot = (RAFT_UPDATE_SNAPSHOT);
constexpr unsigned update_messages = (RAFT_UPDATE_MESSAGES);
constexpr unsigned update_state = (RAFT_UPDATE_STATE);

}  // namespace chasqui::replica
