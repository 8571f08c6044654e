#include "core/fanout/unparking.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace chasqui::fanout {

void Unparking::clear() {
  destinations_.clear();
  scan_from_.reset();
  scanning_ = unparking_ = false;
  places_ = 0;
  read_at_ = unpark_at_ = MonoTime{};
}

void Unparking::written(ShardId destination) {
  destinations_[destination].dirty = true;
}

void Unparking::answers(ShardId destination) {
  const auto it = destinations_.find(destination);
  if (it != destinations_.end()) it->second.away = false;
}

void Unparking::returns(ShardId destination) {
  const auto it = destinations_.find(destination);
  if (it == destinations_.end()) return;
  it->second.away = false;
  if (it->second.step == Step::Sent) rest(it->second);
}

void Unparking::rest(Destination& destination) {
  destination.step = Step::Resting;
  destination.marks.clear();
  if (std::exchange(destination.has_place, false)) --places_;
}

void Unparking::go_away(Destination& destination, MonoTime retry_at) {
  rest(destination);
  destination.away = true;
  destination.retry_at = retry_at;
}

// ---------------------------------------------------------------------------------------------------------- reads

MonoTime Unparking::read_due(const Destination& destination) const {
  if (destination.step != Step::Resting) return MonoTime::never();
  if (destination.away) return std::max(read_at_, destination.retry_at);
  return places_ < sending_max ? read_at_ : MonoTime::never();
}

std::optional<ParkedRead> Unparking::wants_read(Now now) const {
  if (scan_from_ && !scanning_ && read_at_ <= now.mono) return ParkedRead{*scan_from_, true, std::nullopt, 1};
  for (const auto& [id, destination] : destinations_) {
    if (read_due(destination) > now.mono) continue;
    return ParkedRead{id.value(), false, destination.above,
                      destination.away ? 1 : std::min<std::uint64_t>(limits_.feed_batch_items_max, command_marks_max)};
  }
  return std::nullopt;
}

void Unparking::reading(const ParkedRead& read) {
  if (read.is_scan) {
    scanning_ = true;
    return;
  }
  const auto it = destinations_.find(ShardId(read.destination));
  CHASQUI_ASSERT(it != destinations_.end() && it->second.step == Step::Resting, "wants_read() asked for it");
  Destination& destination = it->second;
  destination.step = Step::Reading;
  if (!destination.above) destination.dirty = false;  // a pass begins
  if (!destination.away) {
    destination.has_place = true;
    ++places_;
  }
}

void Unparking::put_off(Now now) {
  read_at_ = now.mono + put_off_for;
}

bool Unparking::rows_read(const ParkedRead& read, const std::vector<ParkedRow>& rows, bool more) {
  if (read.is_scan) {
    scanning_ = false;
    if (rows.empty()) {
      scan_from_.reset();
    } else {
      scan_from_ = rows.front().destination.value() + 1;
      (void)destinations_[rows.front().destination];  // as one that is dirty
    }
    return true;
  }
  const auto it = destinations_.find(ShardId(read.destination));
  if (it == destinations_.end() || it->second.step != Step::Reading) return true;
  Destination& destination = it->second;
  for (const ParkedRow& row : rows) {
    log::IndexMark& mark = destination.marks.emplace_back();
    mark.set_user(row.user.value());
    mark.set_conversation(row.conversation.str());
    row.owed.put(mark);
  }
  destination.more = more && !rows.empty();
  if (!rows.empty()) {
    destination.step = Step::Ready;
    return true;
  }
  finish(it);
  return destinations_.contains(ShardId(read.destination));
}

// -------------------------------------------------------------------------------------------------------- batches

