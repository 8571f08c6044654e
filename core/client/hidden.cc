#include "core/client/hidden.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"

namespace chasqui::client {

absl::Status Hidden::hide(const ConversationId& conversation, std::uint64_t first, std::uint64_t last) {
  Lane& lane = lanes_[conversation];
  SeqRanges both = lane.known;
  both.merge(lane.wanted);
  if (!both.add(first, last)) return absl::OkStatus();
  if (both.size() > bounds::hidden_ranges_max) {
    return absl::ResourceExhaustedError(absl::StrCat("at most ", bounds::hidden_ranges_max,
                                                     " separate stretches of a conversation can be hidden: hide one "
                                                     "longer one"));
  }
  lane.wanted.add(first, last);
  may_want_ = true;
  journal_.write(record(conversation, lane));
  return absl::OkStatus();
}

bool Hidden::is_hidden(const ConversationId& conversation, Seq seq) const {
  const auto it = lanes_.find(conversation);
  return it != lanes_.end() && (it->second.known.contains(seq) || it->second.wanted.contains(seq));
}

bool Hidden::is_confirmed(const ConversationId& conversation, Seq seq) const {
  const auto it = lanes_.find(conversation);
  return it != lanes_.end() && it->second.known.contains(seq);
}

SeqRanges Hidden::all(const ConversationId& conversation) const {
  const auto it = lanes_.find(conversation);
  if (it == lanes_.end()) return {};
  SeqRanges both = it->second.known;
  both.merge(it->second.wanted);
  return both;
}

void Hidden::note(const ConversationId& conversation, std::uint64_t hides) {
  if (hides == 0) return;
  Lane& lane = lanes_[conversation];
  if (hides <= lane.hides) return;
  lane.noted = std::max(lane.noted, hides);
  know(lane, true);
}

void Hidden::know(Lane& lane, bool lacks) {
  if (lacks && !lane.lacks) ++lacking_;
  if (!lacks && lane.lacks) --lacking_;
  lane.lacks = lacks;
  may_want_ = may_want_ || lacks;
}

void Hidden::on_history_restored() {
  for (auto& [conversation, lane] : lanes_) {
    lane.wanted.merge(lane.known);
    lane.known = {};
    lane.hides = lane.noted = 0;
    may_want_ = true;
    journal_.write(record(conversation, lane));
  }
}

std::optional<Hidden::Request> Hidden::next_request(MonoTime now) {
  if (is_asking_ || !may_want_ || now < retry_at_) return std::nullopt;
  for (auto& [conversation, lane] : lanes_) {
    if (lane.wanted.empty() && !lane.lacks) continue;
    is_asking_ = true;
    lane.noted = 0;
    Request request{conversation, std::nullopt};
    if (lane.wanted.empty()) return request;
    HideEvents& hide = request.hide.emplace();
    hide.set_conversation(conversation.str());
    hide.set_first_seq(lane.wanted.numbers()[0]);
    hide.set_last_seq(lane.wanted.numbers()[1]);
    return request;
  }
  may_want_ = false;
  return std::nullopt;
}

bool Hidden::on_answer(const ConversationId& conversation, const HiddenEvents& events, bool& is_news) {
  const std::optional<SeqRanges> ranges = SeqRanges::from(events.ranges());
  if (!ranges || ranges->size() > bounds::hidden_ranges_max || events.conversation() != conversation.str()) {
    return false;
  }
  is_asking_ = false;
  Lane& lane = lanes_[conversation];
  if (events.hides() < lane.hides) {  // an answer that was overtaken; to be asked again if something is lacking
    return true;
  }
  SeqRanges before = lane.known;
  before.merge(lane.wanted);
  lane.known = *ranges;
  lane.hides = events.hides();
  know(lane, lane.noted > lane.hides);  // more was hidden while the answer was on its way
  SeqRanges rest;
  const std::vector<std::uint64_t> wanted = lane.wanted.numbers();
  for (std::size_t i = 0; i < wanted.size(); i += 2) {
    SeqRanges one;
    one.add(wanted[i], wanted[i + 1]);
    if (!lane.known.contains_all(one)) rest.merge(one);
  }
  lane.wanted = rest;
  is_news = !before.contains_all(lane.known);
  journal_.write(record(conversation, lane));
  return true;
}

void Hidden::on_error(const ConversationId& conversation, bool is_final, MonoTime retry_at) {
  is_asking_ = false;
  retry_at_ = retry_at;
  if (!is_final) return;
  // The server will not have it: what it has is the truth.
  Lane& lane = lanes_[conversation];
  lane.wanted = {};
  know(lane, false);
  journal_.write(record(conversation, lane));
}

MonoTime Hidden::next_deadline() const {
  return is_asking_ || !may_want_ ? MonoTime::never() : retry_at_;
}

absl::Status Hidden::replay(const ConversationId& conversation, const JournalHidden& record) {
  const auto known = SeqRanges::from(record.ranges());
  const auto wanted = SeqRanges::from(record.wanted());
  if (!known || !wanted) {
    return absl::InvalidArgumentError(
        "journal: what is hidden is no set of ranges: this is not a journal, or it is "
        "damaged");
  }
  Lane& lane = lanes_[conversation];
  lane.hides = record.hides();
  lane.known = *known;
  lane.wanted = *wanted;
  return absl::OkStatus();
}

JournalRecord Hidden::record(const ConversationId& conversation, const Lane& lane) const {
  JournalRecord record;
  JournalHidden& hidden = *record.mutable_hidden();
  hidden.set_conversation(conversation.str());
  hidden.set_hides(lane.hides);
  hidden.mutable_ranges()->Assign(lane.known.numbers().begin(), lane.known.numbers().end());
  hidden.mutable_wanted()->Assign(lane.wanted.numbers().begin(), lane.wanted.numbers().end());
  return record;
}

void Hidden::compact(std::vector<JournalRecord>& out) const {
  for (const auto& [conversation, lane] : lanes_) {
    if (lane.hides != 0 || !lane.wanted.empty()) out.push_back(record(conversation, lane));
  }
}

}  // namespace chasqui::client
