#include "sim/invariants/i14_membership.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void Membership::see(Time at, const Fact& fact) {
  if (const auto* joined = std::get_if<DeviceJoined>(&fact)) {
    owners_[joined->device] = joined->user;
  } else if (const auto* seen = std::get_if<EventSeen>(&fact)) {
    const UserId user = owners_[seen->device];
    check(!is_withheld(*seen, user), at, [&] {
      return absl::StrCat("device ", seen->device, " was shown ", seen->conversation.hex(), " seq ", seen->seq.value(),
                          ", sent after user ", user.value(), " heard that user ", seen->sender.value(), " is blocked");
    });
    if (!model_.fed()) return;
    check(model_.sees(seen->conversation, user, seen->seq), at, [&] {
      return absl::StrCat("device ", seen->device, " was shown ", seen->conversation.hex(), " seq ", seen->seq.value(),
                          ", which is not for user ", user.value());
    });
  } else if (const auto* asked = std::get_if<GateAsked>(&fact)) {
    see_gate(*asked);
  } else if (const auto* heard = std::get_if<GateHeard>(&fact)) {
    see_gate(*heard);
  } else if (const auto* sent = std::get_if<MessageSent>(&fact)) {
    see_sent(*sent);
  } else if (const auto* accepted = std::get_if<AcceptedHeard>(&fact)) {
    see_accepted(*accepted);
  } else if (const auto* told = std::get_if<EventTold>(&fact)) {
    check(model_.sees(told->conversation, told->user, told->seq), at, [&] {
      return absl::StrCat("node ", told->node, " told user ", told->user.value(), " of ", told->conversation.hex(),
                          " seq ", told->seq.value(), ", at which they were no member");
    });
  }
}

namespace {

UserId other_of(const ConversationId& conversation, UserId user) {
  return user == conversation.lower() ? conversation.higher() : conversation.lower();
}

}  // namespace

// What does not block may take effect whenever it is under way: then nothing is certain.
void Membership::see_gate(const GateAsked& asked) {
  const Pair pair{owners_[asked.device], asked.other};
  Gate& gate = gates_[pair];
  const Number number{asked.device, asked.request};
  asked_[number] = {pair, asked.blocks, gate.under_way.empty(), gate.others};
  if (asked.blocks) return;
  ++gate.others;
  gate.under_way.insert(number);
  gate.in_force = false;
  gate.sent.clear();
}

void Membership::see_gate(const GateHeard& heard) {
  const auto asked = asked_.find({heard.device, heard.request});
  if (asked == asked_.end() || !heard.ok) return;
  Gate& gate = gates_[asked->second.pair];
  if (!asked->second.blocks) {
    gate.under_way.erase(asked->first);
  } else if (heard.in_force && asked->second.is_certain && asked->second.others == gate.others) {
    gate.in_force = true;
  }
}

void Membership::see_sent(const MessageSent& sent) {
  const UserId sender = owners_[sent.device];
  if (!sent.conversation.has_direct_member(sender)) return;
  const auto gate = gates_.find({other_of(sent.conversation, sender), sender});
  if (gate == gates_.end() || !gate->second.in_force) return;
  gate->second.sent[{sent.device, sent.number.value()}] = sent.text;
}

void Membership::see_accepted(const AcceptedHeard& accepted) {
  const UserId sender = owners_[accepted.device];
  if (!accepted.conversation.has_direct_member(sender)) return;
  const auto gate = gates_.find({other_of(accepted.conversation, sender), sender});
  if (gate == gates_.end()) return;
  const auto sent = gate->second.sent.find({accepted.device, accepted.number.value()});
  if (sent == gate->second.sent.end()) return;
  gate->second.accepted.insert(sent->second);
  gate->second.sent.erase(sent);
}

bool Membership::is_withheld(const EventSeen& seen, UserId reader) const {
  if (seen.conversation.is_group() || seen.sender == reader || seen.text.empty()) return false;
  const auto gate = gates_.find({reader, seen.sender});
  if (gate == gates_.end()) return false;
  if (gate->second.accepted.contains(seen.text)) return true;
  return std::any_of(gate->second.sent.begin(), gate->second.sent.end(),
                     [&](const auto& sent) { return sent.second == seen.text; });
}

}  // namespace chasqui::sim
