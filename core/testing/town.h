// A small town on three nodes: two people, their conversation, and the frames that they send. For tests of the cluster.
#pragma once

#include <algorithm>
#include <string>

#include "core/base/keys.h"
#include "core/testing/nodes.h"

namespace chasqui::testing {

inline std::string payload(const std::string& text) {
  client::Payload payload;
  payload.set_nonce(std::string(16, 'n'));
  payload.set_text(text);
  return payload.SerializeAsString();
}

inline client::ClientFrame send(std::uint64_t outbox_seq, const ConversationId& conversation) {
  client::ClientFrame frame;
  frame.set_request_id(100 + outbox_seq);
  frame.mutable_send()->set_conversation(conversation.str());
  frame.mutable_send()->set_outbox_seq(outbox_seq);
  frame.mutable_send()->set_payload(payload("hola"));
  return frame;
}

inline client::ClientFrame ack(const ConversationId& conversation, std::uint64_t delivered) {
  client::ClientFrame frame;
  frame.mutable_ack()->set_conversation(conversation.str());
  frame.mutable_ack()->set_delivered_seq(delivered);
  frame.mutable_ack()->set_read_seq(delivered);
  frame.mutable_ack()->set_history_epoch(1);
  return frame;
}

struct Town {
  Nodes world{3};
  Login ana = world.provision("ana", 1);
  Login beto = world.provision("beto", 2);
  ConversationId both = ConversationId::direct(ana.user, beto.user);
  ShardId of_both = shard_of(both, world.shards());
  ShardId of_beto = shard_of(beto.user, world.shards());

  // The highest head of `both` that this session knows of.
  std::uint64_t head(const Client& client) {
    std::uint64_t head = 0;
    for (const client::ServerFrame& frame : world.received(client)) {
      if (frame.has_head()) head = std::max(head, frame.head().seq());
      if (frame.has_push()) head = std::max(head, frame.push().event().seq());
      for (const auto& entry : frame.hello().sync().entries()) head = std::max(head, entry.head());
    }
    return head;
  }
  std::size_t rows(std::size_t node, ShardId shard, keys::Kind kind) {
    std::size_t rows = 0;
    for (const auto& [key, value] : world.store(node).rows()) {
      const auto parsed = keys::parse(key);
      if (parsed && parsed->shard == shard && parsed->kind == kind) ++rows;
    }
    return rows;
  }
  // A node other than these.
  std::size_t other_than(std::size_t a, std::size_t b = 0) const {
    for (std::size_t i = 1; i <= 3; ++i) {
      if (i != a && i != b) return i;
    }
    return 0;
  }
};

}  // namespace chasqui::testing
