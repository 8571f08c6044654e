// Do the replicas of a shard hold the same state? (RELIABILITY.md rule R4)
//
// The leader puts what its state hashes to into the log, each replica compares. Where it does not fit, replicas tell
// each other what they have: whoever stands against a majority of the voters serves no more; never the majority,
// whoever leads.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/points.h"
#include "core/node_impl.h"

namespace chasqui {
namespace {

constexpr Duration check_every = seconds(10);
constexpr std::uint64_t entries_unchecked_max = 4'096;

}  // namespace

void Node::Impl::hash_applied(Shard& shard, const shard::Applied& applied, Now now, Outputs& out) {
  if (is_alone()) return;
  if (applied.differs) {
    tell_hash(shard, applied.differs->index, applied.differs->hash, out);
    judge_hashes(shard, out);
  }
  // Each replica counts: the next leader must know what the last one has left unchecked.
  if (applied.changes) {
    ++shard.entries_unchecked;
  } else if (!applied.replies.empty()) {
    shard.entries_unchecked = 0;  // a CheckHash, by itself
  }
  if (shard.entries_unchecked == 0) return;
  const bool many = shard.entries_unchecked >= entries_unchecked_max;
  const MonoTime due = many ? now.mono : now.mono + check_every;
  if (shard.check_due <= due) return;
  if (shard.check_due != MonoTime::never()) checks_.erase({shard.check_due, shard.id});
  shard.check_due = due;
  checks_.insert({due, shard.id});
}

void Node::Impl::propose_checks(Now now) {
  while (!checks_.empty() && checks_.begin()->first <= now.mono) {
    Shard& shard = shard_at(checks_.begin()->second);
    checks_.erase(checks_.begin());
    shard.check_due = MonoTime::never();
    if (shard.entries_unchecked == 0 || shard.differs) continue;
    if (!shard.led) {
      CHASQUI_MARK("hash_check_put_off");
      shard.check_due = now.mono + check_every;
      checks_.insert({shard.check_due, shard.id});
      continue;
    }
    CHASQUI_MARK("hash_check_proposed");
    shard.entries_unchecked = 0;
    log::Command command;
    command.mutable_check_hash()->set_index(shard.machine.applied_index().value());
    command.mutable_check_hash()->set_hash(shard.machine.numbers().rolling_hash());
    // Refused for want of room: the next entry brings the next one.
    (void)enqueue(shard, command, NobodyOrigin{}, now, MonoTime::never(), false);
  }
}

void Node::Impl::tell_hash(Shard& shard, RaftIndex index, std::uint64_t hash, Outputs& out) {
  if (shard.disputed >= index && shard.disputed_hashes.contains(config_.node)) return;  // said already
  if (shard.disputed < index) {
    shard.disputed = index;
    shard.disputed_hashes.clear();
  }
  shard.disputed_hashes[config_.node] = hash;
  peer::PeerFrame frame;
  frame.mutable_shard_hash()->set_shard(static_cast<std::uint32_t>(shard.id.value()));
  frame.mutable_shard_hash()->set_index(index.value());
  frame.mutable_shard_hash()->set_hash(hash);
  const std::string bytes = frame.SerializeAsString();
  for (const ReplicaId voter : shard.replica.voters()) {
    if (voter.value() != config_.node.value()) out.push_back(PeerSend{NodeId(voter.value()), bytes});
  }
}

void Node::Impl::hash_told(NodeId from, const peer::ShardHash& told, Outputs& out) {
  if (told.shard() >= shards_.size() || held(ShardId(told.shard())) == nullptr) return;
  Shard& shard = shard_at(ShardId(told.shard()));
  const std::vector<ReplicaId> voters = shard.replica.voters();
  const bool votes = std::find(voters.begin(), voters.end(), ReplicaId(from.value())) != voters.end();
  const RaftIndex index(told.index());
  const auto ours = shard.machine.hash_at(index);
  // Of an index that we have left behind, or not reached: the next check brings the next one.
  if (shard.differs || !votes || !ours || index < shard.disputed) return;
  if (*ours != told.hash()) CHASQUI_MARK("state_doubted");
  if (*ours != told.hash() || index == shard.disputed) tell_hash(shard, index, *ours, out);
  if (index != shard.disputed) return;  // it has what we have, and nobody doubts it
  shard.disputed_hashes[from] = told.hash();
  judge_hashes(shard, out);
}

void Node::Impl::judge_hashes(Shard& shard, Outputs& out) {
  const std::size_t voters = shard.replica.voters().size();
  const auto own = shard.disputed_hashes.find(config_.node);
  if (shard.differs || own == shard.disputed_hashes.end() || voters == 0) return;
  std::size_t most_against = 0;
  std::size_t with_us = 0;
  for (const auto& [node, hash] : shard.disputed_hashes) {
    std::size_t alike = 0;
    for (const auto& [other, theirs] : shard.disputed_hashes) alike += theirs == hash ? 1 : 0;
    (hash == own->second ? with_us : most_against) = std::max(hash == own->second ? with_us : most_against, alike);
  }
  const bool outvoted = most_against > voters / 2;
  const bool nobody_knows = shard.disputed_hashes.size() == voters && with_us <= voters / 2;
  if (!outvoted && !nobody_knows) return;
  CHASQUI_MARK("state_differs");
  if (CHASQUI_CANARY("differing_serves")) return;
  const RaftIndex index = shard.disputed;
  shard.differs = true;
  out.push_back(Note{NoteKind::ReplicaDiffers, shard.id, {}, index.value(), 0});
  const auto of_shard = [&](const auto& entry) { return entry.first == shard.id; };
  committed_.erase(std::remove_if(committed_.begin(), committed_.end(), of_shard), committed_.end());
  replica::Outputs outputs;
  shard.replica.stop(absl::DataLossError(absl::StrCat("the state at index ", index.value(),
                                                      " is not what the log makes of it at the other replicas")),
                     outputs);
  take(shard, outputs, out);
  touched_.insert(shard.id);
}

}  // namespace chasqui
