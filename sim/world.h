// The world: virtual time, nodes, disks, connections, devices and their people, as a plan says; and what a judge sees.
//
// One event at a time, in the order of event_queue.h. Nothing polls: a node or a device is woken at its
// next_deadline(), late by up to wake_late_us_max and never early (an early wake is looked at, and sometimes stepped as
// a spurious Tick). After `seconds` of workload and faults all heals, nothing new is sent, and the run goes on until
// everything has arrived everywhere, or for too long.
//
//   World world(draw_plan(7, {}), {});
//   const Report report = world.run();
//
// Split by subject: world.cc (time, healing), world_settle.cc, world_nodes.cc, world_links.cc, world_devices.cc,
// world_phones.cc, world_accounts.cc, world_audit.cc, world_faults.cc, world_disks.cc, world_hostile.cc,
// world_peers.cc, world_quorum.cc, world_cluster.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/points_state.h"
#include "sim/auditor.h"
#include "sim/cluster_log.h"
#include "sim/cluster_shape.h"
#include "sim/connection.h"
#include "sim/device.h"
#include "sim/draw.h"
#include "sim/event_queue.h"
#include "sim/hostile/hostile.h"
#include "sim/judge.h"
#include "sim/peer_net.h"
#include "sim/peer_tap.h"
#include "sim/plan/plan.h"
#include "sim/tap.h"
#include "sim/trace/trace_hash.h"
#include "sim/virtual_node.h"

namespace chasqui::sim {

// Ways in which the world can be told to lie, against its own contract, so that it is seen that the judges notice.
// X(name, word, what it does)
#define CHASQUI_SIM_LIES(X)                                                                          \
  X(LoseAckedLog, "lose_acked_log", "a crash takes acknowledged entries from the end of each log")   \
  X(EarlyAck, "early_ack", "an append is acknowledged before it is on the disk")                     \
  X(AlterPush, "alter_push", "some pushed messages say something else, with a digest to match")      \
  X(AlterAnswer, "alter_answer", "some answers name the seq after the true one")                     \
  X(PhoneForgets, "phone_forgets", "a phone crash takes synced records from the end of the journal") \
  X(DoubleSight, "double_sight", "some events are shown to the application twice")                   \
  X(TailTruncated, "tail_truncated", "damage at the end of the log is taken for a torn record")

enum class Lie : std::uint8_t {
  None,
#define CHASQUI_SIM_LIE(name, word, meaning) name,
  CHASQUI_SIM_LIES(CHASQUI_SIM_LIE)
#undef CHASQUI_SIM_LIE
};
// Is this draw how long something takes? Then knob `steady` makes it always the same.
[[nodiscard]] constexpr bool is_delay(Concern concern, std::uint64_t n) {
  return concern == Concern::StepCost || concern == Concern::WakeLate || concern == Concern::Sync ||
         concern == Concern::ReadDelay || concern == Concern::Flush || concern == Concern::Journal ||
         concern == Concern::Peers || (concern == Concern::Link && n >= 2);  // 0 and 1: what kind of network it is
}

// Within how long after healing all must have arrived, but for the backlog.
[[nodiscard]] Time settle_bound_of(const Plan& plan);

// None: there is no such word.
[[nodiscard]] Lie lie_named(std::string_view word);

struct WorldOptions {
  Lie lie = Lie::None;
  std::string_view canary = {};  // the bug that is switched on (sim/canaries/); empty: none
  std::vector<int> only = {};    // numbers of the invariants that judge; empty: all
  bool devices_judge = false;    // judges hear what devices saw and nothing else, as with a history from a file
  bool stop_at_violation = true;
  std::uint64_t events_max = 2'000'000'000;  // then: undecided
  std::function<void(Time, const std::string&)> trace =
      {};  // a line for each step, fact and fault; none: no text is made
  // For replays that explain (explain/): each event when it begins, and the event whose input or append it carries out.
  std::function<void(const Event&)> on_event = {};
  std::function<void(std::uint64_t)> on_cause = {};
  // Each fact, before it is judged.
  std::function<void(Time, const Fact&)> on_fact = {};
  // For diverge: each record of the trace hash, with its number from 1 on.
  std::function<void(std::uint64_t, const std::string&)> on_record = {};
  std::uint64_t perturb = 0;  // the last byte of this record is another than it should be; 0: of none
};

struct Report {
  Verdict verdict;
  Ending ending = Ending::Over;
  Hash128 hash;
  std::vector<Hash128> checkpoints;
  Time simulated = 0;
  std::uint64_t events = 0;
  std::uint64_t steps = 0;  // of nodes
  std::uint64_t sent = 0;
  std::uint64_t accepted = 0;
  std::uint64_t delivered = 0;  // events seen by applications
  std::uint64_t crashes = 0;    // of nodes
  std::uint64_t breaks = 0;     // of connections
  struct Checks {
    int number = 0;
    std::string name;
    std::uint64_t count = 0;
  };
  std::vector<Checks> checks;                  // by invariant
  std::map<std::string, std::uint64_t> marks;  // of the core's rare branches: how often each was reached
  std::uint64_t records = 0;                   // of the trace hash
};

class World : private points::Listener {
 public:
  World(Plan plan, WorldOptions options);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() override;

