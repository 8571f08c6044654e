#include "sim/invariants/i06_refused.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void Refused::see(Time at, const Fact& fact) {
  if (const auto* sent = std::get_if<MessageSent>(&fact)) {
    waiting_[{sent->device, sent->conversation, sent->number}] = sent->text;
  } else if (const auto* replaced = std::get_if<JournalReplaced>(&fact)) {
    std::erase_if(waiting_, [&](const auto& entry) { return std::get<0>(entry.first) == replaced->device; });
    for (const MessageSent& message : replaced->waiting) {
      waiting_[{message.device, message.conversation, message.number}] = message.text;
    }
  } else if (const auto* accepted = std::get_if<AcceptedHeard>(&fact)) {
    const auto it = waiting_.find({accepted->device, accepted->conversation, accepted->number});
    if (it == waiting_.end()) return;
    check(!refused_.contains(it->second), at, [&] {
      return absl::StrCat("device ", accepted->device, ": '", it->second.substr(0, 40),
                          "' was accepted after it had been refused");
    });
  } else if (const auto* refusal = std::get_if<RefusalHeard>(&fact)) {
    const auto it = waiting_.find({refusal->device, refusal->conversation, refusal->number});
    if (it == waiting_.end()) return;
    refused_.insert(it->second);
    check(!seen_.contains(it->second), at, [&] {
      return absl::StrCat("'", it->second.substr(0, 40), "' had been seen when device ", refusal->device,
                          " was told that it is refused: ", refusal->reason);
    });
  } else if (const auto* event = std::get_if<EventSeen>(&fact)) {
    seen_.insert(event->text);
    check(!refused_.contains(event->text), at, [&] {
      return absl::StrCat("device ", event->device, " was shown '", event->text.substr(0, 40), "', which was refused");
    });
  }
}

}  // namespace chasqui::sim
