// The connection: when to open one, whether it still lives, and which generation its Hello names.
//
//   Stopped -> Connecting -> Greeting -> Live -> Waiting -> Connecting ...      Ended: for good
//
// A connection that breaks is opened again after a delay with full jitter, doubled with each failure up to a cap. One
// that stood counts as no failure, unless it ended because one side could not understand the other: then the delay
// grows all the same, so that two that do not fit do not hammer each other.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/now.h"
#include "core/base/random.h"
#include "core/client/journal.h"
#include "proto/client.pb.h"

namespace chasqui::client {

class Link {
 public:
  enum class State : std::uint8_t { Stopped, Waiting, Connecting, Greeting, Live, Ended };

  Link(Journal& journal, Random& random, Duration retry_base, Duration retry_cap)
      : journal_(journal), random_(random), retry_base_(retry_base), retry_cap_(retry_cap) {}

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool is_up() const { return state_ == State::Greeting || state_ == State::Live; }

  void start(MonoTime now);
  void stop() { state_ = state_ == State::Ended ? State::Ended : State::Stopped; }
  void end() { state_ = State::Ended; }
  // True if a connection is to be opened now.
  [[nodiscard]] bool connect_due(MonoTime now);
  void on_connected(MonoTime now);  // of a Connecting one
  void on_greeted(MonoTime now);    // Hello was answered
  // Hello was answered, by no: who has another one to try need not wait as for a server that is silent.
  void on_refused() { failures_ = 0; }
  // It broke, or was given up; the next one not before `at_least`. `misunderstood`: see above.
  void on_lost(MonoTime now, Duration at_least, bool misunderstood);
  // The server that it stood with sent it on to another one, when its turn came: it need not draw when to come.
  void hurry(MonoTime now);
  // No new connection before release().
  void hold() { held_ = true; }
  void release(MonoTime now);

  void on_heard(MonoTime now) { heard_ = now; }
  // True if it has been silent for so long that it must be asked whether it lives.
  [[nodiscard]] bool ping_due(MonoTime now) const;
  [[nodiscard]] MonoTime next_deadline(bool ping_outstanding) const;

  // A generation above all that this device ever named, also if the last one's record is lost: journaled numbers are
  // jumped over, and so is the wall clock.
  [[nodiscard]] std::uint64_t next_generation(WallTime wall);
  void replay(const JournalGeneration& record);
  void compact(std::vector<JournalRecord>& out) const;

 private:
  [[nodiscard]] MonoTime ping_at() const;

  Journal& journal_;
  Random& random_;
  Duration retry_base_;
  Duration retry_cap_;
  State state_ = State::Stopped;
  MonoTime connect_at_{};
  MonoTime heard_{};
  MonoTime live_since_{};
  bool held_ = false;
  std::uint32_t failures_ = 0;           // in a row, without a Hello answered
  std::uint32_t misunderstandings_ = 0;  // since the last connection that stood for a minute
  std::uint64_t generation_ = 0;         // named last
  std::uint64_t generation_below_ = 1;   // journaled
};

}  // namespace chasqui::client