void Unparking::take_batches(Now now, std::uint64_t& last_batch, std::vector<peer::NotifyBatch>& batches) {
  for (auto& [id, destination] : destinations_) {
    if (destination.step == Step::Sent && destination.sent_at + retry_after <= now.mono) {
      go_away(destination, now.mono);
    }
    if (destination.step != Step::Ready) continue;
    peer::NotifyBatch& batch = batches.emplace_back();
    batch.set_to_shard(static_cast<std::uint32_t>(id.value()));
    batch.set_batch(++last_batch);
    for (const log::IndexMark& mark : destination.marks) {
      peer::NotifyItem& item = *batch.add_items();
      item.set_user(mark.user());
      item.set_conversation(mark.conversation());
      Owed::of(mark).put(item);
    }
    destination.step = Step::Sent;
    destination.batch = last_batch;
    destination.sent_at = now.mono;
    const std::uint64_t pause_ms =
        1'000 * destination.marks.size() / std::max<std::uint64_t>(1, limits_.parked_rows_per_s);
    read_at_ = std::max(read_at_, now.mono) + milliseconds(static_cast<std::int64_t>(pause_ms));
  }
}

void Unparking::not_sent(ShardId id, std::uint64_t batch, Now now) {
  if (is_out(id, batch)) go_away(destinations_[id], now.mono + retry_after);
}

bool Unparking::is_out(ShardId id, std::uint64_t batch) const {
  const auto it = destinations_.find(id);
  return it != destinations_.end() && it->second.step == Step::Sent && it->second.batch == batch;
}

void Unparking::acknowledged(ShardId id, std::uint64_t batch) {
  if (is_out(id, batch)) destinations_[id].step = Step::Told;
}

// ------------------------------------------------------------------------------------------------------- commands

bool Unparking::take_unpark(Now now, log::Unpark& command) {
  if (unparking_ || unpark_at_ > now.mono) return false;
  for (auto& [id, destination] : destinations_) {
    if (destination.step != Step::Told) continue;
    if (command.marks_size() + static_cast<int>(destination.marks.size()) > command_marks_max) break;
    for (const log::IndexMark& mark : destination.marks) *command.add_marks() = mark;
    destination.step = Step::Unparking;
    unparking_ = true;
  }
  return unparking_;
}

void Unparking::applied() {
  unparking_ = false;
  std::vector<ShardId> told;
  for (const auto& [id, destination] : destinations_) {
    if (destination.step == Step::Unparking) told.push_back(id);
  }
  for (const ShardId id : told) finish(destinations_.find(id));
}

void Unparking::finish(Destinations::iterator at) {
  Destination& destination = at->second;
  if (destination.more) {
    const log::IndexMark& last = destination.marks.back();
    destination.above = {UserId(last.user()), *ConversationId::parse(last.conversation())};
  } else {
    destination.above.reset();
  }
  const bool done = !destination.more && !destination.dirty;
  rest(destination);
  if (done) destinations_.erase(at);
}

void Unparking::give_back(Now now) {
  unparking_ = false;
  unpark_at_ = now.mono + put_off_for;
  for (auto& [id, destination] : destinations_) {
    if (destination.step == Step::Unparking) destination.step = Step::Told;
  }
}

// ----------------------------------------------------------------------------------------------------------- time

MonoTime Unparking::batches_due() const {
  MonoTime due = MonoTime::never();
  for (const auto& [id, destination] : destinations_) {
    if (destination.step == Step::Ready) return MonoTime{};
    if (destination.step == Step::Sent) due = earlier(due, destination.sent_at + retry_after);
  }
  return due;
}

MonoTime Unparking::next_deadline() const {
  MonoTime due = batches_due();
  if (scan_from_ && !scanning_) due = earlier(due, read_at_);
  for (const auto& [id, destination] : destinations_) {
    due = earlier(due, read_due(destination));
    if (destination.step == Step::Told && !unparking_) due = earlier(due, unpark_at_);
  }
  return due;
}

std::uint64_t Unparking::size() const {
  std::uint64_t marks = 0;
  for (const auto& [id, destination] : destinations_) marks += destination.marks.size();
  return marks;
}

}  // namespace chasqui::fanout
