// Reads what a node of a cluster says to its peers, and says as facts what a judge of consensus must know of it.
//
// Only what is new is a fact: a leader's first words in a term, each vote, each append result that says more than the
// one before.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "proto/peer.pb.h"
#include "sim/disk/sim_log.h"
#include "sim/history.h"

namespace chasqui::sim {

class PeerTap {
 public:
  PeerTap(std::uint32_t node, const SimLog& log) : node_(node), log_(log) {}

  void frame_out(const std::string& bytes, std::vector<Fact>& facts);
  void node_crashed() { said_.clear(); }

 private:
  void message(const peer::RaftMessage& message, std::vector<Fact>& facts);

  struct Said {  // of a shard's replica
    RaftTerm led;
    RaftTerm result_term;
    RaftIndex result;
  };
  std::uint32_t node_;
  const SimLog& log_;
  peer::PeerFrame frame_;  // kept, so that its memory is used again
  std::map<std::uint32_t, Said> said_;
};

}  // namespace chasqui::sim
