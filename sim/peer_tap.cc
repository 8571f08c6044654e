#include "sim/peer_tap.h"

namespace chasqui::sim {

void PeerTap::frame_out(const std::string& bytes, std::vector<Fact>& facts) {
  if (!frame_.ParseFromString(bytes)) {
    facts.push_back(ContractBroken{node_, "it sent a peer bytes that are no PeerFrame"});
    return;
  }
  for (const peer::RaftMessage& one : frame_.raft().messages()) message(one, facts);
}

void PeerTap::message(const peer::RaftMessage& message, std::vector<Fact>& facts) {
  const ShardId shard(message.shard());
  const RaftTerm term(message.term());
  Said& said = said_[message.shard()];
  const ReplicaImage* disk = log_.durable(shard);
  const HardState durable = disk == nullptr ? HardState() : disk->hard_state;
  if (message.has_append() || message.has_install()) {
    if (term <= said.led) return;
    said.led = term;
    LeaderSpoke spoke{node_, shard, term, durable.term, {}, {}};
    const SimLog::View log = log_.view(shard);
    spoke.first = log.first;
    spoke.terms.reserve(log.entries.size());
    for (const LogEntry& entry : log.entries) spoke.terms.push_back(entry.term);
    facts.push_back(std::move(spoke));
  } else if (message.has_append_result()) {
    const RaftIndex last(message.append_result().last_index());
    if (message.append_result().rejected() != 0) {
      const SimLog::View log = log_.view(shard);
      const RaftIndex log_last(log.first.value() + log.entries.size() - 1);
      const RaftIndex rejected(message.append_result().rejected());
      facts.push_back(RejectionLeft{node_, shard, term, rejected, last, log_last});
      return;
    }
    if (term == said.result_term && last <= said.result) return;
    said.result_term = term;
    said.result = last;
    facts.push_back(ResultLeft{node_, shard, term, last, durable.term, log_.last_index(shard)});
  } else if (message.has_vote() && !message.vote().pre_vote()) {
    facts.push_back(VoteLeft{node_, shard, term, ReplicaId(message.from()), durable.term, durable.vote});
  } else if (message.has_vote_result() && message.vote_result().granted() && !message.vote_result().pre_vote()) {
    facts.push_back(VoteLeft{node_, shard, term, ReplicaId(message.to()), durable.term, durable.vote});
  }
}

}  // namespace chasqui::sim
