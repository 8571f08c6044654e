#include "sim/connection.h"

#include <algorithm>

#include "core/base/check.h"

namespace chasqui::sim {

Pipe::Times Pipe::send(Time now, std::string bytes, Time ns_per_byte, Time delay) {
  Times times;
  times.leaves = std::max(now, free_) + static_cast<Time>(bytes.size()) * ns_per_byte;
  times.arrives = std::max(last_arrival_, times.leaves + delay);
  free_ = times.leaves;
  last_arrival_ = times.arrives;
  in_flight_.push_back(std::move(bytes));
  return times;
}

std::string Pipe::receive() {
  CHASQUI_ASSERT(!in_flight_.empty(), "only what was sent is received");
  std::string bytes = std::move(in_flight_.front());
  in_flight_.pop_front();
  return bytes;
}

void Pipe::keep(std::size_t frames) {
  while (in_flight_.size() > frames) in_flight_.pop_back();
}

}  // namespace chasqui::sim
