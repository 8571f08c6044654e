// Everything that goes into core::Node::step and everything that comes out.
//
// Input: told by the owner (the reactor in production, the world in the simulator). Every input is legal at any time.
// Output: to be carried out by the owner, in any order but for those to one session, to one peer, and log appends,
// which keep theirs. Note: something worth a log line or a counter; never content, tokens or passwords.
// Each of them as one line of text: describe.h.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/log_image.h"
#include "core/store.h"

namespace chasqui {

// ---------------------------------------------------------------------------------------------------------- inputs

struct Tick {};  // next_deadline() has come (or not: a spurious one changes nothing)

struct SessionOpened {  // a WebSocket stands
  SessionId session;
  Address address{};
};
struct SessionFrame {  // one binary message of it, at most websocket_message_bytes_max
  SessionId session;
  std::string bytes;  // a client.ClientMessage
};
struct SessionWritable {  // so many bytes of frames that were handed out have left
  SessionId session;
  std::uint64_t bytes = 0;
};
struct SessionClosed {  // by whomever; nothing more comes from it
  SessionId session;
};

// An HTTP request for an account. The password stays with the owner, which hashes or verifies it when told to.
struct CreateAccountCall {
  std::string handle;  // as typed; folded and checked by the core
  std::string device_name;
  std::string secret_hash;  // 32 bytes
};
struct LoginCall {
  std::string handle;
  std::string device_name;
  std::string secret_hash;
};
// A user in bulk, from the admin socket: no password, no rate limit.
struct ProvisionCall {
  std::string handle;
  std::string device_name;
  std::string secret_hash;
};
struct HttpCall {
  CallId call;
  Address address{};
  std::variant<CreateAccountCall, LoginCall, ProvisionCall> body;
};
struct PasswordHashed {  // answer to PasswordWork
  CallId call;
  enum class Result : std::uint8_t { Done, Wrong, Overloaded } result = Result::Done;
  std::string credential;  // of a Hash that is Done
};
struct CallAbandoned {  // nobody waits for the answer any more
  CallId call;
};

struct PeerFrame {
  NodeId from;
  std::string bytes;  // a peer.PeerFrame
};
struct PeerReachable {
  NodeId node;
};
struct PeerUnreachable {
  NodeId node;
  bool is_dead = false;  // its process is known to be gone, not merely silent
};

struct LogAppended {  // all appends up to `id` are synced
  AppendId id;
};
struct ReadDone {
  ReadId read;
  std::vector<RangeResult> results;  // one for each range asked
};
struct StoreFlushed {  // the store's state up to these applied indices survives a crash
  struct Shard {
    ShardId shard;
    RaftIndex applied;
  };
  std::vector<Shard> shards;
};
struct Pressure {  // known beforehand, so that commands are refused before they are proposed
  enum class Disk : std::uint8_t { Ok, NoUploads, NoWrites } disk = Disk::Ok;
  bool store_behind = false;  // memtables wait or L0 grows: a write would soon stall
};
struct Drain {  // the process is about to stop: send the sessions away, take no new ones
};

// Answers to the outputs of a stream (below), each to one of them. A stream that was closed is answered for no more, or
// once: it is ignored.
struct StreamRowsRead {
  StreamId stream;
  RangeResult result;
};
struct StreamRowsWritten {
  StreamId stream;
};
struct StreamIngested {  // the shard's rows are those that were staged, whatever happens from now on
  StreamId stream;
};

using Input = std::variant<Tick, SessionOpened, SessionFrame, SessionWritable, SessionClosed, HttpCall, PasswordHashed,
                           CallAbandoned, PeerFrame, PeerReachable, PeerUnreachable, LogAppended, ReadDone,
                           StoreFlushed, Pressure, Drain, StreamRowsRead, StreamRowsWritten, StreamIngested>;

// --------------------------------------------------------------------------------------------------------- outputs

// A serialized client.ServerMessage with one or more frames. Such messages may be concatenated: what one loop iteration
// has for a session leaves as one WebSocket message (as long as it stays under websocket_message_bytes_max).
struct SessionSend {
  SessionId session;
  std::string bytes;
};
struct SessionClose {  // once what was sent before has left; SessionClosed need not follow, but may
  SessionId session;
  std::uint16_t code = 1000;  // WebSocket close code
  std::string reason;         // at most 120 bytes
};
struct SessionRead {  // stop or go on reading this session's socket
  SessionId session;
  bool on = true;
};

struct PasswordWork {
  CallId call;
  enum class Kind : std::uint8_t { Hash, Verify } kind = Kind::Hash;
  std::string credential;  // to verify against; empty: there is none, take as long as if there were and say Wrong
};
struct HttpAnswer {
  CallId call;
  std::uint32_t code = 0;  // a client.Code; 0: done
  std::string message;     // of a refusal
  std::uint32_t retry_after_ms = 0;
  UserId user;  // when done
  DeviceId device;
  std::string handle;  // folded
};

struct PeerSend {
  NodeId to;
  std::string bytes;
};
// LogAppend: log_image.h
struct Read {  // from a snapshot of the store that holds all writes made before this output was handed out
  ReadId read;
  std::vector<RangeRead> ranges;
};

// A shard's state on its way to another node: a snapshot of the store that holds all writes made before this output was
// handed out, kept until StreamClose, and read range by range.
struct StreamOpen {
  StreamId stream;
};
struct StreamRead {  // one at a time
  StreamId stream;
  RangeRead range;
};
// And on its way in: rows are staged, in the order of their keys, one output at a time. Nothing of it is seen in the
// store, and a crash forgets it, until StreamIngest puts it in the place of all rows of the range, those of `local`
// added: at once, durable, and whole or not at all.
struct StreamWrite {
  StreamId stream;
  std::vector<Row> rows;
};
struct StreamIngest {
  StreamId stream;
  std::string begin;
  std::string end;
  std::vector<Row> local;  // in the range; keys that are not staged
};
struct StreamClose {  // of either kind, also when it was ingested
  StreamId stream;
};

enum class NoteKind : std::uint8_t {
  ShardLeads,        // shard; a: term
  ShardFollows,      // shard; a: term
  ReplicaStopped,    // shard; a: code: its log and its state contradict each other, it serves no more
  EntryApplied,      // shard; a: index, b: commands
  MalformedEntry,    // shard; a: index
  SessionLoggedIn,   // session; a: user, b: device
  SessionRefused,    // session; a: code
  SessionEnded,      // session; a: GoAway reason
  SessionBehind,     // session
  SessionCaughtUp,   // session
  BadFrame,          // session
  CommandRefused,    // shard; a: code
  CommandExpired,    // shard
  FeedResent,        // shard; a: rows
  FeedParked,        // shard; a: marks for shards that are silent
  FeedUnparked,      // shard; a: of those, told
  CursorMoved,       // shard; a: index
  AccountCreated,    // a: user
  DeviceAdded,       // a: user, b: device
  LoginRefused,      // a: code
  PeerFrameDropped,  // a: node, b: reason
  PressureChanged,   // a: disk, b: store behind
  AppendsWaiting,    // a: bytes uncommitted
  Draining,          // a: sessions
  SnapshotServed,    // shard; a: node, b: parts
  SnapshotLost,      // shard; a: node, b: parts: it stood still, or the log grew past what may be kept back for it
  SnapshotWanted,    // shard; a: node, b: index
  SnapshotTaken,     // shard; a: index, b: parts
  SnapshotGivenUp,   // shard; a: node: no part came in time; it is offered anew
  DiskSlow,          // a: ms that the oldest append waits, b: shards led: they are handed over
  ReplicaDiffers,    // shard; a: index: its state is not what the log makes of it elsewhere, it serves no more
};

struct Note {
  NoteKind kind{};
  ShardId shard;
  SessionId session;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
};

using Output = std::variant<SessionSend, SessionClose, SessionRead, PasswordWork, HttpAnswer, PeerSend, LogAppend, Read,
                            Note, StreamOpen, StreamRead, StreamWrite, StreamIngest, StreamClose>;
using Outputs = std::vector<Output>;

}  // namespace chasqui
