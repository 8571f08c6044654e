#include "sim/invariants/i10_durable_before_said.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void DurableBeforeSaid::settle(Node& node, AppendId up_to) {
  while (!node.waiting.empty() && node.waiting.front().id <= up_to) {
    for (const SendKey& key : node.waiting.front().sends) {
      OutboxSeq& durable = node.durable[{key.conversation, key.sender, key.device}];
      if (key.number > durable) durable = key.number;
    }
    node.waiting.pop_front();
  }
}

void DurableBeforeSaid::see(Time at, const Fact& fact) {
  if (model_ != nullptr) return see_in_cluster(at, fact);
  if (const auto* handed = std::get_if<AppendHandedOut>(&fact)) {
    nodes_[handed->node].waiting.push_back(*handed);
  } else if (const auto* synced = std::get_if<AppendDurable>(&fact)) {
    settle(nodes_[synced->node], synced->id);
  } else if (const auto* crashed = std::get_if<NodeCrashed>(&fact)) {
    Node& node = nodes_[crashed->node];
    settle(node, crashed->survived);
    node.waiting.clear();
  } else if (const auto* left = std::get_if<AnswerLeft>(&fact)) {
    if (left->code != client::OK) return;
    const Node& node = nodes_[left->node];
    const OutboxSeq* durable = node.durable.find({left->key.conversation, left->key.sender, left->key.device});
    check(durable != nullptr && left->key.number <= *durable, at, [&] {
      return absl::StrCat("node ", left->node, " said accepted to user ", left->key.sender.value(), " device ",
                          left->key.device.value(), " number ", left->key.number.value(), " in ",
                          left->key.conversation.hex(), " before its disk had acknowledged the entry");
    });
  }
}

void DurableBeforeSaid::see_in_cluster(Time at, const Fact& fact) {
  if (const auto* left = std::get_if<AnswerLeft>(&fact)) {
    if (left->code != client::OK) return;
    const SendKey& key = left->key;
    const Model::Answer* answer = model_->answer(key.conversation, key.sender, key.device, key.number);
    check(answer != nullptr && answer->code == client::OK, at, [&] {
      return absl::StrCat("node ", left->node, " said accepted to user ", key.sender.value(), " device ",
                          key.device.value(), " number ", key.number.value(), " in ", key.conversation.hex(),
                          " before it was committed");
    });
  } else if (const auto* applied = std::get_if<EntryApplied>(&fact)) {
    const auto entry = [&] {
      return absl::StrCat("node ", applied->node, " applied entry ", applied->index.value(), " of shard ",
                          applied->shard.value());
    };
    check(applied->synced, at, [&] { return absl::StrCat(entry(), " before it was on its disk"); });
    check(applied->stored >= applied->needed, at, [&] {
      return absl::StrCat(entry(), ", which is on ", applied->stored, " disks, and ", applied->needed,
                          " are a majority");
    });
  } else if (const auto* vote = std::get_if<VoteLeft>(&fact)) {
    const bool kept =
        vote->durable_term > vote->term || (vote->durable_term == vote->term && vote->durable_vote == vote->candidate);
    check(kept, at, [&] {
      return absl::StrCat("node ", vote->node, " voted for replica ", vote->candidate.value(), " of shard ",
                          vote->shard.value(), " in term ", vote->term.value(), ", and its disk has a vote for ",
                          vote->durable_vote.value(), " in term ", vote->durable_term.value());
    });
  } else if (const auto* result = std::get_if<ResultLeft>(&fact)) {
    check(result->durable_last >= result->last && result->durable_term >= result->term, at, [&] {
      return absl::StrCat("node ", result->node, " said in term ", result->term.value(), " that it has shard ",
                          result->shard.value(), " up to ", result->last.value(), ", and its disk has it up to ",
                          result->durable_last.value(), " and term ", result->durable_term.value());
    });
  } else if (const auto* leader = std::get_if<LeaderSpoke>(&fact)) {
    check(leader->durable_term >= leader->term, at, [&] {
      return absl::StrCat("node ", leader->node, " leads shard ", leader->shard.value(), " in term ",
                          leader->term.value(), ", and its disk knows of term ", leader->durable_term.value());
    });
  }
}

}  // namespace chasqui::sim
