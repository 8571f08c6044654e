#include "sim/canaries/canaries.h"

namespace chasqui::sim {

namespace {
constexpr Canary all[] = {
    {1, "ack_before_commit", "`accepted` goes out at append", {10, 1}, ""},
    {2, "vote_before_durable", "a vote leaves before its disk has it", {10, 9}, "cluster"},
    {3, "result_before_sync", "a follower says that it has what its disk has not", {10}, "cluster"},
    {4, "wiped_same_id", "a node whose disk was emptied is taken for who it was", {9}, "cluster"},
    {6, "compact_past_flush", "the log is cut above the flushed applied index", {1, 23}, ""},
    {7, "applied_apart", "applied index and effects are two writes", {1, 2, 4}, ""},
    {8, "ingest_in_two", "a streamed state takes the place of the old one in two steps", {8}, "cluster"},
    {9, "snapshot_no_outbox", "what senders were answered is left out of a stream", {5, 2, 23}, "cluster"},
    {10, "snapshot_no_cursor", "the feed is left out of a stream", {7}, "cluster"},
    {11, "cursor_early", "the cursor moves before the user shards acknowledged", {7}, ""},
    {12, "linger_lost", "index marks are acknowledged while they linger, and lost at a crash", {7}, ""},
    {13, "version_reused", "a user's version counter restarts", {7}, ""},
    {14, "stale_leader", "a leader answers without a lease", {16, 7}, "cluster"},
    {15, "sent_rows_off", "outbox rows are not consulted", {5, 2}, ""},
    {16, "outbox_gap", "n+2 is taken before n+1", {5, 2}, ""},
    {17, "refusal_keeps_number", "a refused command does not take its number", {5, 23}, ""},
    {18, "restored_phone", "an old number with other content is answered as a retry", {1}, ""},
    {19, "server_knows_best", "sync starts at the server's mark, not at what the device says it has", {1, 7}, ""},
    {21, "partial_batch", "a repeated command makes apply skip the next seq", {4}, ""},
    {22, "mark_assigned", "a watermark is set, not merged by max", {11}, ""},
    {23, "ack_unclamped", "an ack above the head is merged", {12, 13}, ""},
    {24, "tick_on_push", "delivered when the event was pushed", {13}, ""},
    {25, "ack_before_store", "a device acks before its own disk has it", {13}, ""},
    {26, "left_ignored", "history forgets where a member's time ended", {14}, ""},
    {27, "members_cached", "the fan-out keeps a list of members across a removal", {14, 7}, ""},
    {28, "local_clock", "apply takes the node's clock for log time", {8}, "cluster"},
    {29, "unordered_apply", "apply iterates a hash map", {30}, ""},
    {30, "stranger_told", "a stranger's error differs where the group exists", {15}, ""},
    {31, "unread_twice", "a repeated push counts again", {17}, ""},
    {70, "block_forgotten", "a first send forgets what the other's shard answered", {14}, "cluster"},
    {71, "block_ignored", "apply lets through what is sent to who has blocked", {14}, ""},
    {72, "receipt_to_stranger", "marks are told although the gate is closed", {13}, ""},
    {73, "receipt_to_blocked", "marks are told to who is blocked", {13}, ""},
    {74, "withheld_served", "history shows who has blocked what was withheld", {14}, ""},
    {75, "block_told", "a sender sees that an event was withheld", {1, 4, 7, 23}, ""},
    {76, "withheld_fed", "the index of who has blocked is owed a withheld event", {7}, ""},
    {77, "block_at_leisure", "a block is said to be in force before the conversation knows", {14}, ""},
    {32, "token_cached", "a gateway trusts a token that is revoked", {19}, ""},
    {33, "payload_kept", "a deletion forgets the edits of its message", {20}, ""},
    {35, "prevote_off", "a node that hears nobody calls elections", {22}, "cluster", true},
    {36, "lost_wakeup", "next_deadline forgets one timer", {23}, ""},
    {40, "one_stale_byte", "a frame carries an uninitialised byte", {30}, ""},
    {41, "refused_but_fed", "a refused command's event stays in the feed", {6}, ""},
    {42, "silent_drop", "requests that waited for a leader are forgotten", {24}, ""},
    {46, "stale_answer", "a stale leader is answered what memory held (rule 8)", {9}, "cluster"},
    {48, "commit_not_trimmed", "what is committed is taken again (RAFT.md rule 7)", {9, 28}, "cluster", true},
    {49, "ack_position", "a Notify is acknowledged by position, not by batch id", {7}, ""},
    {53, "registry_lost", "a gateway does not tell a new leader of its sessions", {1, 23}, "cluster"},
    {54, "acked_unseen", "a batch from another node is acknowledged before it is committed", {7}, "cluster"},
    {58, "ingested_forgotten", "an install given up takes the state for one that lost its log", {28}, "cluster", true},
    {14, "stale_history", "history is answered as it was before the last event", {16}, ""},
    {20, "slot_reused", "a closed session's late frame is taken as that of whoever has its place now", {3}, ""},
    {37, "retry_at_once", "a client that lost its connection comes back at once", {25}, ""},
    {38, "queue_unbounded", "what waits for a session that does not read has no limit", {26}, ""},
    {43, "assert_on_input", "a request of an unknown kind reaches an assertion", {28}, ""},
    {50, "current_members", "an event is fanned out to today's members", {7, 14}, ""},
    {51, "mark_after_hello", "a mark that commits after Hello is not pushed", {7}, ""},
    {52, "dead_shard_jams", "what is owed to a shard that is silent is never parked", {22, 26}, "cluster", true},
    {57, "differing_serves", "a replica whose state differs from the others' goes on (rule R4)", {27}, "cluster", true},
    {60, "hides_uncounted", "what one device hides from its user is not told to the others", {18}, ""},
    {61, "journal_keeps", "a device keeps in its journal what was deleted", {20}, ""},
    {55, "ping_at_once", "a client pings after 100 ms of silence", {25}, ""},
    {56, "resend_at_once", "a client sends at once what it was told to send later", {25}, ""},
};
}  // namespace

std::span<const Canary> canaries() {
  return all;
}

const Canary* canary_named(std::string_view name) {
  for (const Canary& canary : canaries()) {
    if (canary.name == name) return &canary;
  }
  return nullptr;
}

}  // namespace chasqui::sim
