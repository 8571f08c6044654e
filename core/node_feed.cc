// What shards owe each other: batches of the feed to the leaders of other shards, here or at another node, and their
// acknowledgements, each by the batch's own id.
#include <algorithm>
#include <utility>

#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/node_impl.h"
#include "core/shard/group.h"

namespace chasqui {
namespace {

constexpr std::uint64_t feed_rows_per_read = 256;

std::vector<fanout::ParkedRow> parked_rows(const RangeResult& result) {
  std::vector<fanout::ParkedRow> rows;
  for (const Row& row : result.rows) {
    const auto key = keys::parse(row.key);
    state::Parked parked;
    if (!key || key->kind != keys::Kind::Parked || !parked.ParseFromString(row.value)) continue;
    rows.push_back({ShardId(key->number), key->user, key->conversation, Owed::of(parked)});
  }
  return rows;
}

constexpr std::size_t frame_bytes_aimed_at = 1 << 20;

bool tells_groups(const peer::NotifyBatch& batch) {
  return std::any_of(batch.items().begin(), batch.items().end(),
                     [](const peer::NotifyItem& item) { return !item.users().empty(); });
}

// Batches for several shards of one node, which mostly tell the same events of groups.
struct ToldTogether {
  peer::PeerFrame frame;
  absl::btree_map<std::pair<std::string, std::uint64_t>, std::uint32_t> places;  // of events, by conversation and seq
  std::size_t bytes = 0;

