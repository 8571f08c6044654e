// The inbox's gaps: which conversations lack something, and the History requests that fill them.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/client/inbox.h"

namespace chasqui::client {

bool Inbox::wants(const ConversationId& conversation, const Lane& lane) const {
  return fetch_ && (lane.head > lane.journaled || verifying_.contains(conversation));
}

void Inbox::want(const ConversationId& conversation, Lane& lane) {
  if (!wants(conversation, lane)) {
    behind_.erase(conversation);
    retries_.clear(conversation);
    lane.failures = 0;
    return;
  }
  behind_.insert(conversation);
  if (lane.fetching || lane.queued || lane.failures > 0) return;  // after a failure its timer queues it
  lane.queued = true;
  queue_.push_back(conversation);
}

std::optional<Fetch> Inbox::next_fetch(MonoTime now) {
  while (const auto due = expectations_.pop_due(now)) {
    Lane& lane = lanes_[*due];
    note_head(*due, lane.expected);
  }
  while (const auto due = retries_.pop_due(now)) {
    Lane& lane = lanes_[*due];
    if (lane.fetching || lane.queued) continue;
    lane.queued = true;
    queue_.push_back(*due);
  }
  if (now < paused_until_ || fetching_ >= fetches_max || !has_room(2)) return std::nullopt;
  while (!queue_.empty()) {
    const ConversationId conversation = queue_.front();
    queue_.pop_front();
    Lane& lane = lanes_[conversation];
    lane.queued = false;
    if (!wants(conversation, lane)) continue;
    std::uint64_t limit = fetch_events_max;
    if (!lane.above_gap.empty() && lane.above_gap.begin()->first > lane.journaled.next()) {
      limit = std::min(limit, lane.above_gap.begin()->first.value() - lane.journaled.value() - 1);
    }
    lane.fetching = true;
    lane.head_since_fetch = Seq();
    ++fetching_;
    return Fetch{conversation, lane.journaled, static_cast<std::uint32_t>(limit)};
  }
  return std::nullopt;
}

MonoTime Inbox::next_deadline(MonoTime now) const {
  MonoTime next = earlier(expectations_.next(), retries_.next());
  if (!queue_.empty() && paused_until_ > now) next = earlier(next, paused_until_);
  return next;
}

absl::Status Inbox::on_page(const ConversationId& conversation, const HistoryPage& page, MonoTime now) {
  Lane& lane = lanes_[conversation];
  CHASQUI_ASSERT(lane.fetching && fetching_ > 0, "a page belongs to a fetch that is outstanding");
  lane.fetching = false;
  --fetching_;
  const Seq before = lane.journaled;
  int hidden = 0;
  for (const Event& event : page.events()) {
    if (absl::Status status = pass_hidden(conversation, lane, page, hidden); !status.ok()) return status;
    if (event.seq() > lane.journaled.value() + 1 && has_room(1)) {
      return absl::InvalidArgumentError(absl::StrCat("a page of history of conversation ", conversation.hex(),
                                                     " lacks event ", lane.journaled.value() + 1));
    }
    if (absl::Status status = on_event(conversation, event); !status.ok()) return status;
  }
  if (absl::Status status = pass_hidden(conversation, lane, page, hidden); !status.ok()) return status;
  // A page is read when it is asked, and sees all that was accepted before: a head above it that we were told before we
  // asked was never there, or is gone.
  lane.head = std::max({Seq(page.head()), lane.head_since_fetch, lane.journaled});
  if (!lane.above_gap.empty()) lane.head = std::max(lane.head, lane.above_gap.rbegin()->first);
  if (verifying_.contains(conversation)) verify(conversation, lane, Seq(page.head()));
  if (lane.journaled > before || !wants(conversation, lane) || !has_room(2)) {
    lane.failures = 0;
    want(conversation, lane);
  } else {
    retry(conversation, lane, now, 0);
  }
  return absl::OkStatus();
}

// Of a group, what this user was no member at: it never comes, and is passed over where it is next.
absl::Status Inbox::pass_hidden(const ConversationId& conversation, Lane& lane, const HistoryPage& page, int& at) {
  for (; at < page.hidden_size() && page.hidden(at).from() <= lane.journaled.value() + 1; ++at) {
    const SeqRange& range = page.hidden(at);
    if (!conversation.is_group() || range.from() == 0 || range.to() < range.from() || range.to() > page.head()) {
      return absl::InvalidArgumentError(absl::StrCat("a page of history of conversation ", conversation.hex(),
                                                     " hides ", range.from(), " to ", range.to(), " of ", page.head()));
    }
    if (!has_room(1)) return absl::OkStatus();
    if (range.to() > lane.journaled.value()) pass(conversation, lane, Seq(range.to()));
  }
  return absl::OkStatus();
}

JournalRecord Inbox::position_record(const ConversationId& conversation, const Lane& lane) {
  JournalRecord record;
  record.mutable_position()->set_conversation(conversation.str());
  record.mutable_position()->set_taken(lane.journaled.value());
  record.mutable_position()->set_shown(lane.shown.value());
  return record;
}

void Inbox::pass(const ConversationId& conversation, Lane& lane, Seq to) {
  lane.journaled = to;
  unsynced_.push_back({journal_.write(position_record(conversation, lane)), conversation, to, 0, true});
  while (!lane.above_gap.empty() && lane.above_gap.begin()->first <= to) forget(lane, lane.above_gap.begin()->first);
  take_what_follows(conversation, lane);
}

void Inbox::on_fetch_error(const ConversationId& conversation, const Error& error, MonoTime now) {
  Lane& lane = lanes_[conversation];
  CHASQUI_ASSERT(lane.fetching && fetching_ > 0, "an error belongs to a fetch that is outstanding");
  lane.fetching = false;
  --fetching_;
  if (error.code() == PERMISSION_DENIED || error.code() == NOT_FOUND) {
    // Not ours to see (any more): nothing there is missing, until a new head is told.
    lane.head = lane.journaled;
    verifying_.erase(conversation);
    want(conversation, lane);
    return;
  }
  if (error.code() == RESOURCE_EXHAUSTED) {
    const Duration pause = std::max(full_jitter(random_, retry_base_, retry_cap_, 0),
                                    milliseconds(std::min<std::int64_t>(error.retry_after_ms(), 3'600'000)));
    paused_until_ = std::max(paused_until_, now + pause);
  }
  if (!wants(conversation, lane)) return want(conversation, lane);  // it was pushed meanwhile: nothing is repeated
  retry(conversation, lane, now, error.retry_after_ms());
}

void Inbox::retry(const ConversationId& conversation, Lane& lane, MonoTime now, std::uint32_t retry_after_ms) {
  const Duration jitter = full_jitter(random_, retry_base_, retry_cap_, lane.failures);
  const Duration advised = milliseconds(std::min<std::int64_t>(retry_after_ms, 3'600'000));
  if (lane.failures < 30) ++lane.failures;
  retries_.set(conversation, now + std::max(jitter, advised));
}

void Inbox::on_connected() {
  for (const ConversationId& conversation : behind_) {
    Lane& lane = lanes_[conversation];
    lane.failures = 0;
    if (lane.queued) continue;
    lane.queued = true;
    queue_.push_back(conversation);
  }
}

void Inbox::on_connection_lost() {
  for (auto& [conversation, lane] : lanes_) {
    if (lane.expected > lane.head) lane.head = lane.expected;  // its push will not come any more
    lane.fetching = lane.queued = false;
    lane.failures = 0;
    if (wants(conversation, lane)) behind_.insert(conversation);
  }
  queue_.clear();
  retries_.clear_all();
  expectations_.clear_all();
  fetching_ = 0;
  paused_until_ = MonoTime{};
}

// ---------------------------------------------------------------------------------------------- a restored server

void Inbox::verify_all() {
  if (!fetch_) return;
  for (auto& [conversation, lane] : lanes_) {
    if (lane.journaled == Seq()) continue;
    verifying_.insert(conversation);
    want(conversation, lane);
  }
}

void Inbox::verify(const ConversationId& conversation, Lane& lane, Seq head) {
  if (lane.journaled != lane.taken) return;  // first let be safe what is under way; then ask again
  verifying_.erase(conversation);
  if (head < lane.journaled) go_back(conversation, lane, head);
}

void Inbox::go_back(const ConversationId& conversation, Lane& lane, Seq head) {
  CHASQUI_ASSERT(lane.journaled == lane.taken && head < lane.taken, "one goes back from what is taken");
  lane.taken = lane.journaled = lane.head = head;
  lane.shown = std::min(lane.shown, head);
  while (!lane.kept.empty() && lane.kept.back().seq() > head.value()) lane.kept.pop_back();
  while (!lane.above_gap.empty()) forget(lane, lane.above_gap.begin()->first);
  JournalRecord record;
  record.mutable_position()->set_conversation(conversation.str());
  record.mutable_position()->set_taken(head.value());
  record.mutable_position()->set_shown(lane.shown.value());
  journal_.write(record);
}

// --------------------------------------------------------------------------------------------------------- journal

absl::Status Inbox::replay(const ConversationId& conversation, const JournalTaken& record, Event& event) {
  Lane* lane = lane_of(conversation);
  if (lane == nullptr || !event.ParseFromString(record.event())) {
    return absl::InvalidArgumentError(absl::StrCat("journal: an event of conversation ", conversation.hex(),
                                                   " cannot be read: this is not a journal, or it is damaged"));
  }
  if (event.seq() <= lane->taken.value()) return absl::OkStatus();  // said before
  if (event.seq() != lane->taken.value() + 1) {
    return absl::InvalidArgumentError(absl::StrCat("journal: event ", event.seq(), " of conversation ",
                                                   conversation.hex(), " follows ", lane->taken.value(),
                                                   ": records are missing in between"));
  }
  lane->taken = lane->journaled = Seq(event.seq());
  lane->head = std::max(lane->head, lane->taken);
  lane->kept.push_back(event);
  note_erasure(*lane, event);
  return absl::OkStatus();
}

absl::Status Inbox::replay(const ConversationId& conversation, const JournalPosition& record) {
  Lane* lane = lane_of(conversation);
  if (lane == nullptr || record.shown() > record.taken()) {
    return absl::InvalidArgumentError(absl::StrCat("journal: conversation ", conversation.hex(), " shown up to ",
                                                   record.shown(), " of ", record.taken(),
                                                   ": this is not a journal, or it is damaged"));
  }
  if (lane->journaled == Seq()) lane->shown_elsewhere = Seq(record.shown());  // a journal that was compacted begins so
  // A lower one goes back (keeping what is below), a higher one is a compaction, which keeps its events after it.
  lane->taken = lane->journaled = lane->head = Seq(record.taken());
  lane->shown = Seq(record.shown());
  while (!lane->kept.empty() && lane->kept.back().seq() > record.taken()) lane->kept.pop_back();
  while (!lane->kept.empty() && lane->kept.front().seq() <= record.shown()) lane->kept.pop_front();
  return absl::OkStatus();
}

void Inbox::replay(const ConversationId& conversation, const JournalShown& record) {
  const auto it = lanes_.find(conversation);
  if (it == lanes_.end()) return;
  Lane& lane = it->second;
  lane.shown = std::max(lane.shown, std::min(Seq(record.seq()), lane.taken));
  while (!lane.kept.empty() && lane.kept.front().seq() <= lane.shown.value()) lane.kept.pop_front();
}

void Inbox::compact(std::vector<JournalRecord>& out) const {
  for (const auto& [conversation, lane] : lanes_) {
    if (lane.journaled == Seq()) continue;
    JournalPosition& position = *out.emplace_back().mutable_position();
    position.set_conversation(conversation.str());
    position.set_taken(lane.shown.value());
    position.set_shown(lane.shown.value());
    Seq at = lane.shown;
    const auto pass_to = [&](Seq seq) {  // what is hidden between two that are kept
      if (seq <= at) return;
      JournalPosition& passed = *out.emplace_back().mutable_position();
      passed.set_conversation(conversation.str());
      passed.set_taken(seq.value());
      passed.set_shown(lane.shown.value());
      at = seq;
    };
    for (const Event& event : lane.kept) {
      pass_to(Seq(event.seq() - 1));
      at = Seq(event.seq());
      JournalTaken& taken = *out.emplace_back().mutable_taken();
      taken.set_conversation(conversation.str());
      event.SerializeToString(taken.mutable_event());
    }
    pass_to(lane.journaled);
  }
}

}  // namespace chasqui::client
