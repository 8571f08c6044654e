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

}  // namespace chasqui::sim
