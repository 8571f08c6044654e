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
    Seq& first = heard_[heard->device][{heard->conversation, heard->number}];
    const bool fresh = !first;
    if (fresh) first = heard->seq;
    // A number whose message a phone crash forgot is used again; its seq is then above all before it.
    check(fresh || first == heard->seq, at, [&] {
      return absl::StrCat("device ", heard->device, " was told seq ", first.value(), " and then ", heard->seq.value(),
                          " for its message ", heard->number.value(), " in ", heard->conversation.hex());
    });
    return;
  }
  if (const auto* replaced = std::get_if<JournalReplaced>(&fact)) {  // its numbers are others' from now on
    heard_.erase(replaced->device);
    return;
  }
  const auto* left = std::get_if<AnswerLeft>(&fact);
  if (left == nullptr || !is_final(left->code)) return;
  // Who was never a member takes no number.
  const bool is_group = left->key.conversation.is_group();
  if (left->code != client::OK && !is_group && !left->key.conversation.has_direct_member(left->key.sender)) return;
  if (left->code == client::PERMISSION_DENIED && is_group) return;  // as a stranger, or under a number: it does not say
  const auto describe = [&](const char* why) {
    return absl::StrCat("node ", left->node, " answered user ", left->key.sender.value(), " device ",
                        left->key.device.value(), " number ", left->key.number.value(), " in ",
                        left->key.conversation.hex(), " with seq ", left->seq.value(), " code ",
                        static_cast<int>(left->code), ": ", why);
  };
  auto& answers = answers_[{left->key.conversation, left->key.sender, left->key.device}];
  if (answers.empty()) senders_.emplace_back(left->key.conversation, left->key.sender, left->key.device);
  const auto [it, fresh] = answers.try_emplace(left->key.number, Answer{left->code, left->seq, left->time});
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
  for (auto before = it; before != answers.begin();) {
    --before;
    if (before->second.code != client::OK) continue;
    check(before->second.seq < left->seq, at, [&] { return describe("it overtook an earlier number"); });
    break;
  }
  for (auto after = std::next(it); after != answers.end(); ++after) {
    if (after->second.code != client::OK) continue;
    check(left->seq < after->second.seq, at, [&] { return describe("a later number overtook it"); });
    break;
  }
}

// By now every entry is known: the answers that left are those that the log gives. A refusal may have come from who saw
// the command before it reached the log; then the log must not have taken it.
void OneAnswer::finish(Time at) {
  if (model_ == nullptr || !model_->fed()) return;
  for (const Sender& sender : senders_) {
    const auto& [conversation, user, device] = sender;
    for (const auto& [number, given] : answers_[sender]) {
      const Model::Answer* right = model_->answer(conversation, user, device, number);
      const bool holds = given.code == client::OK
                             ? right != nullptr && right->code == client::OK && right->seq == given.seq &&
                                   (given.time.ms == 0 || given.time == right->time)
                             : right == nullptr || right->code == given.code;
      check(holds, at, [&, &id = conversation, who = user, from = device, n = number, &answer = given] {
        return absl::StrCat(
            "user ", who.value(), " device ", from.value(), " was answered seq ", answer.seq.value(), " code ",
            static_cast<int>(answer.code), " to number ", n.value(), " in ", id.hex(), ", and the log says ",
            right == nullptr ? std::string("nothing")
                             : absl::StrCat("seq ", right->seq.value(), " code ", static_cast<int>(right->code)));
      });
    }
  }
}

}  // namespace chasqui::sim