  [[nodiscard]] Report run();  // once

 private:
  friend class WorldLink;  // tests/conformance/world_link.h
  // world.cc
  void push(Time at, EventKind kind, std::uint32_t subject, std::uint64_t object);
  void dispatch(const Event& event);
  void heal();
  void check_settled();
  void ends();
  void rest();  // after all has arrived
  void count_traffic();
  [[nodiscard]] std::string unsettled() const;
  [[nodiscard]] Time backlog() const;
  void see(const Fact& fact);
  void trace(const std::string& line);
  void hash_record();  // record_
  [[nodiscard]] bool tracing() const { return static_cast<bool>(options_.trace); }
  // The core's points, during a step.
  void mark(std::string_view name) override;
  bool maybe(std::string_view name) override;
  // A draw of the noise: the n-th of a concern at an entity.
  [[nodiscard]] std::uint64_t noise(Concern concern, std::uint64_t entity, std::uint64_t n) const {
    if (plan_.knobs.steady != 0 && is_delay(concern, n)) return ~std::uint64_t{0};
    return draw(plan_.seed, concern, entity, n);
  }

  // world_nodes.cc
  void node_rises(VirtualNode& node);
  // `survivors`: SimLog::crash; none: drawn.
  void node_crashes(VirtualNode& node, Time down, std::optional<std::size_t> survivors = std::nullopt);
  void feed(VirtualNode& node, Input input);
  void step(VirtualNode& node, Input input);
  void node_runs(VirtualNode& node);
  void put_back(VirtualNode& node);
  void node_wakes(VirtualNode& node, Time meant);
  void set_wake(VirtualNode& node);
  void begin_sync(VirtualNode& node);
  void log_synced(VirtualNode& node);
  void flush_due(VirtualNode& node);
  void carry_out(VirtualNode& node, Time at, Outputs& outputs);
  void carry_out(VirtualNode& node, Time at, LogAppend& append);
  void carry_out(VirtualNode& node, Time at, Read& read);
  void carry_out(VirtualNode& node, Time at, PasswordWork& work);
  bool carry_out_stream(VirtualNode& node, Time at, Output& output);  // world_streams.cc
  void stream_served(VirtualNode& node, std::uint64_t token);
  void see_all(std::vector<Fact>& facts);
  void measure(VirtualNode& node);

