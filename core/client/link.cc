#include "core/client/link.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/points.h"
#include "core/client/timers.h"

namespace chasqui::client {
namespace {

constexpr Duration ping_after = seconds(30);  // of silence
constexpr Duration stood_well = seconds(60);
constexpr std::uint64_t generation_block = 1'000;  // journaled ahead
constexpr std::uint64_t generation_max = std::uint64_t{1} << 62;

}  // namespace

void Link::start(MonoTime now) {
  if (state_ != State::Stopped) return;
  state_ = State::Waiting;
  connect_at_ = now;
}

bool Link::connect_due(MonoTime now) {
  if (state_ != State::Waiting || held_ || now < connect_at_) return false;
  state_ = State::Connecting;
  return true;
}

void Link::on_connected(MonoTime now) {
  CHASQUI_ASSERT(state_ == State::Connecting, "only what was asked for can stand");
  state_ = State::Greeting;
  heard_ = now;
}

void Link::on_greeted(MonoTime now) {
  CHASQUI_ASSERT(state_ == State::Greeting, "Hello is answered once");
  state_ = State::Live;
  live_since_ = now;
  failures_ = 0;
}

void Link::on_lost(MonoTime now, Duration at_least, bool misunderstood) {
  if (state_ == State::Stopped || state_ == State::Ended) return;
  if (state_ == State::Live && now - live_since_ > stood_well) misunderstandings_ = 0;
  if (misunderstood && misunderstandings_ < 30) ++misunderstandings_;
  state_ = State::Waiting;
  connect_at_ =
      now + std::max(full_jitter(random_, retry_base_, retry_cap_, std::max(failures_, misunderstandings_)), at_least);
  if (CHASQUI_CANARY("retry_at_once")) connect_at_ = now + Duration{1};
  if (failures_ < 30) ++failures_;
}

void Link::hurry(MonoTime now) {
  if (state_ == State::Waiting && misunderstandings_ == 0) connect_at_ = now;
}

void Link::release(MonoTime now) {
  if (!held_) return;
  held_ = false;
  connect_at_ = now;
}

MonoTime Link::ping_at() const {
  return heard_ + (CHASQUI_CANARY("ping_at_once") ? milliseconds(100) : ping_after);
}

bool Link::ping_due(MonoTime now) const {
  return state_ == State::Live && now >= ping_at();
}

MonoTime Link::next_deadline(bool ping_outstanding) const {
  if (state_ == State::Waiting && !held_) return connect_at_;
  if (state_ == State::Live && !ping_outstanding) return ping_at();
  return MonoTime::never();
}

std::uint64_t Link::next_generation(WallTime wall) {
  // Within a life the last one plus one would do; the first one of a life may not trust the journal's end alone, which
  // may lack what was not synced, and syncing first would delay every start.
  std::uint64_t next = generation_ == 0 ? generation_below_ : generation_ + 1;
  if (wall.ms > 0 && static_cast<std::uint64_t>(wall.ms) < generation_max) {
    next = std::max(next, static_cast<std::uint64_t>(wall.ms));
  }
  generation_ = next;
  if (generation_ >= generation_below_) {
    generation_below_ = generation_ + generation_block;
    JournalRecord record;
    record.mutable_generation()->set_below(generation_below_);
    journal_.write(record);
  }
  return generation_;
}

void Link::replay(const JournalGeneration& record) {
  if (record.below() < generation_max + generation_block) {
    generation_below_ = std::max(generation_below_, record.below());
  }
}

void Link::compact(std::vector<JournalRecord>& out) const {
  if (generation_below_ > 1) out.emplace_back().mutable_generation()->set_below(generation_below_);
}

}  // namespace chasqui::client
