#include "core/replica/replica.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/points.h"
#include "core/replica/group.h"
#include "core/replica/image.h"

namespace chasqui::replica {
namespace {

Group::Settings settings_of(const Config& config) {
  const Limits& limits = *config.limits;
  Group::Settings settings;
  settings.shard = config.shard;
  settings.self = config.self;
  settings.election_timeout_ms = static_cast<unsigned>(limits.election_timeout_ms);
  settings.heartbeat_ms = static_cast<unsigned>(limits.heartbeat_ms);
  settings.entry_bytes_max = limits.raft_entry_bytes_max;
  // Replicas of one group, and groups of one node, draw different timers.
  Random random(config.seed);
  settings.random = static_cast<unsigned>(random.next_64());
  return settings;
}

}  // namespace

class Replica::Impl {
 public:
  Impl(const Config& config, ReplicaImage image, RaftIndex applied, std::optional<Ingested> ingested)
      : config_(config),
        limits_(*config.limits),
        image_(std::move(image)),
        applied_(applied),
        ingested_(std::move(ingested)),
        group_(std::make_unique<Group>(settings_of(config))) {
    image_.shard = config.shard;
  }

  // Every way in ends here: whether the role changed is a matter of before and after.
  template <class Body>
  void enter(Outputs& out, Body body) {
    const bool led = group_->leads();
    const RaftTerm term = group_->term();
    body();
    if (group_->leads() != led || group_->term() != term) out.role_changed = true;
    if (!group_->stopped().ok()) out.stopped = group_->stopped();
  }

  void start(Now now, Outputs& out) {
    enter(out, [&] {
      const bool bootstrap = is_empty(image_) && !applied_;
      if (bootstrap) image_ = first_image(config_.shard, voters());
      // An empty log under a state that is not: the image is refused by its check.
      if (is_empty(image_)) image_.hard_state.term = RaftTerm(1);
      Group::OnDisk on_disk = bootstrap ? Group::OnDisk::NoEntries : Group::OnDisk::All;
      if (ingested_ && finish_install(image_, *ingested_)) {
        CHASQUI_MARK("install_ends_at_start");
        on_disk = Group::OnDisk::OldLog;
      }
      // Its status is stopped().
      (void)group_->start(now, {std::move(image_), applied_, std::exchange(ingested_, std::nullopt), on_disk}, out);
    });
  }

  std::vector<ReplicaId> voters() const {
    if (config_.voters.empty()) return {config_.self};
    CHASQUI_ASSERT(std::find(config_.voters.begin(), config_.voters.end(), config_.self) != config_.voters.end(),
                   "who bootstraps a group is among its first voters");
    return config_.voters;
  }

  absl::Status may_propose() const {
    if (!group_->leads()) return absl::UnavailableError("this replica does not lead: try its leader");
    const std::uint64_t in_flight = group_->last_index().value() - group_->delivered().value();
    if (in_flight < limits_.entries_in_flight_max) return absl::OkStatus();
    return absl::UnavailableError(
        absl::StrCat(in_flight, " entries are under way, at most ", limits_.entries_in_flight_max, ": wait for one"));
  }

  absl::StatusOr<RaftIndex> barrier(Now now, Outputs& out) {
    if (absl::Status status = may_propose(); !status.ok()) return status;
    RaftIndex index;
    absl::Status status;
    enter(out, [&] { status = group_->barrier(now, index, out); });
    if (!status.ok()) return status;
    return index;
  }

  absl::Status propose(Now now, std::string payload, RaftIndex& index, Outputs& out) {
    if (absl::Status status = may_propose(); !status.ok()) return status;
    CHASQUI_ASSERT(payload.size() <= limits_.raft_entry_bytes_max, "a batch is cut below the limit of an entry");
    absl::Status status;
    enter(out,
          [&] { status = group_->propose(now, std::make_shared<const std::string>(std::move(payload)), index, out); });
    return status;
  }

  // There is no event for it: the group begins anew with what its log holds (RAFT.md section 5).
  void give_up_install(Now now, RaftIndex applied, std::optional<Ingested> ingested, Outputs& out) {
    if (!group_->installing() || !group_->all_synced()) return;
    CHASQUI_MARK("install_given_up");
    enter(out, [&] {
      ReplicaImage image = group_->image();
      const std::uint64_t writes = group_->writes_given();
      group_ = std::make_unique<Group>(settings_of(config_));
      writes_before_ += writes;
      for (const ReplicaId peer : links_down_) group_->link(peer, false);
      (void)group_->start(now, {std::move(image), applied, std::move(ingested), Group::OnDisk::All}, out);
    });
  }

  void flushed(Now now, RaftIndex applied, const Keep& keep, Outputs& out) {
    // The state may be ahead of what this incarnation knows to be committed: the descriptor is not.
    const RaftIndex index = std::min(applied, group_->delivered());
    const LogTail& tail = group_->tail();
    const RaftIndex from = std::max(group_->snapshot_index(), tail.base());
    if (!group_->running() || index <= from) return;
    // A descriptor is worth its write when so much of log lies above the last one.
    const bool pays = index.value() - from.value() > 2 * limits_.log_trailing_entries ||
                      tail.bytes_between(from, index) > keep.bytes_max;
    if (!pays && !CHASQUI_MAYBE("compact_early")) return;
    CHASQUI_MARK("log_compacted");
    enter(out, [&] { group_->compact(now, index, trailing(index, keep), out); });
  }

