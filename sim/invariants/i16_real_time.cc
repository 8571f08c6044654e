#include "sim/invariants/i16_real_time.h"

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
  }
}

}  // namespace chasqui::sim
