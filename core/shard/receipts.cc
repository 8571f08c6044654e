#include "core/shard/receipts.h"

#include <algorithm>

#include "core/base/bounds.h"
#include "core/shard/direct.h"
#include "core/shard/gates.h"
#include "core/shard/steps.h"

namespace chasqui::shard {
namespace {

Seq last_seen(const Intervals& intervals, std::uint64_t mark) {
  const std::vector<SeqRange> ranges = visible(intervals, Seq(mark));
  return ranges.empty() ? Seq() : ranges.back().to;
}

client::MemberReceipt receipt(UserId about, Seq seq, const ToldMarks& told, const state::MemberSteps& steps) {
  client::MemberReceipt line;
  line.set_user(about.value());
  line.set_delivered(told.delivered >= seq);
  line.set_read(told.read >= seq);
  if (line.delivered()) line.set_delivered_ms(passed_ms(steps.delivered(), seq));
  if (line.read()) line.set_read_ms(passed_ms(steps.read(), seq));
  return line;
}

}  // namespace

ToldMarks told_of(const state::Header& header, const ConversationId& conversation, UserId about, UserId reader) {
  const state::DirectMember* marks = member(&header, conversation, about);
  if (about == reader) return {Seq(marks->delivered()), Seq(marks->read())};
  if (marks->held() || !tells_marks(header, conversation, about)) {
    return {Seq(marks->told_delivered()), Seq(marks->told_read())};
  }
  return {Seq(marks->delivered()), Seq(marks->read_told())};
}

ToldMarks told_of(const MemberMarks& marks, UserId about, const state::Member& reader) {
  if (about.value() == reader.user()) return {Seq(marks.delivered), Seq(marks.read)};
  return {last_seen(reader.intervals(), marks.delivered), last_seen(reader.intervals(), marks.read_told)};
}

std::vector<client::MemberReceipt> receipts_of(const state::Header& header, const ConversationId& conversation,
                                               UserId reader, Seq seq) {
  const UserId other = conversation.lower() == reader ? conversation.higher() : conversation.lower();
  if (other == reader) return {};
  return {
      receipt(other, seq, told_of(header, conversation, other, reader), member(&header, conversation, other)->steps())};
}

std::vector<client::MemberReceipt> receipts_of(const state::Group& group, const state::GroupMarks& marks,
                                               const state::Member& reader, Seq seq) {
  std::vector<client::MemberReceipt> lines;
  for (const state::Member& member : group.members()) {
    if (member.user() == reader.user() || !is_told(member, seq)) continue;
    const UserId user(member.user());
    const state::MemberSteps* steps = steps_of(marks, user);
    lines.push_back(receipt(user, seq, told_of(marks_of(marks, user), user, reader),
                            steps == nullptr ? state::MemberSteps::default_instance() : *steps));
  }
  return lines;
}

client::ReceiptCounts counted_receipts(const state::Group& group, const state::GroupMarks& marks,
                                       const state::Member& reader, Seq seq) {
  client::ReceiptCounts counts;
  counts.set_seq(seq.value());
  for (const state::Member& member : group.members()) {
    if (member.user() == reader.user() || !is_told(member, seq)) continue;
    const UserId user(member.user());
    const ToldMarks told = told_of(marks_of(marks, user), user, reader);
    counts.set_of(counts.of() + 1);
    if (told.delivered >= seq) counts.set_delivered(counts.delivered() + 1);
    if (told.read >= seq) counts.set_read(counts.read() + 1);
  }
  return counts;
}

bool is_counted(const state::Group& group) {
  return static_cast<std::uint64_t>(group.members_size()) > bounds::receipt_names_max;
}

}  // namespace chasqui::shard