  // How many entries up to `index` are worth keeping. An only server has nobody to keep them for, and has let go of
  // their payloads.
  std::uint64_t trailing(RaftIndex index, const Keep& keep) const {
    if (group_->is_only_server()) return 0;
    if (keep.above && keep.above < index) {
      CHASQUI_MARK("log_kept_for_stream");
      return index.value() - keep.above.value();
    }
    const LogTail& tail = group_->tail();
    std::uint64_t count = 0;
    RaftIndex from = index;
    while (count < limits_.log_trailing_entries && from > tail.base()) {
      from = RaftIndex(from.value() - 1);
      if (tail.bytes_between(from, index) > keep.bytes_max) break;
      ++count;
    }
    return count;
  }

  const Config config_;
  const Limits& limits_;
  ReplicaImage image_;  // until start()
  const RaftIndex applied_;
  std::optional<Ingested> ingested_;  // until start()
  std::unique_ptr<Group> group_;
  std::uint64_t writes_before_ = 0;  // of groups given up
  std::set<ReplicaId> links_down_;
};

Replica::Replica(const Config& config, ReplicaImage image, RaftIndex applied, std::optional<Ingested> ingested)
    : impl_(std::make_unique<Impl>(config, std::move(image), applied, std::move(ingested))) {}
Replica::~Replica() = default;
Replica::Replica(Replica&&) noexcept = default;
Replica& Replica::operator=(Replica&&) noexcept = default;

void Replica::start(Now now, Outputs& out) {
  impl_->start(now, out);
}

void Replica::tick(Now now, Outputs& out) {
  impl_->enter(out, [&] { impl_->group_->timeout(now, out); });
}

MonoTime Replica::next_deadline() const {
  return impl_->group_->deadline();
}

absl::Status Replica::propose(Now now, std::string payload, RaftIndex& index, Outputs& out) {
  return impl_->propose(now, std::move(payload), index, out);
}

absl::StatusOr<RaftIndex> Replica::barrier(Now now, Outputs& out) {
  return impl_->barrier(now, out);
}

absl::Status Replica::transfer(Now now, ReplicaId to, Outputs& out) {
  absl::Status status;
  impl_->enter(out, [&] { status = impl_->group_->transfer(now, to, out); });
  return status;
}

bool Replica::can_transfer(ReplicaId to) const {
  return to != impl_->config_.self && impl_->group_->leads() && impl_->group_->has_everything(to);
}

void Replica::stop(absl::Status why, Outputs& out) {
  impl_->enter(out, [&] { impl_->group_->halt(std::move(why), out); });
}

std::vector<ReplicaId> Replica::voters() const {
  std::vector<ReplicaId> voters;
  const peer::Configuration configuration = impl_->group_->configuration();
  for (const auto& server : configuration.servers()) {
    if (server.role() == peer::Server::VOTER) voters.emplace_back(server.replica());
  }
  return voters;
}

void Replica::link(ReplicaId peer, bool up) {
  if (up) {
    impl_->links_down_.erase(peer);
  } else {
    impl_->links_down_.insert(peer);
  }
  impl_->group_->link(peer, up);
}

void Replica::peer_gone(Now now, ReplicaId peer) {
  impl_->group_->gone(now, peer);
}

bool Replica::can_propose() const {
  const Group& group = *impl_->group_;
  return group.leads() && !group.is_transferring() &&
         group.last_index().value() - group.delivered().value() < impl_->limits_.entries_in_flight_max;
}

void Replica::receive(Now now, const peer::RaftMessage& message, Outputs& out, bool may_install) {
  if (message.shard() != impl_->config_.shard.value()) return;
  if (message.has_install() && !may_install) {
    CHASQUI_MARK("install_put_off");
    return;
  }
  impl_->enter(out, [&] { impl_->group_->receive(now, message, out); });
}

void Replica::appended(Now now, std::uint64_t count, Outputs& out) {
  impl_->enter(out, [&] { impl_->group_->appended(now, count - impl_->writes_before_, out); });
}

bool Replica::hears_leader(Now now) const {
  return impl_->group_->hears_leader(now);
}

bool Replica::installing() const {
  return impl_->group_->installing() != nullptr;
}

bool Replica::can_ingest() const {
  return installing() && impl_->group_->all_synced();
}

void Replica::ingested(Now now, RaftIndex applied, Outputs& out) {
  impl_->enter(out, [&] { impl_->group_->ingested(now, applied, out); });
}

void Replica::give_up_install(Now now, RaftIndex applied, std::optional<Ingested> ingested, Outputs& out) {
  impl_->give_up_install(now, applied, std::move(ingested), out);
}

void Replica::flushed(Now now, RaftIndex applied, const Keep& keep, Outputs& out) {
  impl_->flushed(now, applied, keep, out);
}

bool Replica::leads() const {
  return impl_->group_->leads();
}
bool Replica::reads_fresh(Now now) const {
  return impl_->group_->reads_fresh(now);
}
RaftTerm Replica::term() const {
  return impl_->group_->term();
}
ReplicaId Replica::leader() const {
  return impl_->group_->leader();
}
RaftIndex Replica::last_index() const {
  return impl_->group_->last_index();
}
RaftIndex Replica::commit_index() const {
  return impl_->group_->commit_index();
}

std::uint64_t Replica::uncommitted_bytes() const {
  const Group& group = *impl_->group_;
  return group.running() ? group.tail().bytes_between(group.delivered(), group.last_index()) : 0;
}

std::uint64_t Replica::tail_bytes() const {
  const LogTail& tail = impl_->group_->tail();
  return tail.bytes_between(tail.released(), tail.last());
}

std::uint64_t Replica::memory_bytes() const {
  return sizeof(Impl) + impl_->group_->tail().memory_bytes();
}

}  // namespace chasqui::replica
