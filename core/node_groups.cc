// What members of a group ask: its events, as far as their intervals go, and how it stands. Everybody else hears the
// one sentence, in the same number of reads, whether there is such a group or not.
#include <algorithm>
#include <utility>

#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/node_impl.h"
#include "core/shard/group.h"
#include "core/shard/receipts.h"

namespace chasqui {
namespace {

constexpr char not_a_member[] = "you are not a member of this conversation, or there is none";
constexpr char malformed_group[] = "a group is named by 16 bytes";
constexpr char too_many_reads[] = "the server is busy reading: try again";
constexpr std::uint64_t usual_limit = 50;
constexpr Seq last_seq{~std::uint64_t{0}};

template <class Message>
std::optional<Message> parsed(const ReadDone& done, std::size_t at) {
  Message message;
  if (at >= done.results.size() || done.results[at].rows.empty()) return std::nullopt;
  if (!message.ParseFromString(done.results[at].rows[0].value)) return std::nullopt;
  return message;
}

// Which of the seqs that may be seen a page is to hold: at most `limit`, ascending, apart from each other.
std::vector<shard::SeqRange> wanted(const std::vector<shard::SeqRange>& seen, const client::History& asked_for,
                                    std::uint64_t limit) {
  std::vector<shard::SeqRange> all;
  const Seq bound(asked_for.after_seq());
  for (shard::SeqRange range : seen) {
    if (asked_for.newest()) {
      if (bound) range.to = std::min(range.to, Seq(bound.value() - 1));
    } else {
      range.from = std::max(range.from, bound == last_seq ? bound : bound.next());
    }
    if (range.from <= range.to) all.push_back(range);
  }
  if (asked_for.newest()) std::reverse(all.begin(), all.end());
  std::vector<shard::SeqRange> page;
  for (shard::SeqRange range : all) {
    if (limit == 0) break;
    const std::uint64_t count = std::min(limit, range.to.value() - range.from.value() + 1);
    limit -= count;
    if (asked_for.newest()) {
      range.from = Seq(range.to.value() - count + 1);
    } else {
      range.to = Seq(range.from.value() + count - 1);
    }
    page.push_back(range);
  }
  return page;
}

// What lies in [from, to] and is not seen.
void put_hidden(const std::vector<shard::SeqRange>& seen, std::uint64_t from, std::uint64_t to,
                client::HistoryPage& page) {
  const auto hide = [&page](std::uint64_t first, std::uint64_t last) {
    if (first > last) return;
    client::SeqRange& range = *page.add_hidden();
    range.set_from(first);
    range.set_to(last);
  };
  for (const shard::SeqRange& range : seen) {
    if (range.to.value() < from) continue;
    if (range.from.value() > to) break;
    if (range.from.value() > from) hide(from, range.from.value() - 1);
    from = range.to.value() + 1;
  }
  hide(from, to);
}

google::protobuf::RepeatedPtrField<client::MemberInterval> shown(const shard::Intervals& intervals) {
  google::protobuf::RepeatedPtrField<client::MemberInterval> lines;
  for (const state::Interval& interval : intervals) {
    client::MemberInterval& line = *lines.Add();
    line.set_from(interval.from());
    line.set_joined(interval.joined());
    line.set_left(interval.left());
  }
  return lines;
}

// What happened to an event after `last` is not for who sees no further.
void forget_later(client::Event& event, std::uint64_t last) {
  if (event.edited_by() > last) {
    event.clear_edited_by();
    event.clear_edits();
  }
  if (event.erased_by() > last) event.set_erased_by(last);
}

}  // namespace

// In two reads: first who is asking, then what he sees. The head of the first bounds the second, so an interval that
// ends between them gives nothing more.
void Node::Impl::group_history(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  const auto again = [this, &shard, request](Now then, Outputs& more) { group_history(then, shard, request, more); };
  if (!fresh(now, shard, request->asker, again, out)) return;
  const auto conversation = ConversationId::parse(request->frame.history().conversation());
  const bool asked = read(
      {RangeRead::row(keys::header(shard.id, *conversation)), RangeRead::row(keys::group(shard.id, *conversation)),
       RangeRead::row(keys::former(shard.id, *conversation, request->user))},
      [this, &shard, request](Now then, ReadDone& done, Outputs& outputs) {
        const auto header = parsed<state::Header>(done, 0);
        const auto group = parsed<state::Group>(done, 1);
        const auto former = parsed<state::FormerMember>(done, 2);
        const state::Member* member = group ? shard::find_member(*group, request->user) : nullptr;
        if (!header || (member == nullptr && !former)) {
          return refuse(then, request->asker, client::PERMISSION_DENIED, not_a_member, outputs);
        }
        const shard::Intervals& intervals = member != nullptr ? member->intervals() : former->intervals();
        std::vector<shard::SeqRange> seen = shard::visible(intervals, Seq(header->head()));
        if (CHASQUI_CANARY("left_ignored") && !seen.empty()) seen.back().to = Seq(header->head());
        group_events(then, shard, request, *header, seen, member != nullptr, outputs);
      },
      out);
  if (!asked) refuse(now, request->asker, client::UNAVAILABLE, too_many_reads, out, 500);
}

void Node::Impl::group_events(Now now, const Shard& shard, const RequestPtr& request, const state::Header& header,
                              const std::vector<shard::SeqRange>& seen, bool is_member, Outputs& out) {
  const client::History& asked_for = request->frame.history();
  const auto conversation = ConversationId::parse(asked_for.conversation());
  const std::uint64_t limit =
      std::min<std::uint64_t>(asked_for.limit() == 0 ? usual_limit : asked_for.limit(), config_.limits.page_events_max);
  const std::vector<shard::SeqRange> ranges = wanted(seen, asked_for, limit);
  std::vector<RangeRead> reads;
  for (const shard::SeqRange& range : ranges) {
    RangeRead events;
    events.begin = keys::event(shard.id, *conversation, range.from);
    events.end = keys::event(shard.id, *conversation, range.to.next());
    events.rows_max = range.to.value() - range.from.value() + 1;
    events.bytes_max = config_.limits.page_bytes_max;
    events.backwards = asked_for.newest();
    reads.push_back(std::move(events));
  }
  const std::uint64_t last = seen.empty() ? 0 : seen.back().to.value();
  client::HistoryPage standing;  // how the conversation stands now: only for who is in it
  if (is_member) {
    standing.set_chain(header.chain());
    standing.set_timer_s(header.timer_s());
    for (const std::uint64_t pin : header.pins()) {
      const bool is_seen = std::any_of(seen.begin(), seen.end(), [&](const shard::SeqRange& range) {
        return range.from <= Seq(pin) && Seq(pin) <= range.to;
      });
      if (is_seen) standing.add_pins(pin);
    }
  }
  const auto finish = [this, request, seen, last, standing](Now then, ReadDone& done, Outputs& outputs) {
    const client::History& history = request->frame.history();
    client::ServerFrame frame;
    client::HistoryPage& page = *frame.mutable_history();
    page = standing;
    page.set_conversation(history.conversation());
    page.set_head(last);
    std::uint64_t bytes = 0;
    bool is_cut = false;
    for (const RangeResult& result : done.results) {
      for (const Row& row : result.rows) {
        if (bytes >= config_.limits.page_bytes_max) is_cut = true;
        if (is_cut) break;
        bytes += row.value.size();
        if (!page.add_events()->ParseFromString(row.value)) page.mutable_events()->RemoveLast();
      }
      is_cut = is_cut || result.more;
      if (is_cut) break;
    }
    if (history.newest()) std::reverse(page.mutable_events()->begin(), page.mutable_events()->end());
    for (client::Event& event : *page.mutable_events()) forget_later(event, last);
    const bool is_empty = page.events().empty();
    if (!history.newest() && history.after_seq() < last) {
      const std::uint64_t to = is_empty ? last : page.events(page.events_size() - 1).seq();
      put_hidden(seen, history.after_seq() + 1, to, page);
    } else if (history.newest() && !is_empty) {
      put_hidden(seen, page.events(0).seq(), page.events(page.events_size() - 1).seq(), page);
    }
    respond(then, request->asker, std::move(frame), outputs);
  };
  if (reads.empty()) {
    ReadDone none;
    return finish(now, none, out);
  }
  if (!read(std::move(reads), finish, out)) refuse(now, request->asker, client::UNAVAILABLE, too_many_reads, out, 500);
}

void Node::Impl::describe_group(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  const auto conversation = ConversationId::parse(request->frame.describe_group().conversation());
  if (!conversation || !conversation->is_group()) {
    return refuse(now, request->asker, client::INVALID_ARGUMENT, malformed_group, out);
  }
  const auto again = [this, &shard, request](Now then, Outputs& more) { describe_group(then, shard, request, more); };
  if (!fresh(now, shard, request->asker, again, out)) return;
  RangeRead formers;
  formers.begin = keys::former(shard.id, *conversation, UserId());
  formers.end = keys::former(shard.id, *conversation, UserId(~std::uint64_t{0}));
  formers.rows_max = bounds::former_listed_max;
  const bool asked = read(
      {RangeRead::row(keys::header(shard.id, *conversation)), RangeRead::row(keys::group(shard.id, *conversation)),
       RangeRead::row(keys::group_marks(shard.id, *conversation)), formers},
      [this, request, id = *conversation](Now then, ReadDone& done, Outputs& outputs) {
        const auto header = parsed<state::Header>(done, 0);
        const auto group = parsed<state::Group>(done, 1);
        const state::GroupMarks marks = parsed<state::GroupMarks>(done, 2).value_or(state::GroupMarks());
        const state::Member* asker = group ? shard::find_member(*group, request->user) : nullptr;
        if (!header || asker == nullptr) {
          return refuse(then, request->asker, client::PERMISSION_DENIED, not_a_member, outputs);
        }
        client::ServerFrame frame;
        client::GroupDescription& told = *frame.mutable_group();
        told.set_conversation(id.str());
        told.set_title(group->title());
        told.set_description(group->description());
        told.set_picture(group->picture());
        told.set_head(header->head());
        told.set_created_ms(group->created_ms());
        told.set_creator(group->creator());
        const state::GroupPermissions& may = group->permissions();
        told.mutable_permissions()->set_send(static_cast<client::GroupRole>(may.send()));
        told.mutable_permissions()->set_edit(static_cast<client::GroupRole>(may.edit()));
        told.mutable_permissions()->set_add(static_cast<client::GroupRole>(may.add()));
        told.mutable_permissions()->set_history_to_newcomers(may.history_to_newcomers());
        for (const state::Member& member : group->members()) {
          client::GroupMember& line = *told.add_members();
          const UserId user(member.user());
          const shard::ToldMarks mark = shard::told_of(shard::marks_of(marks, user), user, *asker);
          line.set_user(member.user());
          line.set_role(static_cast<client::GroupRole>(member.role()));
          line.set_joined_seq(member.intervals(member.intervals_size() - 1).joined());
          line.set_muted_until_ms(member.muted_until_ms());
          line.set_delivered_seq(mark.delivered.value());
          line.set_read_seq(mark.read.value());
          const bool shows_times = asker->role() >= client::ADMIN || user == request->user;
          if (shows_times) *line.mutable_intervals() = shown(member.intervals());
        }
        if (asker->role() >= client::ADMIN) {
          *told.mutable_banned() = group->banned();
          *told.mutable_requests() = group->requests();
          *told.mutable_invited() = group->invited();
          for (const Row& row : done.results[3].rows) {
            const auto key = keys::parse(row.key);
            state::FormerMember former;
            if (!key || key->kind != keys::Kind::Former || !former.ParseFromString(row.value)) continue;
            client::FormerMember& line = *told.add_former();
            line.set_user(key->user.value());
            *line.mutable_intervals() = shown(former.intervals());
          }
          for (const state::Link& link : group->links()) {
            client::GroupLink& line = *told.add_links();
            line.set_secret_hash(link.secret_hash());
            line.set_asks_approval(link.asks_approval());
            line.set_expires_ms(link.expires_ms());
            line.set_uses(link.uses());
            line.set_uses_max(link.uses_max());
            line.set_by(link.by());
          }
        }
        respond(then, request->asker, std::move(frame), outputs);
      },
      out);
  if (!asked) refuse(now, request->asker, client::UNAVAILABLE, too_many_reads, out, 500);
}

}  // namespace chasqui
