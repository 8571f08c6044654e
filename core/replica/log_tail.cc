#include "core/replica/log_tail.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace chasqui::replica {

void LogTail::reset(RaftIndex base, RaftTerm base_term) {
  base_ = base;
  base_term_ = base_term;
  base_offset_ = 0;
  released_ = base;
  entries_.clear();
  changes_.clear();
}

void LogTail::append(LogEntry entry) {
  CHASQUI_ASSERT(entry.term >= (entries_.empty() ? base_term_ : entries_.back().entry.term), "terms do not fall");
  const std::uint64_t bytes = entry.payload ? entry.payload->size() : 0;
  const std::uint64_t end = offset(last()) + bytes;
  if (entry.type == EntryType::Change) changes_.push_back(last().next());
  entries_.push_back(Held{std::move(entry), end});
}

void LogTail::truncate_from(RaftIndex index) {
  CHASQUI_ASSERT(index > base_, "what was compacted was committed, and is never truncated");
  while (last() >= index) entries_.pop_back();
  while (!changes_.empty() && changes_.back() >= index) changes_.pop_back();
  released_ = std::min(released_, last());
}

void LogTail::drop_to(RaftIndex index) {
  CHASQUI_ASSERT(index <= last(), "only what is here can be dropped");
  if (index <= base_) return;
  base_term_ = at(index).term;
  base_offset_ = offset(index);
  const auto count = static_cast<std::ptrdiff_t>(index.value() - base_.value());
  entries_.erase(entries_.begin(), entries_.begin() + count);
  base_ = index;
  released_ = std::max(released_, base_);
  const auto kept = std::upper_bound(changes_.begin(), changes_.end(), index);
  changes_.erase(changes_.begin(), kept);
}

void LogTail::release_to(RaftIndex index) {
  CHASQUI_ASSERT(index <= last(), "only what is here can be released");
  while (released_ < index) {
    released_ = released_.next();
    LogEntry& entry = entries_[released_.value() - base_.value() - 1].entry;
    if (entry.type != EntryType::Change) entry.payload.reset();
  }
}

bool LogTail::has_payload(RaftIndex index) const {
  return has(index) && (index > released_ || at(index).type == EntryType::Change);
}

RaftTerm LogTail::term_of(RaftIndex index) const {
  if (index == base_) return base_term_;
  return has(index) ? at(index).term : RaftTerm();
}

RaftIndex LogTail::last_change(RaftIndex index) const {
  const auto after = std::upper_bound(changes_.begin(), changes_.end(), index);
  return after == changes_.begin() ? RaftIndex() : *std::prev(after);
}

std::uint64_t LogTail::memory_bytes() const {
  return entries_.size() * sizeof(Held) + bytes_between(released_, last());
}

const LogTail::Held& LogTail::held(RaftIndex index) const {
  CHASQUI_ASSERT(has(index), "the entry is in the tail");
  return entries_[index.value() - base_.value() - 1];
}

std::uint64_t LogTail::offset(RaftIndex index) const {
  return index == base_ ? base_offset_ : held(index).end;
}

}  // namespace chasqui::replica
