// Frames that wait for a peer: in order, bounded, and Raft's kept longest (RELIABILITY.md section 5).
//
// Whatever is dropped may be: Raft sends again, and everything else is asked for again by whoever misses it. What stays
// keeps its order.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "core/base/bounds.h"
#include "core/base/ids.h"

namespace chasqui {

struct PeerMail {
  NodeId from;
  NodeId to;
  std::string bytes;  // a peer.PeerFrame
  // Instead of a frame: a word on `from`, which keeps its place among them and is never dropped.
  enum class Word : std::uint8_t { None, Reachable, Unreachable, Dead } word = Word::None;
};

class PeerQueue {
 public:
  struct Bounds {
    std::uint64_t bytes_max = bounds::peer_queue_bytes_max;
    std::uint64_t raft_bytes_max = bounds::peer_queue_raft_bytes_max;
  };
  PeerQueue() = default;
  explicit PeerQueue(Bounds bounds) : bounds_(bounds) {}

  // Takes the frame, dropping older ones that are not Raft's if it is Raft's and there is no room. False: it was
  // dropped itself.
  bool push(PeerMail mail);
  [[nodiscard]] bool is_empty() const { return mails_.empty(); }
  [[nodiscard]] const PeerMail& front() const { return mails_.front(); }
  PeerMail pop();
  void clear();  // counts nothing as dropped: the link is gone, and so is all that was under way

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }  // frames, since the beginning

  // What a frame costs here: its bytes, and what holds them.
  [[nodiscard]] static std::uint64_t cost(const PeerMail& mail);

 private:
  void make_room(std::uint64_t bytes);

  Bounds bounds_;
  std::deque<PeerMail> mails_;
  std::uint64_t bytes_ = 0;
  std::uint64_t raft_bytes_ = 0;
  std::uint64_t dropped_ = 0;
};

// Is it a peer.PeerFrame with Raft messages? By its first byte: it has one field.
[[nodiscard]] bool is_raft(std::string_view frame);

}  // namespace chasqui
