// Delivered and read marks of members, on their way into the log of the conversation's shard.
//
// Many acks become one command: they merge by max while they linger (shortly if a sender of the conversation may be
// looking at his ticks, up to a second if not), and ride along with any entry that leaves before. Whoever sent an ack
// hears what is committed.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "proto/log.pb.h"

namespace chasqui::fanout {

struct AckOrigin {
  NodeId node;  // where its session is
  SessionId session;
  std::uint64_t request_id = 0;
};

struct DueMark {
  log::Mark command;
  std::vector<AckOrigin> origins;
};

class Marks {
 public:
  explicit Marks(const Limits& limits) : limits_(limits) {}

  // False: no room; the device says it again.
  bool add(const ConversationId& conversation, UserId user, Seq delivered, Seq read, HistoryEpoch epoch,
           AckOrigin origin, bool somebody_looks, Now now, bool read_is_private = false);
  // What is due, at most `most`; `at_once`: all that waits.
  void take(Now now, bool at_once, std::size_t most, std::vector<DueMark>& due);
  void clear();
  [[nodiscard]] MonoTime next_deadline() const { return waiting_.empty() ? MonoTime::never() : due_at_; }
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }

  static constexpr std::size_t waiting_max = 16'384;
  static constexpr std::size_t origins_max = 16;  // of one mark: sessions of one user; the oldest are forgotten

 private:
  const Limits& limits_;
  absl::btree_map<std::pair<ConversationId, UserId>, DueMark> waiting_;
  MonoTime due_at_ = MonoTime::never();
};

}  // namespace chasqui::fanout
