// All links between the processes of a cluster, and what is cut between them: the state that world_peers.cc moves.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/peer_link.h"

namespace chasqui::sim {

class PeerNet {
 public:
  // `processes` of them, each with a link to every other and a queue of its own.
  explicit PeerNet(std::uint32_t processes) : count_(processes), cuts_(std::size_t{processes} * processes) {
    for (std::uint32_t a = 0; a < processes; ++a) {
      for (std::uint32_t b = a; b < processes; ++b) {
        PeerLink link;
        link.ends = {a, b};
        links_.push_back(std::move(link));
      }
    }
  }

  [[nodiscard]] std::vector<PeerLink>& links() { return links_; }
  [[nodiscard]] std::uint32_t processes() const { return count_; }
  [[nodiscard]] std::uint32_t number_of(const PeerLink& link) const {
    return static_cast<std::uint32_t>(&link - links_.data());
  }
  // The link between two processes, in either order.
  [[nodiscard]] PeerLink& between(std::uint32_t a, std::uint32_t b) {
    if (a > b) std::swap(a, b);
    // Rows of a triangle: row a begins behind those of count_, count_ - 1, ... links.
    const std::uint32_t row = a * count_ - a * (a + 1) / 2 + a;
    return links_[row + b - a];
  }

  // Nothing passes from one to the other, as often as it was cut and not mended. `unnoticed`: the connection stands.
  void cut(std::uint32_t from, std::uint32_t to, bool unnoticed) {
    Cuts& cuts = cuts_[std::size_t{from} * count_ + to];
    ++(unnoticed ? cuts.unnoticed : cuts.noticed);
  }
  void mend(std::uint32_t from, std::uint32_t to, bool unnoticed) {
    Cuts& cuts = cuts_[std::size_t{from} * count_ + to];
    std::uint32_t& count = unnoticed ? cuts.unnoticed : cuts.noticed;
    if (count > 0) --count;
  }
  void mend_all() { cuts_.assign(cuts_.size(), Cuts()); }
  [[nodiscard]] bool is_cut(std::uint32_t from, std::uint32_t to) const {
    const Cuts& cuts = cuts_[std::size_t{from} * count_ + to];
    return cuts.noticed + cuts.unnoticed > 0;
  }
  [[nodiscard]] bool is_noticed(std::uint32_t from, std::uint32_t to) const {
    return cuts_[std::size_t{from} * count_ + to].noticed > 0;
  }

 private:
  struct Cuts {
    std::uint32_t noticed = 0;
    std::uint32_t unnoticed = 0;
  };
  std::uint32_t count_;
  std::vector<PeerLink> links_;
  std::vector<Cuts> cuts_;  // by from and to
};

}  // namespace chasqui::sim
