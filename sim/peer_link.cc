#include "sim/peer_link.h"

#include "core/base/check.h"

namespace chasqui::sim {
namespace {

constexpr char raft_tag = 2 << 3 | 2;  // PeerFrame.raft

}  // namespace

bool is_raft(const std::string& peer_frame) {
  return !peer_frame.empty() && peer_frame[0] == raft_tag;
}

std::size_t PeerQueue::push(Parcel parcel, std::uint64_t bytes_max) {
  const bool raft = is_raft(parcel.bytes);
  const std::uint64_t size = parcel.bytes.size();
  // Whatever its size, a frame that finds nothing before it is taken: no bound is below the largest frame.
  if (raft && raft_bytes_ > 0 && raft_bytes_ + size > bytes_max / 4 * 3) return 1;
  std::size_t dropped = 0;
  for (std::size_t i = left_; bytes_ + size > bytes_max && i < parcels_.size();) {
    if (is_raft(parcels_[i].bytes)) {
      ++i;
      continue;
    }
    bytes_ -= parcels_[i].bytes.size();
    parcels_.erase(parcels_.begin() + static_cast<std::ptrdiff_t>(i));
    ++dropped;
  }
  if (!parcels_.empty() && bytes_ + size > bytes_max) return dropped + 1;
  bytes_ += size;
  if (raft) raft_bytes_ += size;
  parcels_.push_back(std::move(parcel));
  return dropped;
}

Parcel PeerQueue::pop() {
  CHASQUI_ASSERT(!parcels_.empty(), "only what was sent arrives");
  Parcel parcel = std::move(parcels_.front());
  parcels_.pop_front();
  if (left_ > 0) --left_;
  bytes_ -= parcel.bytes.size();
  if (is_raft(parcel.bytes)) raft_bytes_ -= parcel.bytes.size();
  return parcel;
}

void PeerQueue::drop_left() {
  for (std::size_t count = left_; count > 0; --count) (void)pop();
}

void PeerQueue::keep(std::size_t count) {
  while (parcels_.size() > count) {
    bytes_ -= parcels_.back().bytes.size();
    if (is_raft(parcels_.back().bytes)) raft_bytes_ -= parcels_.back().bytes.size();
    parcels_.pop_back();
  }
  if (left_ > parcels_.size()) left_ = parcels_.size();
}

}  // namespace chasqui::sim
