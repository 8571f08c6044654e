// The history of a run, as facts: what devices did and saw, and what was tapped at nodes. All that invariants read.
//
// D facts speak of devices only, so the same judges can read the history of real processes. T facts are taps at nodes.
// A device is named by its number in the run, which outlives its device ids. Message texts are unique in a run, so a
// text names its message.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "core/base/now.h"
#include "proto/client.pb.h"
#include "sim/event_queue.h"

namespace chasqui::sim {

// ------------------------------------------------------------------------------------------------------------- D facts

struct DeviceJoined {  // it has an account; again when it gets another device id
  std::uint32_t device = 0;
  UserId user;
  DeviceId id;
};
struct MessageSent {  // the client took it into its outbox
  std::uint32_t device = 0;
  ConversationId conversation;
  OutboxSeq number;
  std::string text;
};
struct MessageForgotten {  // the phone crashed before its journal had it: it must never have left
  std::uint32_t device = 0;
  ConversationId conversation;
  std::string text;
};
struct AcceptedHeard {
  std::uint32_t device = 0;
  ConversationId conversation;
  OutboxSeq number;
  Seq seq;
  LogTime time;
};
struct RefusalHeard {  // final
  std::uint32_t device = 0;
  ConversationId conversation;
  OutboxSeq number;
  std::string reason;
};
struct EventSeen {  // the application got it
  std::uint32_t device = 0;
  ConversationId conversation;
  Seq seq;
  LogTime time;
  UserId sender;
  DeviceId sender_device;
  std::string text;
  bool digest_right = true;  // it is that of the payload
};
struct PhoneCrashed {  // its application starts anew, and knows as shown only what its journal had synced
  std::uint32_t device = 0;
  std::vector<std::pair<ConversationId, Seq>> shown;  // ascending
};
struct MarksHeard {
  std::uint32_t device = 0;
  ConversationId conversation;
  UserId user;  // whose marks
  Seq delivered;
  Seq read;
};
struct ReadByPerson {
  std::uint32_t device = 0;
  ConversationId conversation;
  Seq seq;
};
struct Healed {      // no fault from now on, nothing new is sent
  Time backlog = 0;  // how long the rate limits alone make it take until all has arrived
};
struct Settled {};   // everything has arrived everywhere
struct NotSettled {  // not in time
  std::string missing;
};

// ------------------------------------------------------------------------------------------------------------- T facts

struct SendKey {  // sending once, as the node knows it
  ConversationId conversation;
  UserId sender;
  DeviceId device;
  OutboxSeq number;
  friend auto operator<=>(const SendKey&, const SendKey&) = default;
};
struct AppendHandedOut {
  std::uint32_t node = 0;
  AppendId id;
  std::vector<SendKey> sends;  // in its entries
};
struct AppendDurable {  // all up to `id`
  std::uint32_t node = 0;
  AppendId id;
};
struct NodeCrashed {  // all up to `survived` is on its disk
  std::uint32_t node = 0;
  AppendId survived;
};
struct AnswerLeft {  // to a Send; code: of the refusal, OK: accepted
  std::uint32_t node = 0;
  SendKey key;
  client::Code code{};
  Seq seq;
  LogTime time;  // 0: it does not say
};
struct MarksLeft {  // told unasked: how far `user` has the conversation
  std::uint32_t node = 0;
  SessionId session;
  ConversationId conversation;
  UserId user;
  Seq delivered;
  Seq read;
};
struct RequestTaken {  // by step; one that must be answered
  std::uint32_t node = 0;
  SessionId session;
  std::uint64_t request_id = 0;
};
struct RequestAnswered {
  std::uint32_t node = 0;
  SessionId session;
  std::uint64_t request_id = 0;
};
struct SessionOver {  // closed by either side
  std::uint32_t node = 0;
  SessionId session;
};
struct NodeHindered {  // it stands still, or its disk does, for so long from now on
  std::uint32_t node = 0;
  Time length = 0;
};
struct ContractBroken {  // an output that is not legal, input that was not survived
  std::uint32_t node = 0;
  std::string what;
};

struct NodeStarted {  // it found its disk in order
  std::uint32_t node = 0;
  std::string lost;  // what it had acknowledged and is gone, as the world knows; empty: nothing
};
struct NodeRefused {  // it said DATA_LOSS and did not start: for good, since nobody restores it
  std::uint32_t node = 0;
  std::string why;
  std::vector<std::uint32_t> devices;  // that live at it
};

using Fact = std::variant<DeviceJoined, MessageSent, MessageForgotten, AcceptedHeard, RefusalHeard, EventSeen,
                          PhoneCrashed, MarksHeard, ReadByPerson, Healed, Settled, NotSettled, AppendHandedOut,
                          AppendDurable, NodeCrashed, AnswerLeft, RequestTaken, RequestAnswered, SessionOver,
                          NodeHindered, ContractBroken, MarksLeft, NodeStarted, NodeRefused>;

}  // namespace chasqui::sim
