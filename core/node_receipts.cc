// How sessions anywhere are told of marks: of a member's that moved, and that an ack is committed.
#include "core/node_impl.h"

namespace chasqui {

// Not kept anywhere: what is lost under way is asked for by the device after its next Hello.
void Node::Impl::tell_receipt(Now now, UserId to, const client::Receipt& receipt, Outputs& out) {
  const router::Route route = router_.of_user(to);
  if (route.here) return tell_receipt_here(now, shard_at(route.shard), to, receipt, out);
  if (!route.leader) return;
  std::vector<peer::PeerFrame>& frames = to_peer(route.leader).others;
  if (frames.empty() || !frames.back().has_receipts() || frames.back().receipts().items_size() >= 1024) {
    frames.emplace_back();
  }
  peer::ReceiptItem& item = *frames.back().mutable_receipts()->add_items();
  item.set_to_user(to.value());
  item.set_conversation(receipt.conversation());
  item.set_user(receipt.user());
  item.set_delivered(receipt.delivered_seq());
  item.set_read(receipt.read_seq());
}

void Node::Impl::tell_receipt_here(Now now, Shard& shard, UserId to, const client::Receipt& receipt, Outputs& out) {
  for (const NodeId node : shard.registry.nodes_of(to)) {
    if (node == config_.node) {
      gateway_.receipt(now, to, receipt, out);
    } else {
      new_tell(shard, node, to).set_receipt(receipt.SerializeAsString());
    }
  }
}

void Node::Impl::tell_acked(Now now, UserId user, const fanout::AckOrigin& ack, client::ServerFrame& frame,
                            Outputs& out) {
  if (ack.node == config_.node) return gateway_.acked(now, ack.session, ack.request_id, frame, out);
  if (!ack.node) return;
  peer::AckedFrame& acked = *to_peer(ack.node).answers.add_answers()->mutable_acked();
  acked.set_session(ack.session.value());
  acked.set_user(user.value());
  acked.set_request_id(ack.request_id);
  acked.set_frame(frame.SerializeAsString());
}

}  // namespace chasqui
