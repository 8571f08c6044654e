#include "core/node_sizes.h"

#include <algorithm>

#include "core/node_impl.h"

namespace chasqui {

NodeSizes Node::sizes() const {
  return impl_->sizes();
}

NodeSizes Node::Impl::sizes() const {
  NodeSizes sizes;
  const gateway::Gateway::Sizes of_gateway = gateway_.sizes();
  sizes.sessions = of_gateway.sessions;
  sizes.sockets_before_hello = of_gateway.sockets_before_hello;
  sizes.session_missed_most = of_gateway.missed_most;
  sizes.session_unanswered_most = of_gateway.unanswered_most;
  sizes.gateway_rate_entries_most = of_gateway.rate_entries_most;
  sizes.account_rate_entries_most =
      std::max({registrations_.size(), logins_.size(), login_failures_.size(), first_messages_.size(), adds_.size()});
  sizes.calls = calls_.size();
  sizes.reads = reads_.size();
  sizes.bytes_in_flight = bytes_in_flight_;
  const auto most = [](std::uint64_t& size, std::uint64_t of_shard) { size = std::max(size, of_shard); };
  for (const auto& shard : shards_) {
    if (shard == nullptr) continue;
    most(sizes.shard_waiting_commands_most, shard->batch.size());
    most(sizes.shard_waiting_bytes_most, shard->batch.bytes());
    most(sizes.shard_entries_most, shard->in_flight.size());
    most(sizes.feed_outstanding_most, shard->feed.outstanding());
    most(sizes.notify_marks_most, shard->notify.size());
    most(sizes.member_marks_most, shard->marks.size());
    most(sizes.shard_gated_most, shard->gated_waiting);
  }
  return sizes;
}

}  // namespace chasqui
