// Which payloads of a shard are to be erased next, and when to look: what its leader needs to propose Expire commands.
//
// Soft state: a new leader looks into the rows once, and from then on knows the earliest time there is. Times are log
// time; who drives it says what log time is. One command is under way at a time, so an entry erases a bounded number.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "proto/log.pb.h"

namespace chasqui::fanout {

class Expiry {
 public:
  // `rows`: how many there are, as the shard counts them.
  void lead(std::uint64_t rows);
  void follow();

  // An event was stored that expires then.
  void stored(std::int64_t expires_ms);

  // Rows are to be read, from the earliest, rows_max of them. reading() says that they are, put_off() that there was
  // no room for it.
  [[nodiscard]] bool wants_rows(Now now, LogTime log_time) const;
  void reading() { state_ = State::Reading; }
  void put_off(Now now);
  static constexpr std::uint64_t rows_max = bounds::expiries_per_command_max + 1;
  void rows_read(const std::vector<log::DueEvent>& rows, LogTime log_time);

  // What is due, to be proposed; false: nothing is. Then applied() or refused() follows.
  [[nodiscard]] bool take(log::Expire& command);
  void applied();
  void refused(Now now);

  [[nodiscard]] MonoTime next_deadline(Now now, LogTime log_time) const;

 private:
  enum class State : std::uint8_t { Follows, Waits, Reading, Read, Proposed };
  static constexpr std::int64_t never_ms = INT64_MAX;
  static constexpr Duration retry_after = seconds(1);
  // Log time follows the wall clock, which may jump: not longer than this without a look.
  static constexpr Duration look_again = seconds(60);

  State state_ = State::Follows;
  std::int64_t next_ms_ = never_ms;  // nothing expires before
  MonoTime not_before_;
  std::vector<log::DueEvent> due_;
};

}  // namespace chasqui::fanout
