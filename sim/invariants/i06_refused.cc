#include "sim/invariants/i06_refused.h"

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"

namespace chasqui::sim {

void Refused::forget_strangers(std::uint32_t device) {
  for (const std::uint64_t text : in_groups_[device]) refused_.erase(text);
  in_groups_.erase(device);
}

void Refused::see(Time at, const Fact& fact) {
  if (const auto* sent = std::get_if<MessageSent>(&fact)) {
    sent_[sent->device][{sent->conversation, sent->number}] = sent->text;
  } else if (const auto* replaced = std::get_if<JournalReplaced>(&fact)) {
    sent_.erase(replaced->device);
    forget_strangers(replaced->device);
    for (const MessageSent& message : replaced->waiting) {
      refused_.erase(xxh3_64(message.text));
      sent_[message.device][{message.conversation, message.number}] = message.text;
    }
  } else if (const auto* crashed = std::get_if<PhoneCrashed>(&fact)) {
    forget_strangers(crashed->device);
  } else if (const auto* accepted = std::get_if<AcceptedHeard>(&fact)) {
    const std::string* text = sent_[accepted->device].find({accepted->conversation, accepted->number});
    if (text == nullptr) return;
    check(!refused_.contains(xxh3_64(*text)), at, [&] {
      return absl::StrCat("device ", accepted->device, ": '", text->substr(0, 40),
                          "' was accepted after it had been refused");
    });
  } else if (const auto* refusal = std::get_if<RefusalHeard>(&fact)) {
    const std::string* text = sent_[refusal->device].find({refusal->conversation, refusal->number});
    if (text == nullptr) return;
    refused_.insert(xxh3_64(*text), {});
    const bool by_role = refusal->reason.find("PERMISSION_DENIED") != std::string::npos;
    if (by_role && refusal->conversation.is_group()) in_groups_[refusal->device].push_back(xxh3_64(*text));
    check(!seen_.contains(xxh3_64(*text)), at, [&] {
      return absl::StrCat("'", text->substr(0, 40), "' had been seen when device ", refusal->device,
                          " was told that it is refused: ", refusal->reason);
    });
  } else if (const auto* event = std::get_if<EventSeen>(&fact)) {
    if (event->erased) return;
    const std::uint64_t text = xxh3_64(event->text);
    seen_.insert(text, {});
    check(!refused_.contains(text), at, [&] {
      return absl::StrCat("device ", event->device, " was shown '", event->text.substr(0, 40), "', which was refused");
    });
  }
}

}  // namespace chasqui::sim
