#include "core/fanout/expiry.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace chasqui::fanout {

void Expiry::lead(std::uint64_t rows) {
  state_ = State::Waits;
  next_ms_ = rows == 0 ? never_ms : 0;  // when is not known: look
  not_before_ = MonoTime{};
  due_.clear();
}

void Expiry::follow() {
  state_ = State::Follows;
  due_.clear();
}

void Expiry::stored(std::int64_t expires_ms) {
  if (expires_ms > 0) next_ms_ = std::min(next_ms_, expires_ms);
}

bool Expiry::wants_rows(Now now, LogTime log_time) const {
  return state_ == State::Waits && next_ms_ <= log_time.ms && not_before_ <= now.mono;
}

void Expiry::put_off(Now now) {
  not_before_ = now.mono + retry_after;
}

// Of what was stored while they were read the earliest may be known already: next_ms_ takes both into account.
void Expiry::rows_read(const std::vector<log::DueEvent>& rows, LogTime log_time) {
  if (state_ != State::Reading) return;
  CHASQUI_ASSERT(rows.size() <= rows_max, "no more was asked for");
  std::int64_t next_ms = never_ms;
  for (const log::DueEvent& row : rows) {
    if (row.expires_ms() > log_time.ms) {
      next_ms = row.expires_ms();
      break;
    }
    if (due_.size() < bounds::expiries_per_command_max) due_.push_back(row);
  }
  const bool is_all = rows.size() < rows_max || next_ms != never_ms;
  const std::int64_t stored_since = next_ms_ > log_time.ms ? next_ms_ : never_ms;
  next_ms_ = is_all && due_.empty() ? std::min(next_ms, stored_since) : 0;  // 0: look once these are erased
  state_ = due_.empty() ? State::Waits : State::Read;
}

bool Expiry::take(log::Expire& command) {
  if (state_ != State::Read) return false;
  for (log::DueEvent& event : due_) *command.add_events() = std::move(event);
  due_.clear();
  state_ = State::Proposed;
  return true;
}

void Expiry::applied() {
  if (state_ == State::Proposed) state_ = State::Waits;
}

void Expiry::refused(Now now) {
  if (state_ != State::Proposed) return;
  state_ = State::Waits;
  not_before_ = now.mono + retry_after;
}

MonoTime Expiry::next_deadline(Now now, LogTime log_time) const {
  if (state_ != State::Waits || next_ms_ == never_ms) return MonoTime::never();
  const std::int64_t wait_ms = std::clamp<std::int64_t>(next_ms_ - log_time.ms, 0, look_again.ns / 1'000'000);
  return std::max(not_before_, now.mono + milliseconds(wait_ms));
}

}  // namespace chasqui::fanout