  // world_links.cc
  [[nodiscard]] Connection* find(std::uint64_t id);
  [[nodiscard]] Connection* connection_of(VirtualNode& node, SessionId session);
  [[nodiscard]] LinkProfile profile(const Device& device) const;
  [[nodiscard]] Time frame_delay(Device& device);
  void connect(Device& device);
  void connect_arrives(Connection& connection);
  void connect_answered(Connection& connection);
  void frame_up(Connection& connection);
  void frame_down(Connection& connection);
  void send_up(Connection& connection, Time at, std::string bytes);
  void put_up(Connection& connection, Time at, std::string bytes);  // one message
  void put_down(Connection& connection, Time at, std::string bytes);
  [[nodiscard]] Dice codec_dice(Connection& connection);
  void read_stream(Connection& connection, StreamCheck& stream, const std::string& bytes);
  void send_down(Connection& connection, Time at, std::string bytes);
  void close_by_node(Connection& connection, Time at);
  void close_by_device(Connection& connection);
  // Cuts it; each side learns within `quick`, or in its own time.
  void cut(Connection& connection, bool node_is_gone, Time quick);
  void node_learns(Connection& connection);
  void device_learns(Connection& connection);
  void drop_if_over(std::uint64_t id);

  // world_devices.cc
  void device_rises(Device& device);
  void carry_out(Device& device, client::Outputs& outputs);
  void happen(Device& device, client::Happening& happening, client::Outputs& more);
  void saw(Device& device, const ConversationId& conversation, const client::Event& event);
  void shown(Device& device, const ConversationId& conversation, client::Outputs& more);
  void replace_outdated(Device& device);
  void journal_synced(Device& device);
  void device_wakes(Device& device, Time meant);
  void set_wake(Device& device);
  void person_sends(Device& device, const Item& item);
  void person_reads(Device& device);

  // world_words.cc
  void send_text(Device& device, const ConversationId& conversation, std::uint64_t size);
  [[nodiscard]] client::Payload drawn_payload(const Device& device, const ConversationId& conversation,
                                              std::uint64_t size) const;
  [[nodiscard]] client::About drawn_about(const Device& device, const ConversationId& conversation,
                                          std::uint64_t bits) const;
  void person_hides(Device& device, const ConversationId& conversation, Seq seen, client::Outputs& outputs);
  void person_watches(Device& device, client::Outputs& outputs);
  using Erased = HashIndex<std::string, std::pair<ConversationId, Seq>>;  // by nonce
  void search_journals(const Erased& erased, std::uint64_t count);
  void search_disks();
  void list_hidden();
  void list_unread(Time known_after);
  void name_somebody(const Device& device, const ConversationId& conversation, client::Payload& payload) const;

  // world_phones.cc
  void phone_crashes(Device& device, Time down);
  void program_ends(Device& device, std::uint64_t survivors);  // of the records that were not synced
  void cut_connections_of(const Device& device);
  [[nodiscard]] Device& phone_of(std::uint32_t subject);  // an item's, or who goes on in its place
  void reinstall(Device& device, Time down);
  void back_up(Device& device);
  void restore(Device& device, Time down);
  void adopt(Device& device, const Device::Copy& copy);
  void twin_starts(Device& device, const Item& item);
  void twin_ends(const Item& item);
  void throw_away(Device& device);
  void throw_away_twins();
  [[nodiscard]] Device* other_copy_of(const Device& device);  // that lives; none: it is the last
  void roam(Device& device, Time late);
  void sent_away(Device& device, const client::Ended& ended);
  void device_returns(Device& device);
  [[nodiscard]] bool takes_an_id(const Device& device);  // false: the person has as many as there may be

