#include "sim/invariants/i02_once_in_order.h"

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"

namespace chasqui::sim {

void OnceInOrder::see(Time at, const Fact& fact) {
  if (const auto* sent = std::get_if<MessageSent>(&fact)) {
    const std::uint64_t order = ++sent_count_[{sent->device, sent->conversation}];
    order_[{sent->conversation, xxh3_64(sent->text)}] = {sent->device, order};
  } else if (const auto* crashed = std::get_if<PhoneCrashed>(&fact)) {
    // What was seen above the durable mark may be seen again.
    for (auto it = last_.lower_bound({crashed->device, ConversationId()});
         it != last_.end() && it->first.first == crashed->device; ++it) {
      it->second = Seq();
    }
    for (const auto& [conversation, seq] : crashed->shown) last_[{crashed->device, conversation}] = seq;
  } else if (const auto* seen = std::get_if<EventSeen>(&fact)) {
    Seq& last = last_[{seen->device, seen->conversation}];
    check(seen->seq > last, at, [&] {
      return absl::StrCat("device ", seen->device, " was shown ", seen->conversation.hex(), " seq ", seen->seq.value(),
                          " after ", last.value());
    });
    last = seen->seq;
    const auto it = order_.find({seen->conversation, xxh3_64(seen->text)});
    if (it == order_.end()) return;  // I3's matter
    const auto [sender, order] = it->second;
    auto& placed = placed_[{seen->conversation, sender}];
    const auto [place, fresh] = placed.try_emplace(seen->seq.value(), order);
    if (!fresh) return;
    const bool above = place == placed.begin() || std::prev(place)->second < order;
    const bool under = std::next(place) == placed.end() || order < std::next(place)->second;
    check(above && under, at, [&] {
      return absl::StrCat(seen->conversation.hex(), " seq ", seen->seq.value(), ": message ", order, " of device ",
                          sender, " stands out of the order of sending, or twice");
    });
  }
}

}  // namespace chasqui::sim
