// One WebSocket between a device and a node, as TCP carries it: whole frames, in order, none doubled, until it breaks.
//
// A break loses an independent suffix of each direction, and neither side is told at once: each learns in its own time.
// The two ends are two facts: the device may have given up while the node still believes, and the other way round. So a
// device can have a new connection while its old one lives.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "core/base/ids.h"
#include "sim/codec.h"
#include "sim/event_queue.h"

namespace chasqui::sim {

// What the network of a device does to a frame.
struct LinkProfile {
  Time latency_min = 0;
  Time latency_max = 0;
  Time ns_per_byte = 0;
};

// One direction.
class Pipe {
 public:
  struct Times {
    Time leaves = 0;   // the sender's socket is rid of it
    Time arrives = 0;  // never before the frame ahead of it
  };
  // `delay`: latency and stalls of this frame.
  Times send(Time now, std::string bytes, Time ns_per_byte, Time delay);
  [[nodiscard]] bool empty() const { return in_flight_.empty(); }
  [[nodiscard]] std::size_t size() const { return in_flight_.size(); }
  [[nodiscard]] std::string receive();  // the oldest
  [[nodiscard]] const std::string& next() const { return in_flight_.front(); }
  void keep(std::size_t frames);  // the others are lost
  [[nodiscard]] Time last_arrival() const { return last_arrival_; }

 private:
  std::deque<std::string> in_flight_;
  Time free_ = 0;
  Time last_arrival_ = 0;
};

struct Connection {
  std::uint64_t id = 0;
  std::uint32_t device = 0;
  std::uint32_t node = 0;
  std::uint64_t node_incarnation = 0;
  SessionId session;
  bool connecting = true;    // the device has asked, and not been answered
  bool refused = false;      // the answer will be no
  bool device_open = false;  // the device believes in it
  bool node_open = false;    // the node does
  bool cut = false;          // nothing passes any more
  bool device_will_learn = false;
  bool node_will_learn = false;
  bool node_reads = true;    // SessionRead
  Time late_until = 0;       // the device has left it, what it sent comes then; 0: it has not
  std::uint64_t held = 0;    // frames that have arrived while the node did not read
  Pipe up;                   // to the node
  Pipe down;                 // to the device
  bool device_reads = true;  // what it is sent; a slow reader does not
  StreamCheck up_stream;     // knob `codec`
  StreamCheck down_stream;
  std::uint64_t codec_draws = 0;
  std::uint64_t queued = 0;          // bytes that the node handed out and that have not left it
  std::uint64_t owed = 0;            // requests that were unanswered when `queued` passed the budget
  std::deque<std::string> put_back;  // messages that the node had not taken when it stopped reading
  std::uint16_t close_code = 0;      // as the node closed it; 0: it did not
  std::string close_reason;
  std::deque<std::uint64_t> leaving;  // bytes of frames that are on their way out of the node's socket

  [[nodiscard]] bool over() const { return !connecting && !device_open && !node_open; }
};

}  // namespace chasqui::sim