  // world_gates.cc
  void gate_item(Device& device, const Item& item);
  // world_groups.cc
  void group_item(Device& device, const Item& item);
  void create_group(Device& device, const Item& item);
  void send_change(Device& device, const ConversationId& group, client::GroupChange change);
  [[nodiscard]] ConversationId drawn_group(const Device& device, std::uint64_t bits) const;
  [[nodiscard]] UserId drawn_user(const Device& device, std::uint64_t bits) const;
  void drawn_change(const Device& device, const ConversationId& group, std::uint64_t bits, client::GroupChange& change);
  // world_accounts.cc
  void set_call(Device& device, Time at);  // when it asks next; what was set before is off
  void call_due(Device& device, Time meant);
  void abandon_call(Device& device);
  void answered(VirtualNode& node, Time at, const HttpAnswer& answer);

  // world_audit.cc
  void audit(std::uint32_t person, std::uint64_t version, bool at_end);
  [[nodiscard]] bool audit_answered(VirtualNode& node, const HttpAnswer& answer);  // false: no auditor asked
  void audit_asks(VirtualNode& node, Auditor& auditor);
  [[nodiscard]] Auditor* auditor_of(const VirtualNode& node, SessionId session);
  void audit_taken(VirtualNode& node, const Auditor& auditor, std::vector<Fact>& facts);
  void audit_hears(VirtualNode& node, Auditor& auditor, const std::string& bytes);
  void audit_done(VirtualNode& node, Auditor& auditor);
  void audit_ends(VirtualNode& node, Auditor& auditor);
  void audits_die(const VirtualNode& node);
  void judge_listeners();
  void audit_the_end();

  // world_disks.cc
  void disk_item_starts(VirtualNode& node, const Item& item);
  void disk_item_ends(VirtualNode& node, const Item& item);
  void disks_heal(VirtualNode& node);
  void tell_pressure(VirtualNode& node);
  [[nodiscard]] bool sync_stops(VirtualNode& node);
  [[nodiscard]] bool may_start(VirtualNode& node);
  [[nodiscard]] std::string wiped(VirtualNode& node) const;
  void lose_syncs(VirtualNode& node, const Item& item);
  void rot(VirtualNode& node, ShardId shard, Time down);

  // world_faults.cc
  [[nodiscard]] std::uint64_t number_of(const Item& item) const {  // its place in the plan
    return static_cast<std::uint64_t>(&item - plan_.items.data());
  }
  void item_starts(const Item& item);
  void item_ends(const Item& item);
  std::string alter_frame(const Connection& connection, std::string bytes);

  // world_hostile.cc
  [[nodiscard]] Device& device_at(std::uint32_t index);  // honest or hostile
  void make_hostiles();
  void hostile_joins(Device& device);
  void hostile_joins_anew(Hostile& hostile);
  void hostile_starts(const Item& item);
  void hostile_connects(Hostile& hostile, HostileSession session);
  void hostile_connected(Connection& connection);
  void hostile_says(Hostile& hostile, Connection& connection, const std::string& bytes);
  void hostile_acts(Connection& connection);
  void hostile_hears(Connection& connection, const std::string& bytes);
  void hostile_lost(Connection& connection);
  void hostiles_leave();

  // world_peers.cc
  [[nodiscard]] bool process_is_up(std::uint32_t process) const;
  [[nodiscard]] bool process_is_frozen(std::uint32_t process) const;
  void tell_reachable(std::uint32_t process, std::uint32_t other, bool reachable, bool is_dead = false);
  [[nodiscard]] Time peer_delay(PeerLink& link, std::size_t side);
  void process_rises(std::uint32_t process);
  void process_dies(std::uint32_t process, bool silently);
  void dial_soon(PeerLink& link, Time wait);
  void peer_dials(PeerLink& link, std::uint64_t last);
  void peer_dialed(PeerLink& link, std::uint64_t dial);
  void peers_connect(PeerLink& link);
  void link_breaks(PeerLink& link, bool told_first, bool told_second);
  void peer_learns(PeerLink& link, std::size_t side, std::uint64_t epoch);
  void peer_times_out(PeerLink& link, std::uint64_t epoch);
  void watch_link(PeerLink& link);
  void carry_out(VirtualNode& node, Time at, PeerSend& send);
  void put_on_wire(PeerLink& link, std::size_t side, Time at);
  void peer_arrives(PeerLink& link, std::size_t side, std::uint64_t epoch);
  void cut_path(std::uint32_t from, std::uint32_t to, bool unnoticed, bool on);
  void release(PeerLink& link, std::size_t side);
  void partition(const Item& item, bool on);
  void peer_item_starts(const Item& item);
  void peers_heal();

