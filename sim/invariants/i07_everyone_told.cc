#include "sim/invariants/i07_everyone_told.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace chasqui::sim {
namespace {

Seq up_to(const std::vector<std::pair<ConversationId, Seq>>& list, const ConversationId& conversation) {
  const auto it = std::lower_bound(list.begin(), list.end(), conversation,
                                   [](const auto& entry, const ConversationId& id) { return entry.first < id; });
  return it == list.end() || it->first != conversation ? Seq() : it->second;
}

}  // namespace

void EveryoneTold::see(Time at, const Fact& fact) {
  blocks_.see(fact);
  if (const auto* joined = std::get_if<DeviceJoined>(&fact)) {
    owners_[joined->device] = joined->user;
  } else if (const auto* accepted = std::get_if<AcceptedHeard>(&fact)) {
    Seq& head = heads_[accepted->conversation];
    head = std::max(head, accepted->seq);
  } else if (const auto* seen = std::get_if<EventSeen>(&fact)) {
    Seq& head = heads_[seen->conversation];
    head = std::max(head, seen->seq);
  } else if (const auto* list = std::get_if<ListSeen>(&fact)) {
    listed(at, *list);
  } else if (const auto* committed = std::get_if<EntryCommitted>(&fact)) {
    const auto moves = [](const LoggedCommand& command) {
      return std::holds_alternative<LoggedCursor>(command) || std::holds_alternative<LoggedUnparked>(command);
    };
    const auto& commands = committed->entry.commands;
    if (std::none_of(commands.begin(), commands.end(), moves)) return;
    check(model_.untold().empty(), at, [&] {
      const Model::Untold& untold = model_.untold().front();
      return absl::StrCat("shard ", committed->entry.shard.shard.value(), " of node ", committed->node,
                          " is done with seq ", untold.seq.value(), " of ", untold.conversation.hex(),
                          ", but the index of user ", untold.user.value(), " does not know it");
    });
  } else if (const auto* question = std::get_if<AuditAsked>(&fact)) {
    Asked& asked = asked_[question->audit];
    asked.node = question->node;
    if (const Model::Index* index = model_.index(question->user); index != nullptr) {
      for (const auto& [conversation, entry] : *index) asked.index.emplace_back(conversation, entry.head);
    }
  } else if (const auto* answer = std::get_if<AuditAnswered>(&fact)) {
    answered(at, *answer);
  } else if (const auto* refused = std::get_if<NodeRefused>(&fact)) {
    unserved_.insert(refused->devices.begin(), refused->devices.end());
  } else if (const auto* crashed = std::get_if<NodeCrashed>(&fact)) {
    std::erase_if(asked_, [&](const auto& asked) { return asked.second.node == crashed->node; });
  }
}

bool EveryoneTold::lacks(std::uint64_t audit, const std::map<ConversationId, Seq>& known) const {
  const auto asked = asked_.find(audit);
  if (asked == asked_.end()) return false;
  return std::any_of(asked->second.index.begin(), asked->second.index.end(), [&](const auto& entry) {
    const auto it = known.find(entry.first);
    return (it == known.end() ? Seq() : it->second) < entry.second;
  });
}

void EveryoneTold::listed(Time at, const ListSeen& list) {
  const UserId user = owners_[list.device];
  for (const auto& [conversation, all] : heads_) {
    if (!model_.has_part(conversation, user)) continue;
    const bool is_direct = !conversation.is_group();
    const Seq head = is_direct && !model_.fed() ? all : model_.last_for(conversation, user);
    const Seq known = up_to(list.heads, conversation);
    // What was withheld from this user at the end was passed over, or never heard of.
    const bool may_lack = !model_.fed() && blocks_.by_user(user, conversation);
    const bool is_right = known == head || (is_direct && (known > head || may_lack) && known <= all);
    check(is_right || (known < head && unserved_.contains(list.device)), at, [&, &id = conversation, last = head] {
      return absl::StrCat("the list of device ", list.device, " has ", id.hex(), " up to ", known.value(), " of ",
                          last.value());
    });
  }
  for (const auto& [conversation, head] : list.heads) {
    if (conversation.is_group() && !model_.fed()) continue;
    check(heads_.contains(conversation) && model_.has_part(conversation, user), at, [&, &id = conversation] {
      return absl::StrCat("the list of device ", list.device, " has ", id.hex(), ", which is not its user's");
    });
  }
}

void EveryoneTold::answered(Time at, const AuditAnswered& answer) {
  const auto it = asked_.find(answer.audit);
  if (it == asked_.end()) return;
  const auto describe = [&](const ConversationId& conversation, Seq said, const char* why) {
    return absl::StrCat("node ", answer.node, " was asked what changed for user ", answer.user.value(),
                        " since version ", answer.since.value(), " and told of ", conversation.hex(), " up to ",
                        said.value(), ": ", why);
  };
  for (const auto& [conversation, head] : it->second.index) {
    const Seq said = up_to(answer.known, conversation);
    check(said >= head, at, [&, &id = conversation, committed = head] {
      return absl::StrCat(describe(id, said, "its index had committed "), committed.value());
    });
  }
  for (const auto& [conversation, said] : answer.known) {
    if (!said) continue;  // an invitation, or somebody who was blocked and never wrote
    check(model_.has_part(conversation, answer.user), at,
          [&, &id = conversation, seq = said] { return describe(id, seq, "this user has no part in it"); });
  }
  if (answer.at_end) {
    for (const auto& [conversation, known] : model_.conversations()) {
      if (!model_.has_part(conversation, answer.user)) continue;
      const Seq said = up_to(answer.known, conversation);
      const Seq last = model_.last_for(conversation, answer.user);
      check(said == last, at, [&, &id = conversation, events = last.value()] {
        return absl::StrCat(describe(id, said, "all has settled, and there are "), events);
      });
    }
  }
  asked_.erase(it);
}

}  // namespace chasqui::sim
