#include "sim/disk/sim_log.h"

#include "absl/strings/str_cat.h"
#include "core/base/check.h"

namespace chasqui::sim {
namespace {

RaftIndex last_of(const ReplicaImage& image) {
  return RaftIndex(image.first_index.value() + image.entries.size() - 1);
}

}  // namespace

std::string SimLog::append(LogAppend append) {
  if (append.id != last_id_.next()) {
    return absl::StrCat("append ", append.id.value(), " follows append ", last_id_.value());
  }
  last_id_ = append.id;
  const std::uint64_t shard = append.shard.value();
  if (append.reset && append.snapshot) last_[shard] = append.snapshot->index;
  if (!append.entries.empty()) {
    const std::uint64_t last = last_[shard].value();
    const std::uint64_t first = append.first_index.value();
    if (first == 0 || first > last + 1) {
      return absl::StrCat("shard ", shard, ": entry ", first, " is appended to a log that ends at ", last);
    }
    last_[shard] = RaftIndex(first + append.entries.size() - 1);
  }
  pending_.push_back(std::move(append));
  return {};
}

void SimLog::begin_sync() {
  CHASQUI_ASSERT(!syncing_, "one sync at a time");
  syncing_ = true;
  in_sync_ = pending_.size();
}

AppendId SimLog::end_sync() {
  CHASQUI_ASSERT(syncing_, "a sync ends once");
  syncing_ = false;
  for (; in_sync_ > 0; --in_sync_) {
    acknowledged_ = pending_.front().id;
    apply(pending_.front(), durable_[pending_.front().shard.value()]);
    pending_.pop_front();
  }
  return acknowledged_;
}

AppendId SimLog::crash(std::size_t survivors) {
  AppendId last = acknowledged_;
  for (std::size_t i = 0; i < survivors && i < pending_.size(); ++i) {
    last = pending_[i].id;
    apply(pending_[i], durable_[pending_[i].shard.value()]);
  }
  pending_.clear();
  in_sync_ = 0;
  syncing_ = false;
  last_id_ = AppendId();
  acknowledged_ = AppendId();
  last_.clear();
  for (const auto& [shard, image] : durable_) last_[shard] = last_of(image);
  return last;
}

bool SimLog::forget_last_entry(ShardId shard) {
  const auto it = durable_.find(shard.value());
  if (it == durable_.end() || it->second.entries.empty()) return false;
  it->second.entries.pop_back();
  last_[shard.value()] = last_of(it->second);
  return true;
}

std::vector<ReplicaImage> SimLog::image() const {
  std::vector<ReplicaImage> images;
  images.reserve(durable_.size());
  for (const auto& [shard, image] : durable_) images.push_back(image);
  return images;
}

RaftIndex SimLog::last_index(ShardId shard) const {
  const auto it = durable_.find(shard.value());
  return it == durable_.end() ? RaftIndex() : last_of(it->second);
}

SimGuard::Tails SimLog::tails() const {
  SimGuard::Tails tails;
  for (const auto& [shard, image] : durable_) {
    const RaftTerm term = image.entries.empty() ? image.snapshot.term : image.entries.back().term;
    tails[shard] = {term.value(), last_of(image).value()};
  }
  return tails;
}

const ReplicaImage* SimLog::durable(ShardId shard) const {
  const auto it = durable_.find(shard.value());
  return it == durable_.end() ? nullptr : &it->second;
}

bool SimLog::holds(ShardId shard, RaftIndex index, RaftTerm term) const {
  const ReplicaImage* image = durable(shard);
  if (image == nullptr) return false;
  if (index < image->first_index) return true;
  const std::uint64_t place = index.value() - image->first_index.value();
  return place < image->entries.size() && image->entries[static_cast<std::size_t>(place)].term == term;
}

SimLog::View SimLog::view(ShardId shard) const {
  ReplicaImage image;
  if (const ReplicaImage* kept = durable(shard); kept != nullptr) image = *kept;
  for (const LogAppend& append : pending_) {
    if (append.shard == shard) apply(append, image);
  }
  return {image.first_index, std::move(image.entries), image.hard_state.term};
}

// The last append that reaches so far down decides: what it does not hold it has cut off.
const LogEntry* SimLog::entry(ShardId shard, RaftIndex index) const {
  for (auto it = pending_.rbegin(); it != pending_.rend(); ++it) {
    if (it->shard != shard) continue;
    if (!it->entries.empty() && it->first_index <= index) {
      const std::uint64_t place = index.value() - it->first_index.value();
      return place < it->entries.size() ? &it->entries[static_cast<std::size_t>(place)] : nullptr;
    }
    if (it->reset) return nullptr;
  }
  const ReplicaImage* image = durable(shard);
  if (image == nullptr || index < image->first_index) return nullptr;
  const std::uint64_t place = index.value() - image->first_index.value();
  return place < image->entries.size() ? &image->entries[static_cast<std::size_t>(place)] : nullptr;
}

RaftTerm SimLog::term(ShardId shard) const {
  for (auto it = pending_.rbegin(); it != pending_.rend(); ++it) {
    if (it->shard == shard && it->hard_state) return it->hard_state->term;
  }
  const ReplicaImage* image = durable(shard);
  return image == nullptr ? RaftTerm() : image->hard_state.term;
}

void SimLog::apply(const LogAppend& append, ReplicaImage& image) {
  image.shard = append.shard;
  if (append.reset) {
    image.entries.clear();
    if (append.snapshot) image.first_index = append.snapshot->index.next();
  }
  if (append.hard_state) image.hard_state = *append.hard_state;
  if (append.snapshot) image.snapshot = *append.snapshot;
  if (!append.entries.empty()) {
    const std::uint64_t first = append.first_index.value();
    if (image.entries.empty() && first > image.first_index.value()) image.first_index = append.first_index;
    const std::uint64_t base = image.first_index.value();
    image.entries.resize(static_cast<std::size_t>(first > base ? first - base : 0));
    if (first < base) image.first_index = append.first_index;
    image.entries.insert(image.entries.end(), append.entries.begin(), append.entries.end());
  }
  const std::uint64_t keep_from = append.drop_below.value();
  if (keep_from > image.first_index.value()) {
    const std::size_t dropped =
        std::min<std::size_t>(image.entries.size(), static_cast<std::size_t>(keep_from - image.first_index.value()));
    image.entries.erase(image.entries.begin(), image.entries.begin() + static_cast<std::ptrdiff_t>(dropped));
    image.first_index = RaftIndex(image.first_index.value() + dropped);
  }
}

}  // namespace chasqui::sim
