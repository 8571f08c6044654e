// The rules under which libraft 0.22.1 is used (RAFT.md section 4), each with a switch, so that a test can show that
// without the rule the thing it prevents does happen.
//
// The switches exist in builds with slow assertions only (dev, fuzz). In a release build `RuleSwitches` is an empty
// class whose members are compile-time constants: no branch and no byte is left of them.
//
// Rules without a switch: 15 (one CHANGE per SUBMIT, alone) since Group::submit takes one entry, 17 (never SPARE, never
// CATCH_UP) since neither can be said in a peer.Configuration, 22 (order) since links keep it.
#pragma once

namespace chasqui::replica {

struct Rules {
  bool persist_before_send = true;         // 1
  bool cut_reports = true;                 // 2
  bool apply_stored_only = true;           // 3
  bool feed_configurations = true;         // 4
  bool split_at_changes = true;            // 5
  bool confirm_previous_change = true;     // 6
  bool trim_committed = true;              // 7
  bool correct_stale_answers = true;       // 8
  bool votes_only_while_candidate = true;  // 9
  bool refusal_carries_term = true;        // 10
  bool empty_installs = true;              // 11
  bool standby_votes = true;               // 12
  bool sole_voter_new_term = true;         // 13
  bool barrier_at_once = true;             // 14
  bool check_changes = true;               // 16, 18
  bool check_transfers = true;             // 19
  bool timeouts_when_due = true;           // 20
  bool wake_idle_followers = true;         // 21
  bool check_snapshots = true;             // 23
  bool check_messages = true;              // 24
  bool disrupt_silent_leaders = true;      // section 6: a vote for another once the leader was silent long enough
  friend bool operator==(const Rules&, const Rules&) = default;
};

#ifdef CHASQUI_SLOW_ASSERTS
constexpr bool rules_can_be_switched = true;
class RuleSwitches {
 public:
  explicit RuleSwitches(const Rules& rules) : rules_(rules) {}
  const Rules* operator->() const { return &rules_; }

 private:
  Rules rules_;
};
#else
constexpr bool rules_can_be_switched = false;
class RuleSwitches {
 public:
  explicit RuleSwitches(const Rules&) {}
  const Rules* operator->() const { return &all_on; }

 private:
  static constexpr Rules all_on{};
};
#endif

}  // namespace chasqui::replica
