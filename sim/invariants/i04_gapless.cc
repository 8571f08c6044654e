#include "sim/invariants/i04_gapless.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void Gapless::see(Time at, const Fact& fact) {
  if (const auto* answer = std::get_if<AnswerLeft>(&fact); answer != nullptr && answer->code == client::OK) {
    Seq& complete = complete_[answer->key.conversation];
    if (answer->seq <= complete) return;
    std::set<Seq>& above = given_[answer->key.conversation];
    above.insert(answer->seq);
    for (; !above.empty() && *above.begin() == complete.next(); above.erase(above.begin())) complete = complete.next();
    return;
  }
  const auto* seen = std::get_if<EventSeen>(&fact);
  if (seen == nullptr) return;
  Seq& head = head_[{seen->device, seen->conversation}];
  check(seen->seq <= head.next(), at, [&] {
    return absl::StrCat("device ", seen->device, " was shown ", seen->conversation.hex(), " seq ", seen->seq.value(),
                        ", but has seen only up to ", head.value());
  });
  if (seen->seq > head) head = seen->seq;
}

// All has healed by now, or the time to heal is over: a message that waits this long for its answer is I23's.
void Gapless::finish(Time at) {
  for (const auto& [conversation, above] : given_) {
    check(above.empty(), at, [&] {
      return absl::StrCat(conversation.hex(), ": seq ", above.begin()->value(), " was given, but not ",
                          complete_[conversation].next().value());
    });
  }
}

}  // namespace chasqui::sim
