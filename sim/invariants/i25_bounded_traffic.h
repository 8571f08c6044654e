// I25. Traffic is bounded by what happens: each minute a few frames for each device, and a few for each message sent,
// event shown, mark made and connection opened. Who cannot get through tries less and less often. When all has arrived
// and nobody does anything, devices and nodes exchange pings and nothing else.
#pragma once

#include <deque>
#include <map>

#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class BoundedTraffic : public Invariant {
 public:
  // Attempts in a row without one Hello answered, and the time that they take at least: with full jitter of 0.5 s and
  // more that is missed once in a thousand million.
  static constexpr std::size_t attempts_in_a_row = 16;
  static constexpr Time attempts_least = second;

  BoundedTraffic() : Invariant(25, "bounded traffic") {}
  void see(Time at, const Fact& fact) override;
  [[nodiscard]] bool tapped() const override { return true; }

  // Frames of one direction that may pass for `devices` in `length`, while so much happens.
  [[nodiscard]] static std::uint64_t frames_max(std::uint64_t devices, Time length, std::uint64_t happened,
                                                std::uint64_t connects);

 private:
  void connects(Time at, const ConnectTried& fact);
  void counted(Time at, const TrafficCounted& fact);

  std::map<std::uint32_t, std::deque<Time>> attempts_;  // by device: those in a row
  std::uint64_t happened_ = 0;                          // since the last count
  std::uint64_t connects_ = 0;
  std::uint64_t happened_before_ = 0;  // in the time before that, whose frames may come late
  std::uint64_t connects_before_ = 0;
};

}  // namespace chasqui::sim