  void add(peer::NotifyBatch& batch) {
    peer::Notifies& notifies = *frame.mutable_notifies();
    for (peer::NotifyItem& item : *batch.mutable_items()) {
      if (item.event().empty() || item.users().empty()) continue;
      const auto [place, is_new] = places.try_emplace({item.conversation(), item.head()}, notifies.events_size() + 1);
      if (is_new) {
        bytes += item.event().size();
        *notifies.add_events() = std::move(*item.mutable_event());
      }
      item.clear_event();
      item.set_event_at(place->second);
    }
    bytes += batch.ByteSizeLong();
    notifies.add_batches()->Swap(&batch);
  }
  peer::PeerFrame take() {
    places.clear();
    bytes = 0;
    return std::exchange(frame, {});
  }
};

// What each row owes the members of its groups: whose interval holds its head.
void name_members(const ReadDone& done, std::vector<fanout::Feed::StoredRow>& rows) {
  absl::btree_map<std::string, state::Group> groups;
  for (const RangeResult& result : done.results) {
    if (result.rows.empty()) continue;
    const auto key = keys::parse(result.rows[0].key);
    state::Group group;
    if (key && group.ParseFromString(result.rows[0].value)) groups[key->conversation.str()] = std::move(group);
  }
  for (fanout::Feed::StoredRow& row : rows) {
    for (const state::FeedItem& item : row.feed.items()) {
      const auto group = item.user() == 0 ? groups.find(item.conversation()) : groups.end();
      if (group == groups.end()) continue;
      std::vector<UserId>& told = row.members[item.conversation()];
      for (const state::Member& member : group->second.members()) {
        if (shard::is_told(member, Seq(item.head()))) told.emplace_back(member.user());
      }
    }
  }
}

}  // namespace

void Node::Impl::move_notifies(Now now, Outputs& out) {
  absl::btree_set<ShardId> sources;
  sources.swap(feeding_);
  absl::btree_map<NodeId, ToldTogether> together;
  for (const ShardId id : sources) {
    Shard& source = shard_at(id);
    if (!source.led) continue;
    std::vector<peer::NotifyBatch> batches;
    source.feed.take_batches(now, batches);
    for (peer::NotifyBatch& batch : batches) {
      const router::Route route = router_.of(ShardId(batch.to_shard()));
      if (route.here) {
        Shard& destination = shard_at(route.shard);
        if (CHASQUI_CANARY("linger_lost")) {
          peer::NotifyAck early;
          early.set_from_shard(batch.from_shard());
          early.set_from_term(batch.from_term());
          early.set_to_shard(batch.to_shard());
          early.add_batches(batch.batch());
          source.feed.acknowledged(early, now);
        }
        take_notify(destination, batch, config_.node, now, out);
      } else if (route.leader && tells_groups(batch)) {
        ToldTogether& told = together[route.leader];
        told.add(batch);
        if (told.bytes > frame_bytes_aimed_at) to_peer(route.leader).others.push_back(told.take());
      } else if (route.leader) {
        peer::PeerFrame frame;
        frame.mutable_notify()->Swap(&batch);
        to_peer(route.leader).others.push_back(std::move(frame));
      } else {
        source.feed.not_sent(std::move(batch), now);  // it comes again: at once when a leader is known
      }
    }
    touched_.insert(source.id);
  }
  for (auto& [node, told] : together) {
    if (told.bytes > 0) to_peer(node).others.push_back(told.take());
  }
}

// What another node's feeds tell the shards that are led here, with events that were sent once.
void Node::Impl::take(Now now, NodeId from, peer::Notifies& notifies, Outputs& out) {
  for (peer::NotifyBatch& batch : *notifies.mutable_batches()) {
    for (peer::NotifyItem& item : *batch.mutable_items()) {
      const std::uint32_t at = item.event_at();
      if (at > 0 && at <= static_cast<std::uint32_t>(notifies.events_size())) {
        item.set_event(notifies.events(static_cast<int>(at - 1)));
      }
    }
    take_peer_notify(now, from, batch, out);
  }
}

void Node::Impl::take_peer_notify(Now now, NodeId from, const peer::NotifyBatch& batch, Outputs& out) {
  if (batch.to_shard() >= shards_.size() || batch.from_shard() >= shards_.size()) return;
  // Marks count only from the leader of the shard that owns them (rule R8).
  if (RaftTerm(batch.from_term()) < router_.term(ShardId(batch.from_shard()))) return;
  const auto is_there = [&](std::uint64_t user) {
    return router_.of_user(UserId(user)).shard.value() == batch.to_shard();
  };
  for (const peer::NotifyItem& item : batch.items()) {
    const Owed owed = Owed::of(item);
    const auto conversation = ConversationId::parse(item.conversation());
    if (owed.is_stance() &&
        (!conversation || router_.of_conversation(*conversation).shard.value() != batch.to_shard())) {
      return;
    }
    Owed of_index = owed;
    of_index.stance_version = 0;
    const bool is_for_index = !owed.is_stance() || !of_index.says_nothing();
    if (is_for_index && item.users().empty() && !is_there(item.user())) return;
    if (!std::all_of(item.users().begin(), item.users().end(), is_there)) return;
  }
  if (Shard* shard = led(ShardId(batch.to_shard()))) take_notify(*shard, batch, from, now, out);
}

void Node::Impl::take_notify(Shard& destination, const peer::NotifyBatch& batch, NodeId from, Now now, Outputs& out) {
  if (!destination.led || CHASQUI_MAYBE("notify_refused") || !destination.notify.add(batch, from, now)) {
    CHASQUI_MARK("notify_refused");
    return;  // it comes again
  }
  if (CHASQUI_CANARY("acked_unseen")) {
    acknowledge({ShardId(batch.from_shard()), destination.id, RaftTerm(batch.from_term()), batch.batch(), from});
  }
  for (const peer::NotifyItem& item : batch.items()) {
    if (item.head() == 0 || item.event().empty()) continue;
    if (!item.users().empty()) {
      tell_group_push(now, destination, item, out);
      continue;
    }
    tell_push(now, destination, item, out);
    const auto conversation = ConversationId::parse(item.conversation());
    if (CHASQUI_CANARY("tick_on_push") && conversation && destination.registry.online(UserId(item.user()))) {
      if (Shard* home = led(router_.of_conversation(*conversation).shard)) {
        (void)home->marks.add(*conversation, UserId(item.user()), Seq(item.head()), Seq(), HistoryEpoch(), {}, true,
                              now);
        touched_.insert(home->id);
      }
    }
  }
  touched_.insert(destination.id);
}

void Node::Impl::acknowledge(const fanout::BatchName& name) {
  peer::NotifyAck ack;
  ack.set_from_shard(static_cast<std::uint32_t>(name.from_shard.value()));
  ack.set_to_shard(static_cast<std::uint32_t>(name.to_shard.value()));
  ack.set_from_term(name.from_term.value());
  ack.add_batches(name.batch);
  if (name.from == config_.node) return take_acknowledgement(ack);
  std::vector<peer::PeerFrame>& frames = to_peer(name.from).others;
  if (!frames.empty() && frames.back().has_notify_ack()) {
    peer::NotifyAck& last = *frames.back().mutable_notify_ack();
    if (last.from_shard() == ack.from_shard() && last.to_shard() == ack.to_shard() &&
        last.from_term() == ack.from_term()) {
      last.add_batches(name.batch);
      return;
    }
  }
  frames.emplace_back().mutable_notify_ack()->Swap(&ack);
}

void Node::Impl::take_acknowledgement(const peer::NotifyAck& ack) {
  if (ack.from_shard() >= shards_.size() || held(ShardId(ack.from_shard())) == nullptr) return;
  Shard& source = shard_at(ShardId(ack.from_shard()));
  source.feed.acknowledged(ack, Now{now_, WallTime{}});
  touched_.insert(source.id);
}

void Node::Impl::read_feed(Shard& shard, Outputs& out) {
  RangeRead range;
  range.begin = keys::feed(shard.id, shard.feed.read_above().next());
  range.end = keys::feed(shard.id, shard.feed.read_up_to().next());
  range.rows_max = feed_rows_per_read;
  const RaftTerm term = shard.replica.term();
  const bool asked = read(
      {range},
      [this, id = shard.id, term](Now, ReadDone& done, Outputs& outputs) {
        Shard& reader = shard_at(id);
        if (!reader.led || reader.replica.term() != term || done.results.empty()) return;
        std::vector<fanout::Feed::StoredRow> rows;
        for (const Row& row : done.results[0].rows) {
          const auto key = keys::parse(row.key);
          state::Feed feed;
          if (!key || key->kind != keys::Kind::Feed || !feed.ParseFromString(row.value)) continue;
          rows.push_back({RaftIndex(key->number), std::move(feed), {}});
        }
        if (!rows.empty()) CHASQUI_MARK("feed_read");
        outputs.push_back(Note{NoteKind::FeedResent, id, {}, rows.size(), 0});
        read_feed_members(reader, std::move(rows), done.results[0].more, outputs);
      },
      out);
  if (asked) shard.feed.reading();
}

// Of rows that name groups, not people: who are their members.
void Node::Impl::read_feed_members(Shard& shard, std::vector<fanout::Feed::StoredRow> rows, bool more, Outputs& out) {
  absl::btree_set<ConversationId> groups;
  for (const fanout::Feed::StoredRow& row : rows) {
    for (const state::FeedItem& item : row.feed.items()) {
      const auto conversation = ConversationId::parse(item.conversation());
      if (item.user() == 0 && conversation) groups.insert(*conversation);
    }
  }
  touched_.insert(shard.id);
  if (groups.empty()) return shard.feed.rows_read(rows, more);
  std::vector<RangeRead> ranges;
  ranges.reserve(groups.size());
  for (const ConversationId& group : groups) ranges.push_back(RangeRead::row(keys::group(shard.id, group)));
  const RaftTerm term = shard.replica.term();
  const bool asked = read(
      std::move(ranges),
      [this, id = shard.id, term, rows, more](Now, ReadDone& done, Outputs&) mutable {
        Shard& reader = shard_at(id);
        if (!reader.led || reader.replica.term() != term) return;
        CHASQUI_MARK("feed_members_read");
        name_members(done, rows);
        reader.feed.rows_read(rows, more);
        touched_.insert(id);
      },
      out);
  if (!asked) shard.feed.rows_read({}, true);  // read once more
}

// --------------------------------------------------------------------------------------------------------- parking

void Node::Impl::gather_parked(Shard& shard, Now now) {
  log::Command park;
  if (shard.feed.take_park(now, *park.mutable_park()) &&
      enqueue(shard, park, park.park(), now, MonoTime::never(), false)) {
    shard.feed.park_refused(now);
  }
  log::Command unpark;
  if (shard.feed.take_unpark(now, *unpark.mutable_unpark())) {
    if (enqueue(shard, unpark, unpark.unpark(), now, MonoTime::never(), false)) shard.feed.unpark_refused(now);
  }
}

void Node::Impl::read_parked(Shard& shard, Now now, Outputs& out) {
  while (const auto wanted = shard.feed.wants_parked(now)) {
    RangeRead range;
    range.begin = keys::parked_begin(shard.id, wanted->destination);
    if (wanted->above) {  // no key lies between a key and itself with a byte more
      range.begin =
          keys::parked(shard.id, ShardId(wanted->destination), wanted->above->first, wanted->above->second) + '\0';
    }
    range.end = keys::parked_begin(shard.id, wanted->is_scan ? bounds::shards_max : wanted->destination + 1);
    range.rows_max = wanted->rows_max;
    const RaftTerm term = shard.replica.term();
    const bool asked = read(
        {range},
        [this, id = shard.id, term, wanted = *wanted](Now, ReadDone& done, Outputs&) {
          Shard& reader = shard_at(id);
          if (!reader.led || reader.replica.term() != term || done.results.empty()) return;
          const std::vector<fanout::ParkedRow> rows = parked_rows(done.results[0]);
          if (wanted.is_scan && !rows.empty()) CHASQUI_MARK("parked_found");
          reader.feed.parked_read(wanted, rows, done.results[0].more);
          touched_.insert(id);
        },
        out);
    if (!asked) return shard.feed.parked_put_off(now);
    shard.feed.parked_reading(*wanted);
  }
}

}  // namespace chasqui
