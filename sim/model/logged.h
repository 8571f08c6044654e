// What the model is fed with: one entry of a shard's log, as commands, decoded from its bytes (proto/log.proto).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "core/base/now.h"
#include "proto/client.pb.h"
#include "proto/log.pb.h"

namespace chasqui::sim {

struct LoggedStance {        // what a user has said of the other, as of an entry of the user's shard
  std::uint32_t stance = 0;  // a state.Stance
  std::uint64_t version = 0;
};
struct LoggedSend {
  ConversationId conversation;
  UserId sender;
  DeviceId device;
  OutboxSeq number;
  std::string digest;
  std::uint32_t refused = 0;     // a client.Code; 0: it is to be stored
  std::uint32_t about_kind = 0;  // a client.About.Kind
  Seq about = {};
  std::uint32_t poll_options = 0;
  std::uint32_t poll_choices_max = 0;
  std::uint32_t votes = 0;
  std::uint32_t vote_highest = 0;
  std::optional<std::uint32_t> timer_s;
  std::string nonce;  // of the payload, which is found on no disk once it is erased
  std::optional<client::GroupChange> change = std::nullopt;
  std::vector<UserId> mentions = {};
  std::optional<LoggedStance> recipient = std::nullopt;  // as the other's shard said when it was asked
  std::set<UserId> not_added = {};                       // of those whom the change adds
  Seq known = {};                                        // of a group, as the device said
};
struct LoggedDue {  // of an Expire
  ConversationId conversation;
  Seq seq;
  std::int64_t expires_ms = 0;
};
struct LoggedHide {
  UserId user;
  ConversationId conversation;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};
struct LoggedMark {
  ConversationId conversation;
  UserId user;
  Seq delivered;
  Seq read;
  bool read_is_private = false;  // the user has read receipts off
};
struct LoggedNotice {  // another shard tells a user's index
  UserId user;
  ConversationId conversation;
  Seq head;
  Seq read;
  bool opened = false;
  Seq invited = {};
  std::optional<LoggedStance> stance = std::nullopt;  // for the conversation, not the index
};
struct LoggedGate {  // a user says something of another
  UserId user;
  UserId other;
  std::uint32_t stance = 0;
};
struct LoggedCursor {  // all that the shard owed others up to this index has taken effect there
  RaftIndex index;
};
struct LoggedParked {  // set aside for a user whose shard is silent: the cursor may pass it
  UserId user;
  ConversationId conversation;
  Seq head;
};
struct LoggedUnparked {  // that has taken effect there now
  UserId user;
  ConversationId conversation;
  Seq head;
};
using LoggedCommand = std::variant<LoggedSend, LoggedMark, LoggedNotice, LoggedCursor, LoggedParked, LoggedUnparked,
                                   LoggedDue, LoggedHide, LoggedGate>;

// A shard of one of the world's clusters, each of which counts its shards from 0.
struct LoggedShard {
  std::uint32_t cluster = 0;
  ShardId shard;
  friend auto operator<=>(const LoggedShard&, const LoggedShard&) = default;
};
struct LoggedEntry {
  LoggedShard shard;
  RaftIndex index;
  LogTime time;
  std::vector<LoggedCommand> commands;  // those that the model knows, in their order
};

// `kept` is memory that is used again. Bytes that are no entry give one without commands.
[[nodiscard]] LoggedEntry decode_entry(LoggedShard shard, RaftIndex index, std::string_view bytes, log::Entry& kept);

}  // namespace chasqui::sim
