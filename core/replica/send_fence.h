// Persist before send (rule 1): a message waits until every hard state (term, vote) written before it is synced. A vote
// that is sent and then forgotten could be given twice. Order is kept (rule 22).
//
// Bounded: above `waiting_max` the newest is dropped, as a lossy network might.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "proto/peer.pb.h"

namespace chasqui::replica {

class SendFence {
 public:
  static constexpr std::size_t waiting_max = 1024;

  void raise(std::uint64_t write) { fence_ = write; }  // what is sent from now on waits for this write

  void send(peer::RaftMessage message, std::uint64_t synced, std::vector<peer::RaftMessage>& out) {
    if (waiting_.empty() && fence_ <= synced) {
      out.push_back(std::move(message));
    } else if (waiting_.size() < waiting_max) {
      waiting_.push_back({fence_, std::move(message)});
    }
  }

  void release(std::uint64_t synced, std::vector<peer::RaftMessage>& out) {
    while (!waiting_.empty() && waiting_.front().fence <= synced) {
      out.push_back(std::move(waiting_.front().message));
      waiting_.pop_front();
    }
  }

 private:
  struct Waiting {
    std::uint64_t fence = 0;
    peer::RaftMessage message;
  };
  std::uint64_t fence_ = 0;
  std::deque<Waiting> waiting_;
};

}  // namespace chasqui::replica
