// I22. A shard of which a majority has been up and connected, with right clocks, for 10 s has a leader that serves it;
// if that one is lost, another one within 3 s; and leaders that are well are not deposed again and again. Whatever
// stays broken elsewhere: shards that are well tell each other in time (told_in_time.h).
//
// What stands in a node's way is told as facts: crashes, pauses, slow disks, cuts. A leader is one that said so and can
// reach a majority; one that is only slow leads on.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "sim/cluster_shape.h"
#include "sim/invariants/invariant.h"
#include "sim/invariants/told_in_time.h"

namespace chasqui::sim {

class Available : public Invariant {
 public:
  static constexpr Time settled = 10 * second;
  // At the default timers; and where rare branches are made to happen, which lose votes.
  static constexpr Time failover_max = 3 * second;
  static constexpr Time failover_max_refused = 5 * second;
  // A shard that loses its leader more often, all of them well, has somebody who deposes them.
  static constexpr std::size_t losses_max = 4;
  static constexpr Time losses_window = 30 * second;
  // Without a model it is not judged what shards tell each other.
  explicit Available(const ClusterShape& shape, const Model* model = nullptr);
  [[nodiscard]] bool tapped() const override { return true; }
  [[nodiscard]] bool needed() const override { return false; }  // a run may be shorter than what it waits for
  void see(Time at, const Fact& fact) override;
  void finish(Time at) override { look(at); }

 private:
  struct Node {
    bool up = false;
    Time since = 0;  // up, or no longer hindered
    Time hindered_until = 0;
    Time paused_until = 0;
    bool clock_right = true;
  };
  struct Path {
    bool open = true;
    Time since = 0;  // open, or no longer slow
    Time slow_until = 0;
  };
  struct Shard {
    std::set<std::uint32_t> leaders;
    Time led_at = 0;      // the last time that it was
    Time changed_at = 0;  // the last time that somebody began or ended to lead it
    std::uint32_t last_leader = 0;
    std::deque<Time> succeeded;  // when a leader followed one that was lost although both had been well
    bool silent = false;         // its replicas do not hear each other
    Time heard_since = 0;
    std::set<std::uint32_t> installing;
    std::set<std::uint32_t> stopped;  // replicas that found themselves wrong, until their node starts anew
    bool told = false;
  };
  void look(Time at);
  void look_at_owed(Time at);
  void look_at_succession(std::uint32_t number, std::uint32_t leader, Time at);
  // Since when it has been led by a node that works with a majority; no_time: it is not. `leader`: by whom.
  [[nodiscard]] Time led_since(std::uint32_t number, Time at, std::uint32_t& leader) const;
  [[nodiscard]] std::vector<std::uint32_t> replicas_of(std::uint32_t number) const;
  [[nodiscard]] bool judge(std::uint32_t number, Shard& shard, Time at);
  // Since when a majority can work together; no_time: none can.
  [[nodiscard]] Time majority_since(std::uint32_t number, Time at) const;
  // Since when they can work together; no_time: they cannot.
  [[nodiscard]] Time together_since(std::uint32_t a, std::uint32_t b, Time at) const;
  [[nodiscard]] Time well_since(std::uint32_t node, Time at) const;
  // Words of a leader that stands still may be on a slow path for long, and who hears them keeps to it. Since when that
  // is over; no_time: it is not.
  [[nodiscard]] Time still_hears(std::uint32_t replica, std::uint32_t leader, Time at) const;
  [[nodiscard]] bool serves(std::uint32_t leader, std::uint32_t replica, Time at) const;
  [[nodiscard]] Time open_since(std::uint32_t from, std::uint32_t to, Time at) const;

  ClusterShape shape_;
  std::vector<Node> nodes_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Path> paths_;  // by process
  std::vector<Shard> shards_;
  ToldInTime told_;
  Time next_look_ = 0;
  Time pause_at_ = -1;  // those who are hindered now stand still
};

}  // namespace chasqui::sim
