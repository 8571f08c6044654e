#include "core/client/inbox.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/points.h"

namespace chasqui::client {
namespace {

constexpr std::uint64_t seq_max = std::uint64_t{1} << 62;  // above: nobody has sent that much

}  // namespace

absl::Status check_event(const Event& event) {
  if (event.seq() == 0 || event.seq() > seq_max) {
    return absl::InvalidArgumentError(absl::StrCat("an event with seq ", event.seq(), ", which no event can have"));
  }
  if (event.body_case() == Event::kPayload && view(blake2b_256(event.payload())) != event.digest()) {
    return absl::InvalidArgumentError(
        absl::StrCat("event ", event.seq(), " is not what its digest says: damaged on its way"));
  }
  return absl::OkStatus();
}

absl::Status Inbox::on_event(const ConversationId& conversation, const Event& event) {
  Lane* lane = fetch_ ? lane_of(conversation) : nullptr;
  if (lane == nullptr) return absl::OkStatus();
  const Seq seq(event.seq());
  if (seq <= lane->journaled && seq != Seq()) return absl::OkStatus();  // again
  if (absl::Status status = check_event(event); !status.ok()) return status;
  lane->head_since_fetch = std::max(lane->head_since_fetch, seq);
  lane->head = std::max(lane->head, seq);
  if (seq == lane->journaled.next() && has_room(1)) {
    take(conversation, *lane, event);
    take_what_follows(conversation, *lane);
  } else if (seq > lane->journaled.next()) {
    buffer(*lane, event);
  }
  want(conversation, *lane);
  return absl::OkStatus();
}

void Inbox::note_head(const ConversationId& conversation, Seq head) {
  Lane* lane = lane_of(conversation);
  if (lane == nullptr || head.value() > seq_max) return;
  lane->head_since_fetch = std::max(lane->head_since_fetch, head);
  lane->head = std::max(lane->head, head);
  want(conversation, *lane);
}

void Inbox::expect_head(const ConversationId& conversation, Seq head, MonoTime at) {
  if (!fetch_) return note_head(conversation, head);
  Lane* lane = lane_of(conversation);
  if (lane == nullptr || head.value() > seq_max || head <= lane->head) return;
  lane->expected = std::max(lane->expected, head);
  expectations_.set_earlier(conversation, at);
}

Inbox::Lane* Inbox::lane_of(const ConversationId& conversation) {
  const auto it = lanes_.find(conversation);
  if (it != lanes_.end()) return &it->second;
  if (lanes_.size() >= conversations_max) return nullptr;
  return &lanes_[conversation];
}

const Inbox::Lane* Inbox::find(const ConversationId& conversation) const {
  const auto it = lanes_.find(conversation);
  return it == lanes_.end() ? nullptr : &it->second;
}

// `share`: 2 asks for half of it to be free, so that what is fetched finds room beside what is pushed.
bool Inbox::has_room(std::uint64_t share) const {
  return unsynced_.size() < unsynced_events_max / share && unsynced_bytes_ < unsynced_bytes_max / share;
}

// -------------------------------------------------------------------------------------------------------- taking

void Inbox::take(const ConversationId& conversation, Lane& lane, const Event& event) {
  CHASQUI_ASSERT(event.seq() == lane.journaled.value() + 1, "events are taken without a gap");
  if (event.withheld()) {  // it is for nobody to see, and its place is taken
    CHASQUI_MARK("withheld_passed");
    note_erasure(lane, event);
    lane.journaled = Seq(event.seq());
    unsynced_.push_back({journal_.write(position_record(conversation, lane)), conversation, lane.journaled, 0, true});
    return;
  }
  JournalRecord record;
  record.mutable_taken()->set_conversation(conversation.str());
  event.SerializeToString(record.mutable_taken()->mutable_event());
  const std::uint64_t bytes = record.taken().event().size();
  lane.journaled = Seq(event.seq());
  lane.kept.push_back(event);
  note_erasure(lane, event);
  unsynced_.push_back({journal_.write(record), conversation, lane.journaled, bytes});
  unsynced_bytes_ += bytes;
}

void Inbox::take_what_follows(const ConversationId& conversation, Lane& lane) {
  while (!lane.above_gap.empty() && has_room(1)) {
    const auto first = lane.above_gap.begin();
    if (first->first > lane.journaled.next()) return;
    if (first->first == lane.journaled.next()) take(conversation, lane, first->second);
    forget(lane, first->first);
  }
}

void Inbox::buffer(Lane& lane, const Event& event) {
  const std::uint64_t bytes = event.ByteSizeLong();
  if (lane.above_gap.size() >= lane_buffer_events_max || buffered_ >= buffer_events_max ||
      buffered_bytes_ + bytes > buffer_bytes_max || !lane.above_gap.insert({Seq(event.seq()), event}).second) {
    return;  // no room, or it is there already
  }
  ++buffered_;
  buffered_bytes_ += bytes;
}

void Inbox::forget(Lane& lane, Seq seq) {
  const auto it = lane.above_gap.find(seq);
  --buffered_;
  buffered_bytes_ -= it->second.ByteSizeLong();
  lane.above_gap.erase(it);
}

void Inbox::on_persisted(std::vector<Received>& out) {
  while (!unsynced_.empty() && journal_.is_safe(unsynced_.front().record)) {
    const Unsynced& next = unsynced_.front();
    Lane& lane = lanes_[next.conversation];
    if (!next.is_hidden) {
      CHASQUI_ASSERT(next.seq == lane.taken.next() && !lane.kept.empty(), "what becomes safe follows what is taken");
      const auto event = std::lower_bound(lane.kept.begin(), lane.kept.end(), next.seq.value(),
                                          [](const Event& kept, std::uint64_t seq) { return kept.seq() < seq; });
      CHASQUI_ASSERT(event != lane.kept.end() && event->seq() == next.seq.value(), "what is not shown is kept");
      out.push_back({next.conversation, *event});
    }
    lane.taken = next.seq;
    unsynced_bytes_ -= next.bytes;
    unsynced_.pop_front();
  }
}

void Inbox::mark_shown(const ConversationId& conversation, Seq seq) {
  const auto it = lanes_.find(conversation);
  if (it == lanes_.end()) return;
  Lane& lane = it->second;
  const Seq shown = std::min(seq, lane.taken);  // what is not taken has not been shown
  if (shown <= lane.shown) return;
  lane.shown = shown;
  while (!lane.kept.empty() && lane.kept.front().seq() <= shown.value()) lane.kept.pop_front();
  JournalRecord record;
  record.mutable_shown()->set_conversation(conversation.str());
  record.mutable_shown()->set_seq(shown.value());
  journal_.write(record);
}

Seq Inbox::taken(const ConversationId& conversation) const {
  const Lane* lane = find(conversation);
  return lane == nullptr ? Seq() : lane->taken;
}

Seq Inbox::head(const ConversationId& conversation) const {
  const Lane* lane = find(conversation);
  return lane == nullptr ? Seq() : std::max(lane->head, lane->journaled);
}

std::vector<Received> Inbox::not_shown() const {
  std::vector<Received> all;
  for (const auto& [conversation, lane] : lanes_) {
    for (const Event& event : lane.kept) {
      if (event.seq() <= lane.taken.value()) all.push_back({conversation, event});
    }
  }
  return all;
}

std::vector<ConversationId> Inbox::conversations() const {
  std::vector<ConversationId> all;
  for (const auto& [conversation, lane] : lanes_) {
    if (std::max(lane.head, lane.journaled) > Seq()) all.push_back(conversation);
  }
  return all;
}

}  // namespace chasqui::client