  // world_quorum.cc
  void silence(const Item& item, bool on);
  void silences_end();
  [[nodiscard]] bool leave_out_silent(std::string& bytes) const;  // of a frame; false: nothing is left of it

  // world_cluster.cc
  [[nodiscard]] static ClusterShape shape_of(const Plan& plan);
  void join_cluster(const VirtualNode& node, NodeConfig& config) const;
  void watch_store(VirtualNode& node);
  void tap_applied(VirtualNode& node);
  void count_disks(EntryApplied& fact) const;
  void tap_append(VirtualNode& node, const LogAppend& append);
  void tap_note(VirtualNode& node, const Note& note);
  void tap_peer(VirtualNode& node, const PeerSend& send);
  void tap_crashed(VirtualNode& node);
  void process_crashes(VirtualNode& node, Time down, bool silently);
  void process_pauses(VirtualNode& node, Time length);
  void next_server(Device& device);

  Plan plan_;
  WorldOptions options_;
  ClusterShape shape_;
  Judge judge_;
  TraceHash hash_;
  EventQueue queue_;
  std::vector<std::unique_ptr<VirtualNode>> nodes_;
  std::vector<Tap> taps_;
  PeerNet net_;
  std::vector<PeerTap> peer_taps_;  // of a cluster
  ClusterLog cluster_log_;
  std::map<ShardId, std::uint32_t> silent_;  // shards whose replicas do not hear each other: how often
  std::vector<std::unique_ptr<Device>> devices_;
  std::vector<std::unique_ptr<Hostile>> hostiles_;
  std::vector<std::unique_ptr<Connection>> connections_;  // by id - 1; none: it is over
  struct Group {
    ConversationId id;
    std::uint32_t cluster = 0;
    std::vector<std::string> secrets;  // of its links
  };
  std::vector<Group> groups_;
  std::vector<UserId> users_;                     // by person; 0: no account yet
  std::vector<std::uint64_t> ids_;                // by person: device ids that may be taken, of Limits::devices_max
  std::map<std::uint64_t, std::uint32_t> twins_;  // by item
  std::map<std::uint32_t, Auditor> auditors_;     // by person
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> audit_calls_;  // by node; to the person
  std::map<std::pair<std::uint32_t, SessionId>, std::uint32_t> audit_sessions_;
  std::uint64_t last_audit_ = 0;
  bool end_audited_ = false;
  Time now_ = 0;
  std::uint64_t event_ = 0;  // the one that is under way
  std::uint64_t last_token_ = 0;
  Time healed_at_ = -1;
  Time settle_bound_ = 0;  // from healing
  Time settled_at_ = -1;
  Time rested_at_ = -1;
  bool idle_ = false;
  Time counted_at_ = 0;  // traffic
  std::uint64_t counted_up_ = 0;
  std::uint64_t counted_down_ = 0;
  bool told_late_ = false;
  bool over_ = false;
  bool stuck_ = false;
  bool early_ = false;                                                  // stopped at a violation
  std::uint32_t stepping_ = 0;                                          // the node whose step it is, from 1 on
  std::map<std::string, std::vector<std::size_t>, std::less<>> aimed_;  // items of the plan that wait for a mark
  std::map<std::string, std::uint64_t, std::less<>> marks_;
  std::map<std::string, std::uint64_t, std::less<>> maybes_;
  std::string record_;  // for the hash; kept, so that its memory is used again
  Report report_;
};

}  // namespace chasqui::sim
