// I25. Traffic is bounded by what happens: each minute a few frames for each device, and a few for each message sent,
// event shown, mark made and connection opened. Who cannot get through, or is told to come again, tries less and less
// often. When all has arrived and nobody does anything, devices and nodes exchange a ping now and then and nothing
// else.
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class BoundedTraffic : public Invariant {
 public:
  // Attempts in a row without one Hello answered, or of one message without a final answer, and the time that they take
  // at least: with full jitter of 0.5 s and more that is missed once in a thousand million.
  static constexpr std::size_t attempts_in_a_row = 16;
  static constexpr Time attempts_least = second;
  // A device pings after 30 s of silence, by its own clock: so long a ping and its answer stand alone at least.
  static constexpr Time ping_alone = 20 * second;

  BoundedTraffic() : Invariant(25, "bounded traffic") {}
  void see(Time at, const Fact& fact) override;
  [[nodiscard]] bool tapped() const override { return true; }

  // Frames of one direction that may pass for `devices` in `length`, while so much happens.
  [[nodiscard]] static std::uint64_t frames_max(std::uint64_t devices, Time length, std::uint64_t happened,
                                                std::uint64_t connects);

 private:
  void connects(Time at, const ConnectTried& fact);
  void answered(Time at, const AnswerLeft& fact);
  void counted(Time at, const TrafficCounted& fact);
  void idle(Time at, const IdleFrame& fact);

  std::map<std::uint32_t, std::deque<Time>> attempts_;  // by device: those in a row
  std::map<SendKey, std::deque<Time>> refusals_;        // of a message that may be sent again: likewise
  std::map<std::pair<std::uint32_t, SessionId>, std::deque<Time>> pings_;  // the last two, with their answers
  std::uint64_t happened_ = 0;                                             // since the last count
  std::uint64_t connects_ = 0;
  std::uint64_t happened_before_ = 0;  // in the time before that, whose frames may come late
  std::uint64_t connects_before_ = 0;
};

}  // namespace chasqui::sim
