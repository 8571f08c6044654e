#include "sim/invariants/i16_real_time.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"

namespace chasqui::sim {

void RealTime::see(Time at, const Fact& fact) {
  if (const auto* sent = std::get_if<MessageSent>(&fact)) {
    const Seq floor = accepted_[sent->conversation];
    floor_[sent->device][{sent->conversation, sent->number}] = floor;
    floor_of_text_[xxh3_64(sent->text)] = floor;
  } else if (const auto* replaced = std::get_if<JournalReplaced>(&fact)) {
    floor_.erase(replaced->device);
    for (const MessageSent& message : replaced->waiting) {
      floor_[message.device][{message.conversation, message.number}] = floor_of_text_[xxh3_64(message.text)];
    }
  } else if (const auto* heard = std::get_if<AcceptedHeard>(&fact)) {
    auto& floors = floor_[heard->device];
    const Seq* floor = floors.find({heard->conversation, heard->number});
    if (floor == nullptr) return;  // I1's matter
    check(heard->seq > *floor, at, [&] {
      return absl::StrCat(heard->conversation.hex(), ": seq ", heard->seq.value(), " was sent by device ",
                          heard->device, " when seq ", floor->value(), " was already accepted");
    });
    Seq& accepted = accepted_[heard->conversation];
    if (heard->seq > accepted) accepted = heard->seq;
    floors.erase({heard->conversation, heard->number});
  } else {
    see_node(at, fact);
  }
}

void RealTime::see_node(Time at, const Fact& fact) {
  if (const auto* left = std::get_if<AnswerLeft>(&fact)) {
    if (left->code != client::OK) return;
    Seq& answered = answered_[left->key.conversation];
    answered = std::max(answered, left->seq);
  } else if (const auto* asked = std::get_if<HistoryAsked>(&fact)) {
    if (asked->conversation.is_group()) return;  // who has left is told of no later head
    asked_[{asked->node, asked->session}][asked->request_id] = answered_[asked->conversation];
  } else if (const auto* told = std::get_if<HistoryLeft>(&fact)) {
    auto& asked_there = asked_[{told->node, told->session}];
    const auto floor = asked_there.find(told->request_id);
    if (floor == asked_there.end()) return;
    check(told->head >= floor->second, at, [&] {
      return absl::StrCat("node ", told->node, " answered request ", told->request_id, " of session ",
                          told->session.value(), " with a history up to seq ", told->head.value(), ", but seq ",
                          floor->second.value(), " was accepted before it was asked");
    });
    asked_there.erase(floor);
  } else if (const auto* over = std::get_if<SessionOver>(&fact)) {
    asked_.erase({over->node, over->session});
  } else if (const auto* crashed = std::get_if<NodeCrashed>(&fact)) {
    asked_.erase(asked_.lower_bound({crashed->node, SessionId()}),
                 asked_.lower_bound({crashed->node + 1, SessionId()}));
  }
}

}  // namespace chasqui::sim
