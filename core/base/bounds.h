// Every limit of the server: default, value in the profile `bench`, unit, and what happens at it. docs/limits.md is
// printed from these rows (chasquid --print-limits). A limit is a value at run time, since tests, benches and the
// simulator set their own; what cannot change without a new format is a constant at the end.
#pragma once

#include <cstdint>

// X(name, default, bench, unit, reason and what happens at the limit)
#define CHASQUI_LIMITS(X)                                                                                            \
  X(message_bytes_max, 65536, 65536, "bytes",                                                                        \
    "text or sealed content of one message; above: INVALID_ARGUMENT, and the number is taken")                       \
  X(websocket_message_bytes_max, 262144, 262144, "bytes",                                                            \
    "one WebSocket message; above: the session is closed with 1009")                                                 \
  X(frames_per_message_max, 1024, 1024, "frames", "in one WebSocket message; above: the session is closed")          \
  X(session_unanswered_max, 64, 1024, "requests", "of one session; at it: its socket is not read")                   \
  X(push_budget_bytes_max, 1048576, 4194304, "bytes",                                                                \
    "given to a session and not yet written; over it: the session is behind and gets heads only")                    \
  X(session_behind_ms_max, 60000, 60000, "ms", "behind without reading a byte; then: closed, TOO_SLOW")              \
  X(hello_timeout_ms, 10000, 10000, "ms", "from the socket's opening to Hello; then: closed")                        \
  X(sockets_before_hello_max, 512, 20000, "sockets", "open and not yet logged in; above: the oldest is closed")      \
  X(hello_per_second, 500, 20000, "per s", "admission of Hello; above: UNAVAILABLE with retry_after_ms")             \
  X(hello_burst, 1000, 20000, "Hellos", "admitted at once after a pause")                                            \
  X(deadline_ms_max, 5000, 5000, "ms",                                                                               \
    "that a request may wait; then: UNAVAILABLE if it was not proposed, ABORTED if it was")                          \
  X(command_wait_ms_max, 1000, 1000, "ms", "that a command waits to be proposed; then: UNAVAILABLE")                 \
  X(shard_waiting_commands_max, 4096, 4096, "commands", "of one shard, not yet proposed; at it: RESOURCE_EXHAUSTED") \
  X(shard_waiting_bytes_max, 8388608, 8388608, "bytes", "likewise")                                                  \
  X(raft_entry_bytes_max, 1048576, 1048576, "bytes", "one Raft entry; a batch is cut below it")                      \
  X(raft_entry_commands_max, 128, 128, "commands", "in one Raft entry, so that one apply stays short")               \
  X(uncommitted_group_bytes_max, 16777216, 16777216, "bytes",                                                        \
    "proposed and not committed, one shard; at it: RESOURCE_EXHAUSTED")                                              \
  X(uncommitted_node_bytes_max, 268435456, 268435456, "bytes", "likewise, all shards of a node")                     \
  X(entries_in_flight_max, 32, 32, "entries", "proposed and not yet applied, one shard: half of libraft's window")   \
  X(log_trailing_entries, 1024, 1024, "entries", "kept below the snapshot for followers that were away shortly")     \
  X(election_timeout_ms, 500, 500, "ms", "of a Raft group")                                                          \
  X(heartbeat_ms, 100, 100, "ms", "of a Raft group")                                                                 \
  X(index_linger_ms, 30, 30, "ms", "that index marks wait for neighbours before they are proposed")                  \
  X(mark_linger_ms, 30, 30, "ms", "that delivered and read marks wait while a sender is connected")                  \
  X(mark_linger_away_ms, 1000, 1000, "ms", "the same while none is")                                                 \
  X(feed_batch_items_max, 256, 256, "items", "in one NotifyBatch")                                                   \
  X(feed_outstanding_items_max, 65536, 65536, "items",                                                               \
    "of one shard, sent and not yet acknowledged; at it: the feed waits in the store")                               \
  X(feed_kept_event_bytes_max, 1048576, 1048576, "bytes",                                                            \
    "of one shard, of events for shards without a leader; above: their users are told the head alone")               \
  X(parked_rows_per_s, 4096, 65536, "rows per s",                                                                    \
    "that one shard sends to shards that were silent and are back; above: they wait in the store")                   \
  X(cursor_linger_ms, 1000, 1000, "ms", "that the feed's cursor waits before it is moved")                           \
  X(cursor_rows_max, 4096, 4096, "rows", "acknowledged and not yet dropped; at it: the cursor is moved at once")     \
  X(page_events_max, 200, 200, "events", "in one HistoryPage or SyncPage")                                           \
  X(page_bytes_max, 131072, 131072, "bytes", "likewise")                                                             \
  X(devices_max, 10, 10, "devices", "of one user; at it: RESOURCE_EXHAUSTED, log one out first")                     \
  X(handle_bytes_min, 3, 3, "bytes", "of a handle; below: INVALID_ARGUMENT")                                         \
  X(handle_bytes_max, 32, 32, "bytes", "of a handle; above: INVALID_ARGUMENT")                                       \
  X(password_bytes_min, 15, 8, "bytes",                                                                              \
    "of a password that is the only factor (NIST SP 800-63B-4); below: INVALID_ARGUMENT")                            \
  X(password_bytes_max, 256, 256, "bytes", "of a password; above: INVALID_ARGUMENT")                                 \
  X(device_name_bytes_max, 64, 64, "bytes", "of a device's name; above: INVALID_ARGUMENT")                           \
  X(calls_max, 1024, 4096, "calls", "HTTP calls under way at a node; at it: RESOURCE_EXHAUSTED")                     \
  X(passwords_running_max, 2, 2, "hashings", "at once on worker threads")                                            \
  X(passwords_waiting_max, 64, 4096, "hashings", "waiting; at it: RESOURCE_EXHAUSTED")                               \
  X(reads_outstanding_max, 4096, 65536, "reads", "handed out and not yet done; at it: UNAVAILABLE")                  \
  X(send_device_burst, 60, 1000000, "sends", "of one device at once; above: RESOURCE_EXHAUSTED")                     \
  X(send_device_refill_ms, 200, 1, "ms per send", "")                                                                \
  X(send_bytes_user_burst, 16777216, 1073741824, "bytes", "sent by one session at once; above: RESOURCE_EXHAUSTED")  \
  X(send_bytes_user_per_ms, 262, 1000000, "bytes per ms", "")                                                        \
  X(send_conversation_burst, 200, 1000000, "sends", "into one conversation at once; above: RESOURCE_EXHAUSTED")      \
  X(send_conversation_refill_ms, 20, 1, "ms per send", "")                                                           \
  X(send_conversation_deliveries_per_s, 5000, 1000000000, "per s",                                                   \
    "to the members of one conversation in the long run: a large group's sends come back more slowly")               \
  X(ack_device_burst, 200, 1000000, "acks", "of one device at once; above: dropped, the device repeats them")        \
  X(ack_device_refill_ms, 20, 1, "ms per ack", "")                                                                   \
  X(page_device_burst, 100, 1000000, "requests",                                                                     \
    "Sync, History and Marks of one device at once; above: RESOURCE_EXHAUSTED")                                      \
  X(page_device_refill_ms, 50, 1, "ms per request", "")                                                              \
  X(lookup_user_burst, 50, 1000000, "look-ups", "of one user at once; above: RESOURCE_EXHAUSTED")                    \
  X(lookup_user_refill_ms, 300000, 1, "ms per look-up", "")                                                          \
  X(group_create_user_burst, 10, 1000000, "groups", "created by one user at once; above: RESOURCE_EXHAUSTED")        \
  X(group_create_user_refill_ms, 360000, 1, "ms per group", "")                                                      \
  X(first_message_user_burst, 20, 1000000, "messages",                                                               \
    "of one user to somebody who has not written to, nor accepted, them; above: RESOURCE_EXHAUSTED")                 \
  X(first_message_user_refill_ms, 180000, 1, "ms per message", "")                                                   \
  X(add_user_burst, 100, 1000000, "people",                                                                          \
    "added to or invited into groups by one user at once; above: RESOURCE_EXHAUSTED")                                \
  X(add_user_refill_ms, 10000, 1, "ms per person", "")                                                               \
  X(registration_address_burst, 5, 1000000, "accounts", "from one address but loopback; above: RESOURCE_EXHAUSTED")  \
  X(registration_address_refill_ms, 600000, 1, "ms per account", "")                                                 \
  X(login_address_burst, 20, 1000000, "logins", "from one address but loopback; above: RESOURCE_EXHAUSTED")          \
  X(login_address_refill_ms, 10000, 1, "ms per login", "")                                                           \
  X(login_failure_burst, 5, 1000000, "failures", "of one account from one address; above: RESOURCE_EXHAUSTED")       \
  X(login_failure_refill_ms, 60000, 1, "ms per failure", "")                                                         \
  X(connection_address_burst, 50, 1000000, "sockets", "opened from one address but loopback; above: closed")         \
  X(connection_address_refill_ms, 200, 1, "ms per socket", "")                                                       \
  X(rate_entries_max, 100000, 100000, "entries", "buckets kept in memory; the fullest are forgotten first")          \
  X(forward_device_burst, 5, 1000000, "forwards",                                                                    \
    "of one device at once; one that was forwarded 5 times already counts as 5; above: RESOURCE_EXHAUSTED")          \
  X(forward_device_refill_ms, 12000, 1, "ms per forward", "")                                                        \
  X(setting_device_burst, 60, 1000000, "requests",                                                                   \
    "HideEvents, SetGate and SetPrivacy of one device at once; above: RESOURCE_EXHAUSTED")                           \
  X(setting_device_refill_ms, 1000, 1, "ms per request", "")                                                         \
  X(ephemeral_device_burst, 10, 1000000, "requests",                                                                 \
    "Typing and Watch of one device at once; above: Typing is dropped, Watch is RESOURCE_EXHAUSTED")                 \
  X(ephemeral_device_refill_ms, 1000, 1, "ms per request", "")                                                       \
  X(recount_linger_ms, 1000, 1000, "ms", "that a session waits to be told what is unread, if nothing else is new")   \
  X(receipt_pause_ms, 1000, 1000, "ms", "between two frames of receipts about one group")                            \
  X(watchers_user_max, 1024, 65536, "sessions", "that watch one user; above: RESOURCE_EXHAUSTED")                    \
  X(watchers_shard_max, 65536, 1048576, "pairs", "of session and user watched, in one shard; above: likewise")       \
  X(ping_interval_ms, 30000, 30000, "ms", "of silence, then the server pings")                                       \
  X(idle_timeout_ms, 75000, 75000, "ms", "of silence, then the session is closed")                                   \
  X(message_complete_ms, 30000, 30000, "ms", "from a WebSocket message's first byte to its last; then: closed")      \
  X(drain_ms, 2000, 2000, "ms", "over which a node that stops sends its sessions away")                              \
  X(tls_handshakes_per_s, 200, 20000, "per s", "begun by a server; above: they wait their turn")                     \
  X(socket_read_burst_bytes, 4194304, 1073741824, "bytes",                                                           \
    "read from one socket at once after a pause; above: it is read at socket_read_bytes_per_s")                      \
  X(socket_read_bytes_per_s, 1048576, 1073741824, "bytes per s",                                                     \
    "read from one socket in the long run; above: it waits")                                                         \
  X(control_frame_burst, 30, 1000, "frames",                                                                         \
    "WebSocket pings and pongs of one session at once; above: closed with 1008")                                     \
  X(control_frame_refill_ms, 100, 1, "ms per frame", "")                                                             \
  X(http_header_bytes_max, 8192, 8192, "bytes", "request line and fields of an HTTP request; above: 431, closed")    \
  X(http_fields_max, 64, 64, "fields", "of an HTTP request; above: 431, closed")                                     \
  X(http_target_bytes_max, 4096, 4096, "bytes", "of an HTTP request's target; above: 414, closed")                   \
  X(http_body_bytes_max, 16384, 16384, "bytes", "of the JSON body of a request for an account; above: 413, closed")  \
  X(http_header_ms, 10000, 10000, "ms",                                                                              \
    "from a socket's opening, or the answer before, to a request's last field; then: closed")                        \
  X(http_body_bytes_per_s_min, 1024, 1024, "bytes per s",                                                            \
    "at which a request's body must come, after a grace of http_header_ms; below: closed")                           \
  X(http_answer_ms, 15000, 15000, "ms",                                                                              \
    "that an HTTP request waits for its answer; then: 504, and the call is abandoned")                               \
  X(close_ms_max, 5000, 5000, "ms", "from the wish to close a socket to its end, whatever the other side does")      \
  X(log_in_flight_bytes_max, 33554432, 33554432, "bytes",                                                            \
    "handed to the log thread and not yet synced; at it: no socket is read")                                         \
  X(streams_out_max, 2, 2, "streams", "of a shard's state from one node to others at once; above: they ask again")   \
  X(streams_in_max, 2, 2, "streams", "to one node at once; above: they wait")                                        \
  X(stream_bytes_per_s, 52428800, 52428800, "bytes per s", "sent by one node in streams; above: they wait")          \
  X(stream_part_bytes, 262144, 262144, "bytes",                                                                      \
    "of rows in one part of a stream; the row that reaches it is the last")                                          \
  X(stream_idle_ms, 30000, 30000, "ms", "that a stream stands still; then: it is closed, and begun anew")            \
  X(stream_answer_ms, 2000, 2000, "ms", "that a part of a stream is waited for; then: it is asked for again")        \
  X(log_tails_bytes_max, 268435456, 268435456, "bytes",                                                              \
    "of log kept in memory by one node for followers; above: each shard keeps its share, and streams lose")          \
  X(overlay_write_ms, 1000, 1000, "ms", "that changed rows stay in memory before the store is given them")           \
  X(overlay_unwritten_bytes_max, 4194304, 4194304, "bytes",                                                          \
    "of changed rows in the memory of one node; above: the store is given them at once")                             \
  X(overlay_bytes_max, 67108864, 67108864, "bytes",                                                                  \
    "of rows that one node keeps in memory, about; above: each shard forgets those not used for longest")

