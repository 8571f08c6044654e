// A plan: everything of a run that is decided before time 0. During the run only noise is drawn (draw.h).
//
// A seed becomes a plan by plan_draw.h, and a plan is text both ways by plan_text.h. Who runs a plan reads nothing else
// but the plan and its seed, so a plan with an item more or less runs as before but for that item's effects.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/bounds.h"
#include "sim/event_queue.h"

namespace chasqui::sim {

// calm: no fault, must be perfect. single: one family of faults. swarm: each family with p = 1/2. hostile: people who
// mean harm, and each family with p = 1/4. beyond: disks break what they promised (draw_beyond() in plan_disks.cc says
// why it is never drawn by itself).
enum class PlanClass : std::uint8_t { Calm, Single, Swarm, Hostile, Beyond };

// What hostile clients do (sim/hostile/): X(name, what it is called, what it does). `subject` is the hostile user; it
// goes on for `length`, in volleys of about `size`; `object` enters its draws.
#define CHASQUI_SIM_TRICKS(X)                                                                                       \
  X(HostileTalk, "hostile_talk", "messages as anybody may send them, to honest people and to each other")           \
  X(Garbage, "garbage", "messages of random bytes")                                                                 \
  X(CutFrame, "cut_frame", "messages that end too early, or have a byte changed")                                   \
  X(Oversize, "oversize", "messages of too many bytes, too many frames, too many levels")                           \
  X(UnknownKind, "unknown_kind", "frames of unknown kinds, unknown fields, a server's frames with unknown enums")   \
  X(LieAcks, "lie_acks", "acks above the head, of strangers' conversations, of epochs to come")                     \
  X(LieReads, "lie_reads", "huge ranges and limits, strangers' conversations, malformed names")                     \
  X(LieSends, "lie_sends", "numbers that are 0, taken, forgotten or far too high; contents that may not be stored") \
  X(LieHello, "lie_hello", "Hellos as another user, with another's device, with impossible numbers")                \
  X(Replay, "replay", "old frames of its own, once more")                                                           \
  X(NoHello, "no_hello", "frames before Hello, right behind it, and a second Hello")                                \
  X(SlowRead, "slow_read", "asks for much and reads nothing of it")                                                 \
  X(HalfOpen, "half_open", "`size` connections that say nothing")                                                   \
  X(WrongToken, "wrong_token", "logs out and goes on with the token, then with a wrong one")                        \
  X(Guess, "guess", "user ids, handles and conversations guessed in bulk")                                          \
  X(Flood, "flood", "`size` requests at once, without waiting for answers")                                         \
  X(Pings, "pings", "pings without end")

// X(name, what it does; the meaning of subject, object, length and size)
#define CHASQUI_SIM_ITEMS(X)                                                                                           \
  X(Send, "send", "device `subject` writes `size` characters to its `object`-th contact")                              \
  X(Stray, "stray", "device `subject` writes into the conversation of two others, drawn by `object`: must be refused") \
  X(Crash, "crash", "kill -9 of node `subject`, up again after `length`")                                              \
  X(PowerCut, "power_cut", "of all nodes at once, up again after `length`")                                            \
  X(Pause, "pause", "node `subject` stands still for `length`, its connections stay")                                  \
  X(SlowDisk, "slow_disk", "syncs of node `subject` take `size` times as long for `length`")                           \
  X(StuckDisk, "stuck_disk", "no sync of node `subject` ends for `length`")                                            \
  X(Break, "break", "the connection of device `subject` breaks")                                                       \
  X(BreakAll, "break_all", "all connections of node `subject` break")                                                  \
  X(Stall, "stall", "frames of device `subject` take `size` ms more for `length`")                                     \
  X(Offline, "offline", "device `subject` has no network for `length`; size 1: the program is told")                   \
  X(PhoneCrash, "phone_crash", "device `subject` loses what its journal had not synced, runs again after `length`")    \
  X(WallJump, "wall_jump", "the wall clock of node `subject` goes forward by `size` ms; object 1: back")               \
  X(Reinstall, "reinstall", "device `subject` loses all it has, and logs in as a new one after `length`")              \
  X(Backup, "backup", "what device `subject` has on its disk is copied aside")                                         \
  X(Restore, "restore", "device `subject` has what its last backup says, runs again after `length`")                   \
  X(Twin, "twin", "a second program on a copy of device `subject`, for `length`; size 1: then the first one goes")     \
  X(Roam, "roam", "device `subject` connects anew; what the old connection carries comes after `length`")              \
  CHASQUI_SIM_TRICKS(X)                                                                                                \
  X(Audit, "audit", "one more device of whose device `subject` is asks what changed since its `object`-th answer")     \
  X(FullDisk, "full_disk", "node `subject` has no room for `length`; object 1: it meets the end, 2: it falls behind")  \
  X(SyncError, "sync_error", "a sync of node `subject` fails: it stops, an operator starts it after `length`")         \
  X(SlowCpu, "slow_cpu", "steps of node `subject` take `size` times as long for `length`")                             \
  X(FrozenClock, "frozen_clock", "the wall clock of node `subject` stands still for `length`, then is right again")    \
  X(Damage, "damage", "a record of node `subject` goes bad and is found so at its start, `length` later")              \
  X(LostSyncs, "lost_syncs", "what node `subject` syncs in `size` ms is gone after a cut; object 1: guard, store too") \
  X(Cut, "cut", "nothing passes from node `subject` to node `object` for `length`; size +1: nor back, +2: unnoticed")  \
  X(Isolate, "isolate",                                                                                                \
    "node `subject` and all others part for `length`; size 1: it hears nobody, 2: nobody hears it")                    \
  X(Split, "split", "two sides for `length`, by the bits of `size`; node `subject` sees both if object is 1")          \
  X(LinkBreak, "link_break", "the link of node `subject` to node `object` breaks; size 1: its side is told late")      \
  X(LinkStall, "link_stall", "frames from node `subject` to node `object` take `size` ms more for `length`")           \
  X(Rot, "rot",                                                                                                        \
    "node `subject` crashes, and its state of shard `object` reads otherwise when it is up `length` later")            \
  X(NoQuorum, "no_quorum", "the replicas of shard `object` do not hear each other for `length`, all others do")        \
  X(Wipe, "wipe", "node `subject` crashes and its disk is emptied: the others refuse it when it comes `length` later") \
  X(Group, "group", "device `subject` creates a group of about `size` people, drawn by `object`")                      \
  X(GroupTalk, "group_talk", "device `subject` writes `size` characters into a group, drawn by `object`")              \
  X(GroupChange, "group_change", "device `subject` changes a group in a way, both drawn by `object`")                  \
  X(Gate, "gate",                                                                                                      \
    "device `subject` of somebody, drawn by `object`: size 0 accepts, 1 blocks, 2 neither; 3 to 5: who may add it")

enum class ItemKind : std::uint8_t {
#define CHASQUI_SIM_ITEM(name, word, meaning) name,
  CHASQUI_SIM_ITEMS(CHASQUI_SIM_ITEM)
#undef CHASQUI_SIM_ITEM
};
[[nodiscard]] const char* word(ItemKind kind);
[[nodiscard]] bool is_trick(ItemKind kind);
[[nodiscard]] const char* word(PlanClass plan_class);

struct Item {
  Time at = 0;            // with `mark`: at the so-manieth time that it is reached
  std::string mark = {};  // of the core; empty: it starts at its time. A crash is of the node that reaches it
  ItemKind kind{};
  std::uint32_t subject = 0;
  std::uint32_t object = 0;
  Time length = 0;
  std::uint64_t size = 0;
  friend bool operator==(const Item&, const Item&) = default;
};

// X(name, default, meaning): the world's own numbers.
#define CHASQUI_SIM_KNOBS(X)                                                                                           \
  X(sync_us, 1000, "least time of a log sync; each takes 1 to 4 times as long")                                        \
  X(step_cost_us_max, 40, "CPU time of a step: 2 us up to this")                                                       \
  X(wake_late_us_max, 1000, "that a deadline is noticed late, never early")                                            \
  X(spurious_ppm, 0, "of the early wakes that are stepped all the same: a spurious Tick")                              \
  X(round_ns, 1, "times are rounded up to this, so that ties are common")                                              \
  X(shuffle_ties, 0, "1: equal times come in a drawn order")                                                           \
  X(flush_ms, 5000, "between two flushes of the store")                                                                \
  X(loss_ppm, 0, "of the frames that stall for 200 ms and more")                                                       \
  X(mobile_ppm, 300000, "of the devices that are on a mobile network; the others on wifi or cable")                    \
  X(thin_ppm, 0, "of the devices whose network carries 100 kbit/s only")                                               \
  X(journal_us, 2000, "least time of a sync of a device's journal; each takes 1 to 8 times as long")                   \
  X(retry_cap_ms, 10000, "most that a device waits before it connects again")                                          \
  X(late_reads_ppm, 500000, "of the reads that see a later snapshot than the first possible one")                      \
  X(maybe_ppm, 0, "of the core's rare branches that are made to happen now and then")                                  \
  X(steady, 0, "1: frames, syncs and steps always take the same time (for plans that were shrunk)")                    \
  X(quiet_s, 0, "that the run goes on after all has arrived and everybody rests")                                      \
  X(codec, 0, "1: messages are split and glued on their way, and pass the stream codec as well")                       \
  X(hostile, 0, "hostile users, with an account and a device each")                                                    \
  X(drift_ppm, 0, "most by which the clocks of a node run fast or slow, each in its own way")                          \
  X(cluster, 0, "1: all nodes are one cluster; 0: each stands alone")                                                  \
  X(per_process, 1, "nodes that share a process, so a machine, its clocks and its death")                              \
  X(peer_us, 300, "between processes a frame takes a quarter of this to twice as long; seldom more")                   \
  X(peer_queue_kb, 65536, "most that waits at a peer link: three quarters of it may be Raft's")                        \
  X(peer_keeps, 1, "1: what is sent while a link is down waits for the next; 0: it is dropped")                        \
  X(about_ppm, 0, "of the messages that are no plain text: replies, edits, deletions, reactions, pins, polls, places") \
  X(timer_s, 0, "now and then somebody lets messages disappear after up to so long; 0: nobody does")                   \
  X(hide_ppm, 0, "of the times somebody reads: then something is deleted for this user alone")                         \
  X(watch, 0, "1: devices watch whom their person knows, and say when it writes")

struct Knobs {
#define CHASQUI_SIM_KNOB(name, value, meaning) std::uint64_t name = value;
  CHASQUI_SIM_KNOBS(CHASQUI_SIM_KNOB)
#undef CHASQUI_SIM_KNOB
  friend bool operator==(const Knobs&, const Knobs&) = default;
};

struct Plan {
  std::uint64_t seed = 0;
  PlanClass plan_class = PlanClass::Calm;
  std::uint32_t seconds = 60;  // of workload and faults; then all heals and the run goes on until it has settled
  std::uint32_t nodes = 1;     // one cluster (knob `cluster`), or a cluster of one node each
  std::uint32_t shards = 4;
  std::uint32_t people = 2;
  // For each device, whose it is: everyone has at least one, at most 10.
  std::vector<std::uint32_t> owners;
  // For each person, whom they write to: people of the same cluster, maybe themselves.
  std::vector<std::vector<std::uint32_t>> contacts;
  Knobs knobs;
  Limits limits;
  std::vector<Item> items;  // by time

  [[nodiscard]] bool is_cluster() const { return knobs.cluster != 0; }
  // How many clusters there are; and person p lives at cluster p % clusters().
  [[nodiscard]] std::uint32_t clusters() const { return is_cluster() ? 1 : nodes; }
  [[nodiscard]] std::uint32_t cluster_of(std::uint32_t person) const { return person % clusters(); }
  [[nodiscard]] std::uint32_t process_of(std::uint32_t node) const {
    return is_cluster() ? node / static_cast<std::uint32_t>(knobs.per_process) : node;
  }
};

}  // namespace chasqui::sim
