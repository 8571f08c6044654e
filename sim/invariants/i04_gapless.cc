#include "sim/invariants/i04_gapless.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

Gapless::Conversation& Gapless::conversation(const ConversationId& id) {
  if (Conversation* known = conversations_.find(id)) return *known;
  known_.push_back(id);
  return conversations_[id];
}

void Gapless::give(const ConversationId& id, Seq seq) {
  auto& [complete, above, unanswered] = conversation(id);
  if (seq <= complete) return;
  above.insert(seq);
  for (; !above.empty() && *above.begin() == complete.next(); above.erase(above.begin())) complete = complete.next();
}

void Gapless::see(Time at, const Fact& fact) {
  blocks_.see(fact);
  if (const auto* answer = std::get_if<AnswerLeft>(&fact); answer != nullptr && answer->code == client::OK) {
    return give(answer->key.conversation, answer->seq);
  }
  // Or found in the history, when all its answers were lost.
  if (const auto* heard = std::get_if<AcceptedHeard>(&fact)) return give(heard->conversation, heard->seq);
  if (const auto* joined = std::get_if<DeviceJoined>(&fact)) {
    ids_[joined->device].insert({joined->user, joined->id});
  } else if (const auto* replaced = std::get_if<JournalReplaced>(&fact)) {
    replaced_.insert(replaced->device);
    auto& heads = head_[replaced->device];
    heads.clear();
    for (const auto& [id, seq] : replaced->shown) heads[id] = seq;
  }
  const auto* seen = std::get_if<EventSeen>(&fact);
  if (seen == nullptr) return;
  if (model_ != nullptr && model_->fed()) {
    check(seen->seq <= model_->head(seen->conversation), at, [&] {
      return absl::StrCat("device ", seen->device, " was shown ", seen->conversation.hex(), " seq ", seen->seq.value(),
                          ", but the log has ", model_->head(seen->conversation).value());
    });
  }
  Conversation& there = conversation(seen->conversation);
  if (seen->seq > there.complete) there.unanswered.try_emplace(seen->seq, seen->sender, seen->sender_device);
  Seq& head = head_[seen->device][seen->conversation];
  Seq next = head.next();
  // What is not for this user is left out; what that is, the model alone knows.
  const bool is_known = model_ != nullptr && model_->fed() && !ids_[seen->device].empty();
  if (seen->conversation.is_group() || is_known || blocks_.by(seen->device, seen->conversation)) {
    next = is_known ? model_->next_for(seen->conversation, ids_[seen->device].begin()->first, head) : seen->seq;
    next = std::max(next, head);  // there may be none after what he has seen already
  }
  check(seen->seq <= std::max(head, next), at, [&] {  // what was shown may be shown again
    return absl::StrCat("device ", seen->device, " was shown ", seen->conversation.hex(), " seq ", seen->seq.value(),
                        ", but has seen only up to ", head.value());
  });
  if (seen->seq > head) head = seen->seq;
}

// All has healed by now, or the time to heal is over: a message that waits this long for its answer is I23's.
void Gapless::finish(Time at) {
  std::set<Sender> excused;
  for (const std::uint32_t device : replaced_) excused.insert(ids_[device].begin(), ids_[device].end());
  for (const ConversationId& id : known_) {
    auto& [complete, above, seen] = conversation(id);
    for (;; complete = complete.next()) {
      if (above.erase(complete.next()) > 0) continue;
      const auto it = seen.find(complete.next());
      if (above.empty() || it == seen.end() || !excused.contains(it->second)) break;
    }
    check(above.empty(), at, [&, given = &above, next = complete.next()] {
      return absl::StrCat(id.hex(), ": seq ", given->begin()->value(), " was given, but not ", next.value());
    });
  }
}

}  // namespace chasqui::sim
