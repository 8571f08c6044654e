#include "core/shard/counts.h"

#include <algorithm>

#include "core/base/bounds.h"
#include "core/shard/direct.h"
#include "core/shard/gates.h"

namespace chasqui::shard {
namespace {

using Seqs = google::protobuf::RepeatedField<std::uint64_t>;

// How many messages there are up to `seq`, without those that are withheld from the reader. Events from before there
// were counts hold none.
std::uint64_t messages_up_to(const Standing& now, Seq seq) {
  if (!seq) return 0;
  if (seq >= now.head) return now.messages - std::min(now.messages, now.withheld);
  const std::optional<client::Event> event = now.view.event(now.conversation, seq);
  if (!event) return 0;
  const std::uint64_t withheld = now.reader ? withheld_up_to(*event, now.conversation, now.reader) : 0;
  return event->messages() - std::min(event->messages(), withheld);
}

std::uint64_t between(const Standing& now, Seq above, Seq to) {
  if (above >= to) return 0;
  const std::uint64_t last = messages_up_to(now, to);
  return last - std::min(last, messages_up_to(now, above));
}

bool came_then(const Intervals& intervals, std::uint64_t seq) {
  return std::any_of(intervals.begin(), intervals.end(), [seq](const state::Interval& interval) {
    return interval.joined() <= seq && (interval.left() == 0 || seq <= interval.left());
  });
}

// Keeps what is above `read` and, of a group, came while they were a member.
void keep_unread(const Intervals* intervals, Seq read, Seqs& seqs) {
  const auto is_over = [&](std::uint64_t seq) {
    return seq <= read.value() || (intervals != nullptr && !came_then(*intervals, seq));
  };
  seqs.erase(std::remove_if(seqs.begin(), seqs.end(), is_over), seqs.end());
}

}  // namespace

bool is_message(const log::Send& command) {
  const bool is_said = command.about_kind() == client::About::NOTHING || command.about_kind() == client::About::REPLY;
  return is_said && command.change().empty();
}

Standing standing_of(const ShardView& view, const ConversationId& conversation, const state::Header& header) {
  return {view, conversation, Seq(header.head()), header.messages()};
}

Standing standing_of(const ShardView& view, const ConversationId& conversation, const state::Header& header,
                     UserId reader) {
  return {view,
          conversation,
          Seq(header.head()),
          header.messages(),
          reader,
          member(&header, conversation, reader)->withheld()};
}

void count_from(const Standing& now, const Intervals* intervals, Seq read, state::MemberCounts& counts) {
  read = std::max(read, Seq(counts.from()));
  keep_unread(intervals, read, *counts.mutable_own());
  keep_unread(intervals, read, *counts.mutable_named_at());
  std::uint64_t unread = 0;
  if (intervals == nullptr) unread = between(now, read, now.head);
  // The event by which somebody comes is no message, so they need not be told apart from what is before it.
  for (int i = 0; intervals != nullptr && i < intervals->size(); ++i) {
    const state::Interval& interval = intervals->Get(i);
    const Seq to = interval.left() == 0 ? now.head : Seq(interval.left());
    unread += between(now, std::max(read, Seq(interval.joined())), to);
  }
  unread -= std::min(unread, static_cast<std::uint64_t>(counts.own_size()));
  // Who is no member any more is told nothing of what came after, not even how much it was.
  std::uint64_t messages = now.messages;
  if (intervals != nullptr && !intervals->empty() && intervals->rbegin()->left() != 0) {
    messages = messages_up_to(now, Seq(intervals->rbegin()->left()));
  }
  counts.set_messages_read(std::max(counts.messages_read(), messages - std::min(messages, unread)));
}

void count_own(const Standing& now, const Intervals* intervals, Seq read, state::MemberCounts& counts) {
  counts.add_own(now.head.value());
  if (static_cast<std::uint64_t>(counts.own_size()) <= bounds::own_unread_kept) {
    counts.set_messages_read(counts.messages_read() + 1);
    return;
  }
  counts.set_from(counts.own(0));
  count_from(now, intervals, read, counts);
}

void count_withheld(state::MemberCounts& counts) {
  counts.set_messages_read(counts.messages_read() + 1);
}

void count_mention(Seq head, state::MemberCounts& counts) {
  counts.set_mentions(counts.mentions() + 1);
  counts.add_named_at(head.value());
  if (static_cast<std::uint64_t>(counts.named_at_size()) > bounds::mentions_unread_kept) {
    counts.mutable_named_at()->erase(counts.named_at().begin());
  }
}

Counts told_counts(const state::MemberCounts& counts, std::uint64_t messages) {
  return {messages, counts.messages_read(), counts.mentions(),
          counts.mentions() - static_cast<std::uint64_t>(counts.named_at_size())};
}

}  // namespace chasqui::shard
