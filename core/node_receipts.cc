// Delivered and read: how members are told how far the others are, pushed and when they ask.
//
// A direct conversation's marks go to both members as they move, but to the other one only as far as their gates let
// them (core/shard/gates.h); a group's go, once a second, to those members who sent what they have passed
// (core/fanout/receipts.h): one frame for each node that leads some of them. What a reader may be told is decided in
// core/shard/receipts.h and, where the reader's sessions are, in core/gateway/private_reads.h. None of it is kept: what
// is lost is asked for after the next Hello. Here too: a session hears that its own ack is committed.
#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/bounds.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/node_impl.h"
#include "core/shard/gates.h"
#include "core/shard/receipts.h"

namespace chasqui {
namespace {

constexpr char not_a_member[] = "you are not a member of this conversation, or there is none";
constexpr char not_seen[] = "you do not see the event with that seq";
constexpr char nothing_there[] = "there is no event with that seq in this conversation: see its history";
constexpr char too_many_asked[] = "marks are asked for at most 64 conversations at a time";
constexpr char too_many_reads[] = "the server is busy reading: try again";
constexpr std::uint64_t events_bytes_max = 256 * 1024;
constexpr std::size_t groups_per_step = 16;
constexpr std::size_t own_counted_max = 8;  // messages of one member, at a time

template <class Message>
Message parsed(const ReadDone& done, std::size_t at) {
  Message message;
  if (at >= done.results.size() || done.results[at].rows.empty()) return message;
  if (!message.ParseFromString(done.results[at].rows[0].value)) message.Clear();
  return message;
}

client::Receipt receipt_of(const ConversationId& conversation, UserId about, const shard::ToldMarks& told) {
  client::Receipt receipt;
  receipt.set_conversation(conversation.str());
  receipt.set_user(about.value());
  receipt.set_delivered_seq(told.delivered.value());
  receipt.set_read_seq(told.read.value());
  return receipt;
}

// Whose messages have the marks passed? Of each such member the newest few, newest first.
absl::btree_map<UserId, std::vector<Seq>> passed_senders(const fanout::GroupReceipts::Due& due,
                                                         const state::Group& group, const RangeResult& events) {
  absl::btree_map<UserId, std::vector<Seq>> senders;
  for (const Row& row : events.rows) {
    client::Event event;
    if (!event.ParseFromString(row.value)) continue;
    const Seq seq(event.seq());
    const UserId sender(event.sender());
    const bool is_passed = std::any_of(due.moved.begin(), due.moved.end(), [&](const auto& moved) {
      return moved.user != sender && moved.above < seq && seq <= moved.to;
    });
    if (!is_passed || shard::find_member(group, sender) == nullptr) continue;
    std::vector<Seq>& own = senders[sender];
    if (own.size() < own_counted_max) own.push_back(seq);
  }
  return senders;
}

}  // namespace

// ------------------------------------------------------------------------------------------------------------ asked

// One ask for each shard that a Marks request concerns; the answers are put together again.
void Node::Impl::ask_marks(Now now, const gateway::Request& in, Outputs& out) {
  const client::Marks& asked_for = in.frame.marks();
  if (static_cast<std::uint64_t>(asked_for.conversations_size()) > bounds::marks_asked_max) {
    return refuse_here(now, in, client::INVALID_ARGUMENT, too_many_asked, out);
  }
  absl::btree_map<ShardId, std::shared_ptr<ShardRequest>> parts;
  for (int i = 0; i < asked_for.conversations_size(); ++i) {
    const std::string& bytes = asked_for.conversations(i);
    const auto conversation = ConversationId::parse(bytes);
    if (!conversation || !conversation->may_have_member(in.user)) continue;
    std::shared_ptr<ShardRequest>& part = parts[router_.of_conversation(*conversation).shard];
    if (part == nullptr) part = part_of(in);
    part->frame.mutable_marks()->add_conversations(bytes);
    part->frame.mutable_marks()->add_own_seqs(i < asked_for.own_seqs_size() ? asked_for.own_seqs(i) : 0);
  }
  if (parts.empty()) {
    client::ServerFrame frame;
    frame.mutable_marks();
    return gateway_.answer(now, in.session, in.request_id, frame, out);
  }
  const std::uint64_t whole = ++last_marks_asked_;
  marks_asked_.insert(whole, {in.session, in.request_id, parts.size(), {}, {}, false, {}});
  for (auto& [shard, part] : parts) ask(now, shard, in.deadline, SessionAsk{std::move(part), 0, whole}, out);
}

void Node::Impl::marks(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  const auto again = [this, &shard, request](Now then, Outputs& more) { marks(then, shard, request, more); };
  if (!fresh(now, shard, request->asker, again, out)) return;
  struct Asked {
    ConversationId conversation;
    Seq own;
  };
  std::vector<RangeRead> rows;
  std::vector<Asked> all;
  const client::Marks& asked_for = request->frame.marks();
  for (int i = 0; i < asked_for.conversations_size() && all.size() < bounds::marks_asked_max; ++i) {
    const auto conversation = ConversationId::parse(asked_for.conversations(i));
    if (!conversation || !conversation->may_have_member(request->user)) continue;
    all.push_back({*conversation, Seq(i < asked_for.own_seqs_size() ? asked_for.own_seqs(i) : 0)});
    // Two rows of each, so that the answers stand where they are looked for.
    rows.push_back(RangeRead::row(conversation->is_group() ? keys::group(shard.id, *conversation)
                                                           : keys::header(shard.id, *conversation)));
    rows.push_back(RangeRead::row(keys::group_marks(shard.id, *conversation)));
  }
  const auto finish = [this, request, all](Now then, ReadDone& done, Outputs& outputs) {
    client::ServerFrame frame;
    client::MarksPage& page = *frame.mutable_marks();
    for (std::size_t i = 0; i < all.size() && 2 * i + 1 < done.results.size(); ++i) {
      const ConversationId& conversation = all[i].conversation;
      if (!conversation.is_group()) {
        const auto header = parsed<state::Header>(done, 2 * i);
        const UserId users[] = {conversation.lower(), conversation.higher()};
        for (int m = 0; m < header.members_size() && m < 2; ++m) {
          *page.add_receipts() =
              receipt_of(conversation, users[m], shard::told_of(header, conversation, users[m], request->user));
        }
        continue;
      }
      const auto group = parsed<state::Group>(done, 2 * i);
      const auto marks = parsed<state::GroupMarks>(done, 2 * i + 1);
      const state::Member* reader = shard::find_member(group, request->user);
      if (reader == nullptr) continue;  // as if there were no such group
      if (shard::is_counted(group)) {
        if (!all[i].own || !shard::is_told(*reader, all[i].own)) continue;
        client::ReceiptCounts& counts = *page.add_counts();
        counts = shard::counted_receipts(group, marks, *reader, all[i].own);
        counts.set_conversation(conversation.str());
        continue;
      }
      for (const state::Member& member : group.members()) {
        const UserId user(member.user());
        const shard::ToldMarks told = shard::told_of(shard::marks_of(marks, user), user, *reader);
        if (told.delivered) *page.add_receipts() = receipt_of(conversation, user, told);
      }
    }
    respond(then, request->asker, std::move(frame), outputs);
  };
  if (rows.empty()) {
    ReadDone none;
    return finish(now, none, out);
  }
  if (!read(std::move(rows), finish, out)) refuse(now, request->asker, client::UNAVAILABLE, too_many_reads, out, 500);
}

// "Message info". Whoever is no member hears the one sentence, in the same reads, whether there is a group or not.
void Node::Impl::receipts_of(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  const auto again = [this, &shard, request](Now then, Outputs& more) { receipts_of(then, shard, request, more); };
  if (!fresh(now, shard, request->asker, again, out)) return;
  const auto conversation = ConversationId::parse(request->frame.ask_receipts().conversation());
  if (!conversation || !conversation->may_have_member(request->user)) {
    return refuse(now, request->asker, client::PERMISSION_DENIED, not_a_member, out);
  }
  const bool asked = read(
      {RangeRead::row(keys::header(shard.id, *conversation)), RangeRead::row(keys::group(shard.id, *conversation)),
       RangeRead::row(keys::group_marks(shard.id, *conversation)),
       RangeRead::row(keys::event(shard.id, *conversation, Seq(request->frame.ask_receipts().seq())))},
      [this, request, id = *conversation](Now then, ReadDone& done, Outputs& outputs) {
        const Seq seq(request->frame.ask_receipts().seq());
        const auto header = parsed<state::Header>(done, 0);
        const auto group = parsed<state::Group>(done, 1);
        const state::Member* reader = id.is_group() ? shard::find_member(group, request->user) : nullptr;
        if (id.is_group() && (reader == nullptr || (seq <= Seq(header.head()) && !shard::is_told(*reader, seq)))) {
          return refuse(then, request->asker, client::PERMISSION_DENIED, not_a_member, outputs);
        }
        if (!seq || seq > Seq(header.head())) {
          return refuse(then, request->asker, client::NOT_FOUND, nothing_there, outputs);
        }
        if (!id.is_group() && shard::as_seen(parsed<client::Event>(done, 3), request->user).withheld()) {
          return refuse(then, request->asker, client::PERMISSION_DENIED, not_seen, outputs);
        }
        client::ServerFrame frame;
        client::ReceiptsOf& answer = *frame.mutable_receipts_of();
        answer.set_conversation(id.str());
        answer.set_seq(seq.value());
        const auto lines = reader != nullptr
                               ? shard::receipts_of(group, parsed<state::GroupMarks>(done, 2), *reader, seq)
                               : shard::receipts_of(header, id, request->user, seq);
        for (const client::MemberReceipt& line : lines) *answer.add_members() = line;
        respond(then, request->asker, std::move(frame), outputs);
      },
      out);
  if (!asked) refuse(now, request->asker, client::UNAVAILABLE, too_many_reads, out, 500);
}

// ------------------------------------------------------------------------------------------------------------ pushed

void Node::Impl::marks_moved(Now now, Shard& shard, const shard::MarksMoved& moved, Outputs& out) {
  if (moved.conversation.is_group()) {
    // A group's own devices hear of what is read by the index, as of all conversations.
    const Seq above = std::min(moved.delivered_before, moved.read_told_before);
    (void)shard.receipts.add(moved.conversation, {moved.user, above, std::max(moved.delivered, moved.read_told)}, now);
    touched_.insert(shard.id);
    return;
  }
  const UserId other = shard::other_of(moved.conversation, moved.user);
  tell_receipt(now, moved.user, receipt_of(moved.conversation, moved.user, {moved.delivered, moved.read}), out);
  if (other == moved.user || moved.is_private) return;
  tell_receipt(now, other, receipt_of(moved.conversation, moved.user, {moved.delivered, moved.read_told}), out);
}

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

void Node::Impl::take(Now now, const peer::ReceiptItem& item, Outputs& out) {
  if (item.to_users().empty()) {
    Shard* shard = led(router_.of_user(UserId(item.to_user())).shard);
    if (shard == nullptr) return;
    client::Receipt receipt;
    receipt.set_conversation(item.conversation());
    receipt.set_user(item.user());
    receipt.set_delivered_seq(item.delivered());
    receipt.set_read_seq(item.read());
    return tell_receipt_here(now, *shard, UserId(item.to_user()), receipt, out);
  }
  client::ServerFrame frame;
  if (!frame.ParseFromString(item.frame()) || !frame.has_group_receipts()) return;
  absl::btree_map<ShardId, std::vector<UserId>> by_shard;
  for (const std::uint64_t id : item.to_users()) by_shard[router_.of_user(UserId(id)).shard].emplace_back(id);
  for (const auto& [id, users] : by_shard) {
    if (Shard* shard = led(id)) tell_group_here(now, *shard, users, frame.group_receipts(), out);
  }
}

void Node::Impl::tell_due_receipts(Now now, Shard& shard, Outputs& out) {
  if (!shard.led) return;
  for (const fanout::GroupReceipts::Due& due : shard.receipts.take(now, groups_per_step)) {
    Seq above = due.moved.front().above;
    Seq to;
    for (const fanout::GroupReceipts::Moved& moved : due.moved) {
      above = std::min(above, moved.above);
      to = std::max(to, moved.to);
    }
    RangeRead events;
    events.begin = keys::event(shard.id, due.group, above.next());
    events.end = keys::event(shard.id, due.group, to.next());
    events.rows_max = bounds::receipt_events_max;
    events.bytes_max = events_bytes_max;
    events.backwards = true;
    // No room for a read: whoever waits for his ticks asks for them when he connects anew.
    (void)read(
        {RangeRead::row(keys::group(shard.id, due.group)), RangeRead::row(keys::group_marks(shard.id, due.group)),
         std::move(events)},
        [this, due](Now then, ReadDone& done, Outputs& more) { tell_group_receipts(then, due, done, more); }, out);
  }
}

void Node::Impl::tell_group_receipts(Now now, const fanout::GroupReceipts::Due& due, const ReadDone& done,
                                     Outputs& out) {
  if (done.results.size() != 3) return;
  const auto group = parsed<state::Group>(done, 0);
  const auto marks = parsed<state::GroupMarks>(done, 1);
  std::size_t counted = 0;
  absl::btree_map<std::string, std::pair<client::GroupReceipts, std::vector<UserId>>> alike;
  for (const auto& [sender, own] : passed_senders(due, group, done.results[2])) {
    const state::Member& reader = *shard::find_member(group, sender);
    client::GroupReceipts told;
    told.set_conversation(due.group.str());
    if (shard::is_counted(group)) {
      for (const Seq seq : own) {
        if (!shard::is_told(reader, seq) || ++counted > bounds::receipt_counted_max) continue;
        *told.add_counts() = shard::counted_receipts(group, marks, reader, seq);
      }
    } else {
      for (const fanout::GroupReceipts::Moved& moved : due.moved) {
        if (shard::find_member(group, moved.user) == nullptr) continue;
        const shard::ToldMarks of_user = shard::told_of(shard::marks_of(marks, moved.user), moved.user, reader);
        if (!of_user.delivered) continue;
        client::MemberMarks& line = *told.add_members();
        line.set_user(moved.user.value());
        line.set_delivered_seq(of_user.delivered.value());
        line.set_read_seq(of_user.read.value());
      }
    }
    if (told.members().empty() && told.counts().empty()) continue;
    auto& [receipts, users] = alike[told.SerializeAsString()];
    receipts = std::move(told);
    users.push_back(sender);
  }
  for (const auto& [bytes, told] : alike) {
    CHASQUI_MARK("group_receipts_told");
    tell_group(now, told.second, told.first, out);
  }
}

// One frame for each node that leads some of these users.
void Node::Impl::tell_group(Now now, const std::vector<UserId>& users, const client::GroupReceipts& receipts,
                            Outputs& out) {
  absl::btree_map<ShardId, std::vector<UserId>> here;
  absl::btree_map<NodeId, std::vector<UserId>> elsewhere;
  for (const UserId user : users) {
    const router::Route route = router_.of_user(user);
    if (route.here) {
      here[route.shard].push_back(user);
    } else if (route.leader) {
      elsewhere[route.leader].push_back(user);
    }
  }
  for (const auto& [id, some] : here) tell_group_here(now, shard_at(id), some, receipts, out);
  client::ServerFrame frame;
  *frame.mutable_group_receipts() = receipts;
  for (const auto& [node, some] : elsewhere) {
    std::vector<peer::PeerFrame>& frames = to_peer(node).others;
    if (frames.empty() || !frames.back().has_receipts() || frames.back().receipts().items_size() >= 256) {
      frames.emplace_back();
    }
    peer::ReceiptItem& item = *frames.back().mutable_receipts()->add_items();
    for (const UserId user : some) item.add_to_users(user.value());
    item.set_frame(frame.SerializeAsString());
  }
}

void Node::Impl::tell_group_here(Now now, Shard& shard, const std::vector<UserId>& users,
                                 const client::GroupReceipts& receipts, Outputs& out) {
  absl::btree_map<NodeId, std::vector<UserId>> at;
  for (const UserId user : users) {
    for (const NodeId node : shard.registry.nodes_of(user)) at[node].push_back(user);
  }
  client::ServerFrame frame;
  *frame.mutable_group_receipts() = receipts;
  for (const auto& [node, some] : at) {
    if (node == config_.node) {
      gateway_.group_receipts(now, some, receipts, out);
      continue;
    }
    peer::GroupTold& told = *new_tell(shard, node, UserId()).mutable_group_told();
    for (const UserId user : some) told.add_users(user.value());
    told.set_frame(frame.SerializeAsString());
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

void Node::Impl::tell_privacy(Shard& shard, NodeId node, const shard::PrivacyMoved& moved) {
  if (node == config_.node) return gateway_.privacy_moved(moved.user, moved.changes, moved.reads_private);
  peer::PrivacyTold& told = *new_tell(shard, node, moved.user).mutable_privacy();
  told.set_changes(moved.changes);
  told.set_reads_private(moved.reads_private);
}

}  // namespace chasqui
