// The link between two processes of a cluster, as TCP carries it: one connection at a time, whole frames, in order,
// none doubled, until it breaks. All their nodes share it.
//
// Each direction is a queue with a bound, of which the front is on its way. A break loses an independent suffix of each
// direction; each side learns of it in its own time, and whoever has learned dials again. Once a new connection stands,
// what the old one still carried is gone: a frame of it never comes after the first of the new one. When something
// happens, and for how long, is the world's matter (world_peers.cc).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "sim/codec.h"
#include "sim/event_queue.h"

namespace chasqui::sim {

struct Parcel {
  std::uint32_t from = 0;  // nodes
  std::uint32_t to = 0;
  std::string bytes;        // a peer.PeerFrame
  std::uint64_t cause = 0;  // the event during which it was handed out
};

// What may be dropped first: all but Raft's messages (RELIABILITY.md section 5). By the frame's first tag.
[[nodiscard]] bool is_raft(const std::string& peer_frame);

// One direction.
class PeerQueue {
 public:
  // Takes the parcel, or drops what the bound says: first what is not Raft's and has not left, oldest first; then the
  // new one, if it is too much for Raft's share. Returns how many were dropped.
  std::size_t push(Parcel parcel, std::uint64_t bytes_max);
  // The first `count` are on the wire, and no longer to be dropped; never fewer than before.
  void leave(std::size_t count) { left_ = count > left_ ? count : left_; }
  [[nodiscard]] bool empty() const { return parcels_.empty(); }
  [[nodiscard]] std::size_t size() const { return parcels_.size(); }
  [[nodiscard]] std::size_t left() const { return left_; }
  [[nodiscard]] const Parcel& front() const { return parcels_.front(); }
  [[nodiscard]] Parcel pop();
  void keep(std::size_t count);  // the others are lost
  void drop_left();              // a new connection stands: what the old one carried is gone
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  std::deque<Parcel> parcels_;
  std::size_t left_ = 0;  // of them, from the front: on their way
  std::uint64_t bytes_ = 0;
  std::uint64_t raft_bytes_ = 0;
};

struct PeerLink {
  std::array<std::uint32_t, 2> ends{};  // processes; equal: the queue between the nodes of one process
  std::uint64_t epoch = 0;              // counts connections
  bool alive = false;                   // this one carries something
  std::uint64_t dials = 0;              // under way or over; a number for each
  bool dialing = false;
  std::uint64_t failures = 0;  // of dials, in a row
  Time dial_at = 0;            // not before

  struct Side {
    bool open = false;        // this end believes in the connection
    bool wants = false;       // it is up and has no connection
    bool other_died = false;  // and the kernel over there has said so
    PeerQueue out;            // what it sends
    std::uint64_t held = 0;   // frames of it that would have arrived, were nothing cut
    Time last_arrival = 0;    // of what it sends
    Time stall = 0;           // what its frames take more, until
    Time stall_until = 0;
    std::uint64_t draws = 0;
    StreamCheck stream;  // knob `codec`
  };
  std::array<Side, 2> sides;

  [[nodiscard]] bool inner() const { return ends[0] == ends[1]; }
  // The end at which `process` stands.
  [[nodiscard]] std::size_t side_of(std::uint32_t process) const { return ends[0] == process ? 0 : 1; }
};

}  // namespace chasqui::sim
