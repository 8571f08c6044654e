// Commands that wait for their shard, and how they become one Raft entry.
//
// Invariants: (1) commands leave in the order in which they came; (2) what waits is bounded in number and bytes: one
// more is refused; (3) a command whose time is over is dropped before it is proposed, never after.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/now.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "proto/log.pb.h"

namespace chasqui::replica {

// `Origin`: what its owner needs to answer whoever sent the command.
template <class Origin>
class Batch {
 public:
  explicit Batch(const Limits& limits) : limits_(limits) {}

  // False: full. The command is not kept. deadline: not proposed after it.
  bool add(const log::Command& command, Origin origin, Now now, MonoTime deadline) {
    std::string bytes;
    command.SerializeToString(&bytes);
    if (waiting_.size() >= limits_.shard_waiting_commands_max ||
        bytes_ + bytes.size() > limits_.shard_waiting_bytes_max) {
      return false;
    }
    bytes_ += bytes.size();
    const MonoTime wait_end = now.mono + milliseconds(static_cast<std::int64_t>(limits_.command_wait_ms_max));
    waiting_.push_back({std::move(bytes), std::move(origin), earlier(deadline, wait_end)});
    return true;
  }

  // The origins of commands that must not be proposed any more. Only from the front: those behind came later, and a
  // shorter deadline of theirs is looked at when they get there.
  void take_expired(Now now, std::vector<Origin>& expired) {
    while (!waiting_.empty() && waiting_.front().until <= now.mono) {
      expired.push_back(std::move(waiting_.front().origin));
      bytes_ -= waiting_.front().bytes.size();
      waiting_.pop_front();
    }
  }

  // One log.Entry with as many commands as fit, serialized; their origins in the same order. Not if empty().
  std::string take_entry(std::int64_t log_time_ms, std::vector<Origin>& origins) {
    CHASQUI_ASSERT(!waiting_.empty(), "an entry has at least one command");
    log::Entry head;
    head.set_log_time_ms(log_time_ms);
    std::string entry = head.SerializeAsString();
    while (!waiting_.empty() && origins.size() < limits_.raft_entry_commands_max) {
      Waiting& next = waiting_.front();
      if (!origins.empty() && entry.size() + next.bytes.size() + 8 > limits_.raft_entry_bytes_max) break;
      append_field(entry, next.bytes);
      bytes_ -= next.bytes.size();
      origins.push_back(std::move(next.origin));
      waiting_.pop_front();
    }
    return entry;
  }

  // Everything that waits, not to be proposed here any more.
  void take_all(std::vector<Origin>& origins) {
    for (Waiting& waiting : waiting_) origins.push_back(std::move(waiting.origin));
    waiting_.clear();
    bytes_ = 0;
  }

  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }
  [[nodiscard]] MonoTime next_deadline() const { return waiting_.empty() ? MonoTime::never() : waiting_.front().until; }

 private:
  struct Waiting {
    std::string bytes;
    Origin origin;
    MonoTime until;
  };

  // As protobuf would write `repeated Command commands = 2`, without encoding the command twice.
  static void append_field(std::string& entry, const std::string& command) {
    google::protobuf::io::StringOutputStream stream(&entry);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.WriteTag(log::Entry::kCommandsFieldNumber << 3 | 2);
    coded.WriteVarint32(static_cast<std::uint32_t>(command.size()));
    coded.WriteString(command);
  }

  const Limits& limits_;
  std::deque<Waiting> waiting_;
  std::uint64_t bytes_ = 0;
};

}  // namespace chasqui::replica
