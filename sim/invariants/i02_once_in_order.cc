#include "sim/invariants/i02_once_in_order.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"

namespace chasqui::sim {

void OnceInOrder::put_in_order(const MessageSent& sent) {
  const Sender sender{sent.device, life_[sent.device]};
  const std::uint64_t order = ++sent_count_[{sent.conversation, sender}];
  order_[{sent.conversation, xxh3_64(sent.text)}].emplace_back(sender, order);
  texts_[{sent.device, sent.conversation, sent.number}] = xxh3_64(sent.text);
}

// A device that is restored sends it once more, as if for the first time, and what forbade it may be over by then: who
// was no member of a group may be one, what it is about may be there. Its old place in the order is void.
void OnceInOrder::forget_place(const RefusalHeard& refusal) {
  const std::uint64_t* text = texts_.find({refusal.device, refusal.conversation, refusal.number});
  if (text != nullptr) order_.erase({refusal.conversation, *text});
}

// What was seen above may be seen again.
void OnceInOrder::know_as_shown(std::uint32_t device, const std::vector<std::pair<ConversationId, Seq>>& shown) {
  auto& last = last_[device];
  last.clear();
  for (const auto& [conversation, seq] : shown) last[conversation] = seq;
}

bool OnceInOrder::is_of_an_earlier_life(const Sender& sender, const EventSeen& seen) const {
  const auto begun = begun_.find(sender);
  if (begun == begun_.end()) return false;
  const auto top = begun->second.find(seen.conversation);
  return top != begun->second.end() && seen.seq <= top->second;
}

void OnceInOrder::see(Time at, const Fact& fact) {
  if (const auto* sent = std::get_if<MessageSent>(&fact)) {
    put_in_order(*sent);
  } else if (const auto* refusal = std::get_if<RefusalHeard>(&fact)) {
    forget_place(*refusal);
  } else if (const auto* crashed = std::get_if<PhoneCrashed>(&fact)) {
    know_as_shown(crashed->device, crashed->shown);
  } else if (const auto* replaced = std::get_if<JournalReplaced>(&fact)) {
    know_as_shown(replaced->device, replaced->shown);
    ++life_[replaced->device];
    begun_[{replaced->device, life_[replaced->device]}] = top_;
    for (const MessageSent& waiting : replaced->waiting) put_in_order(waiting);
  } else if (const auto* seen = std::get_if<EventSeen>(&fact)) {
    Seq& last = last_[seen->device][seen->conversation];
    check(seen->seq > last, at, [&] {
      return absl::StrCat("device ", seen->device, " was shown ", seen->conversation.hex(), " seq ", seen->seq.value(),
                          " after ", last.value());
    });
    last = seen->seq;
    if (seen->erased) return;
    const auto* known = order_.find({seen->conversation, xxh3_64(seen->text)});
    if (known == nullptr) return;  // I3's matter
    Seq& top = top_[seen->conversation];
    top = std::max(top, seen->seq);
    for (const auto& [sender, order] : *known) {
      if (is_of_an_earlier_life(sender, *seen)) continue;
      auto& placed = placed_[{seen->conversation, sender}];
      const auto [place, fresh] = placed.try_emplace(seen->seq.value(), order);
      if (!fresh) continue;
      const bool above = place == placed.begin() || std::prev(place)->second < order;
      const bool under = std::next(place) == placed.end() || order < std::next(place)->second;
      check(above && under, at, [&, device = sender.first, message = order] {
        return absl::StrCat(seen->conversation.hex(), " seq ", seen->seq.value(), ": message ", message, " of device ",
                            device, " stands out of the order of sending, or twice");
      });
    }
  }
}

}  // namespace chasqui::sim