namespace chasqui {

struct Limits {
#define CHASQUI_LIMIT_MEMBER(name, normal, bench, unit, reason) std::uint64_t name = normal;
  CHASQUI_LIMITS(CHASQUI_LIMIT_MEMBER)
#undef CHASQUI_LIMIT_MEMBER

  // For benches and load: rates that never bite. Printed beside each figure.
  static Limits bench() {
    Limits limits;
#define CHASQUI_LIMIT_BENCH(name, normal, bench_value, unit, reason) limits.name = bench_value;
    CHASQUI_LIMITS(CHASQUI_LIMIT_BENCH)
#undef CHASQUI_LIMIT_BENCH
    return limits;
  }
};

namespace bounds {

// Part of the protocol or of the format on disk.
constexpr std::uint64_t outbox_window = 64;          // numbers that a conversation remembers of each sending device
constexpr std::uint64_t client_unanswered_max = 64;  // sends of a device into one conversation, not yet answered
constexpr std::uint64_t edits_per_message_max = 64;  // so that a deletion, which erases them all, stays short
constexpr std::int64_t edit_window_ms = 15 * 60 * 1'000;  // of log time, after the message
constexpr std::uint64_t reaction_bytes_max = 32;
constexpr std::uint64_t sealed_reaction_bytes_max = 256;
constexpr std::uint64_t mentions_max = 50;   // in one message
constexpr std::uint64_t forwards_viral = 5;  // from here on a message goes on to one conversation at a time
constexpr std::uint64_t pins_max = 3;        // of a conversation
constexpr std::uint64_t poll_question_bytes_max = 256;
constexpr std::uint64_t poll_options_min = 2;
constexpr std::uint64_t poll_options_max = 12;
constexpr std::uint64_t poll_option_bytes_max = 100;
constexpr std::uint64_t place_name_bytes_max = 256;
constexpr std::uint64_t contact_name_bytes_max = 256;
constexpr std::uint64_t contact_phone_bytes_max = 64;
constexpr std::uint64_t timer_s_max = 366 * 86'400;     // of a conversation whose messages disappear
constexpr std::uint64_t expiries_per_command_max = 64;  // each with the edits of its message: an apply stays short
constexpr std::uint64_t hidden_ranges_max = 256;        // of a user, in one conversation: "delete for me"
constexpr std::uint64_t watched_max = 64;               // users that one session watches
constexpr std::uint64_t watch_ms = 60'000;              // that a Watch holds
constexpr std::uint64_t watch_again_ms = 30'000;        // that a client says it again after
constexpr std::uint64_t typing_ms = 6'000;              // that a Typing holds
constexpr std::uint64_t typing_again_ms = 3'000;        // that a client says it again after
constexpr std::uint64_t chain_checkpoint_events = 64;   // each such event carries the chain
constexpr std::uint64_t secret_bytes = 32;
constexpr std::uint64_t digest_bytes = 32;
constexpr std::uint64_t nonce_bytes = 16;
constexpr std::uint64_t payload_overhead_bytes_max = 1'024;  // of a Payload over its content: nonce, mentions, votes
constexpr std::uint64_t marks_asked_max = 64;                // conversations in one Marks request
constexpr std::uint64_t own_unread_kept = 64;  // own messages of a member above the read mark: core/shard/counts.h
constexpr std::uint64_t mentions_unread_kept = 256;  // of a member; more are not counted
constexpr std::uint64_t receipt_steps_kept = 16;     // of each mark of a member: when it passed what
constexpr std::uint64_t receipt_names_max = 32;      // members of a group whose receipts name them; above: counts
constexpr std::uint64_t receipt_events_max = 256;    // that marks have passed and whose senders are looked for
constexpr std::uint64_t receipt_counted_max = 64;    // messages of a large group that are counted at a time
constexpr std::uint64_t receipt_groups_max = 4'096;  // of a shard, with receipts that wait; above: members ask
constexpr std::uint64_t former_listed_max = 1'024;   // former members that an admin is told of
constexpr std::uint64_t peer_frame_bytes_max = 4 * 1024 * 1024;
constexpr std::uint64_t peer_queue_bytes_max = 64 * 1024 * 1024;  // frames that wait for one peer
constexpr std::uint64_t peer_queue_raft_bytes_max = 48 * 1024 * 1024;
constexpr std::uint64_t outbox_messages_max = 10'000;  // that a client keeps unsent
constexpr std::uint64_t shards_max = 65'536;
constexpr std::uint64_t group_members_max = 1'024;     // above: FAILED_PRECONDITION
constexpr std::uint64_t group_title_points_max = 128;  // code points; above: INVALID_ARGUMENT
constexpr std::uint64_t group_description_bytes_max = 1'024;
constexpr std::uint64_t group_picture_bytes = 16;  // a blob's id
constexpr std::uint64_t group_banned_max = 1'024;  // at it: FAILED_PRECONDITION, lift a ban first
constexpr std::uint64_t group_links_max = 10;      // at it: FAILED_PRECONDITION, revoke one first
constexpr std::uint64_t group_requests_max = 100;  // at it: the oldest one is forgotten
constexpr std::uint64_t group_invited_max = 100;   // at it: the oldest one is forgotten
constexpr std::uint64_t gates_max = 10'000;        // users that one has accepted or blocked; at it: FAILED_PRECONDITION
constexpr std::uint64_t group_link_secret_bytes = 16;
constexpr std::uint64_t member_intervals_max = 8;  // of one member; above: the oldest is forgotten

static_assert(watch_again_ms < watch_ms && typing_again_ms < typing_ms, "what is said again has not ended");
static_assert(client_unanswered_max <= outbox_window, "a retry of every unanswered send must still find its answer");

}  // namespace bounds
}  // namespace chasqui
