#include "sim/invariants/i05_one_answer.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

bool is_final(client::Code code) {
  return code != client::UNAVAILABLE && code != client::ABORTED && code != client::RESOURCE_EXHAUSTED &&
         code != client::DEADLINE_EXCEEDED && code != client::OUT_OF_RANGE && code != client::ALREADY_EXISTS &&
         code != client::UNAUTHENTICATED;
}

void OneAnswer::see(Time at, const Fact& fact) {
  if (const auto* heard = std::get_if<AcceptedHeard>(&fact)) {
    const auto [it, fresh] = heard_.try_emplace({heard->device, heard->conversation, heard->number}, heard->seq);
    // A number whose message a phone crash forgot is used again; its seq is then above all before it.
    check(fresh || it->second == heard->seq, at, [&] {
      return absl::StrCat("device ", heard->device, " was told seq ", it->second.value(), " and then ",
                          heard->seq.value(), " for its message ", heard->number.value(), " in ",
                          heard->conversation.hex());
    });
    return;
  }
  if (const auto* replaced = std::get_if<JournalReplaced>(&fact)) {  // its numbers are others' from now on
    std::erase_if(heard_, [&](const auto& entry) { return std::get<0>(entry.first) == replaced->device; });
    return;
  }
  const auto* left = std::get_if<AnswerLeft>(&fact);
  if (left == nullptr || !is_final(left->code)) return;
  // Who was never a member takes no number.
  if (left->code != client::OK && !left->key.conversation.has_direct_member(left->key.sender)) return;
  const auto describe = [&](const char* why) {
    return absl::StrCat("node ", left->node, " answered user ", left->key.sender.value(), " device ",
                        left->key.device.value(), " number ", left->key.number.value(), " in ",
                        left->key.conversation.hex(), " with seq ", left->seq.value(), " code ",
                        static_cast<int>(left->code), ": ", why);
  };
  const auto [it, fresh] = answers_.try_emplace(left->key, Answer{left->code, left->seq, left->time});
  if (!fresh) {
    Answer& first = it->second;
    check(first.code == left->code && first.seq == left->seq, at,
          [&] { return describe("the first answer was another"); });
    check(first.time.ms == 0 || left->time.ms == 0 || first.time == left->time, at,
          [&] { return describe("the first answer told another time"); });
    if (first.time.ms == 0) first.time = left->time;
    return;
  }
  if (left->code != client::OK) return;
  // Neighbours that were accepted stand on the right side.
  const auto same_sender = [&](const SendKey& key) {
    return key.conversation == left->key.conversation && key.sender == left->key.sender &&
           key.device == left->key.device;
  };
  for (auto before = it; before != answers_.begin();) {
    --before;
    if (!same_sender(before->first)) break;
    if (before->second.code != client::OK) continue;
    check(before->second.seq < left->seq, at, [&] { return describe("it overtook an earlier number"); });
    break;
  }
  for (auto after = std::next(it); after != answers_.end() && same_sender(after->first); ++after) {
    if (after->second.code != client::OK) continue;
    check(left->seq < after->second.seq, at, [&] { return describe("a later number overtook it"); });
    break;
  }
}

}  // namespace chasqui::sim
