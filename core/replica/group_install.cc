// A snapshot is installed: the replica's state comes as a stream, beside the library, which knows a beginning and an
// end (RAFT.md section 5, rules 2, 3, 11 and 23).
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/replica/group.h"

namespace chasqui::replica {

void Group::receive_install(const peer::RaftMessage& message, Outputs& out) {
  const auto& install = message.install();
  if (!answering_stale_) heard_from(ReplicaId(message.from()), RaftTerm(message.term()));
  const std::string address = absl::StrCat(message.from());
  raft_message shown{};
  shown.type = RAFT_INSTALL_SNAPSHOT;
  shown.server_id = message.from();
  shown.server_address = address.c_str();
  shown.install_snapshot.term = message.term();
  shown.install_snapshot.last_index = install.last_index();
  shown.install_snapshot.last_term = install.last_term();
  shown.install_snapshot.conf_index = install.configuration_index();
  // Rule 11: while one is being installed the library drops the next without freeing what it owns. They come at nearly
  // every heartbeat. (No data ever: the state comes as a stream.)
  if (!installing_ || !rules_->empty_installs) {
    shown.install_snapshot.conf = to_raft(install.configuration());
  } else {
    raft_configuration_init(&shown.install_snapshot.conf);
  }
  raft_event event{};
  event.type = RAFT_RECEIVE;
  event.receive.message = &shown;
  const int rv = step(event, {}, out);
  CHASQUI_ASSERT(rv == 0, "a snapshot fails only without memory");
}

void Group::begin_install(const raft_update& update, Outputs& out) {
  CHASQUI_ASSERT(!installing_, "the library installs one snapshot at a time");
  raft_configuration offered = update.snapshot.metadata.configuration;  // ours now
  peer::Configuration configuration;
  for (unsigned i = 0; i < offered.n; ++i) {
    auto* server = configuration.add_servers();
    server->set_replica(offered.servers[i].id);
    server->set_role(offered.servers[i].role == RAFT_VOTER ? peer::Server::VOTER : peer::Server::STANDBY);
  }
  raft_configuration_close(&offered);
  raft_free(update.snapshot.chunk.base);
  installing_ = Snapshot{RaftIndex(update.snapshot.metadata.index), RaftTerm(update.snapshot.metadata.term),
                         serialize(configuration), RaftIndex(update.snapshot.metadata.configuration_index)};
  install_written_ = false;
  // Rule 2: entries under way are not of the log that comes. A descriptor under way may reach the disk; it is of the
  // state that is being replaced.
  if (rules_->cut_reports) writes_.drop_reports();
  descriptor_ = nullptr;
  out.install = Install{*installing_, heard_.leader};
}

void Group::ingested(Now now, RaftIndex applied, Outputs& out) {
  if (!running() || !installing_ || install_written_) return;
  CHASQUI_ASSERT(applied >= installing_->index, "the state is not older than its descriptor");
  now_ = now;
  clock_.advance(now.mono);
  applied_ = applied;
  install_written_ = true;
  drop_below_ = RaftIndex();  // nothing is left to be dropped
  LogAppend& append = new_append(out);
  append.reset = true;
  append.snapshot = *installing_;
  append.first_index = installing_->index.next();
  give_write(append);
}

void Group::end_install(Outputs& out) {
  snapshot_ = *std::exchange(installing_, std::nullopt);
  install_written_ = false;
  tail_.reset(snapshot_.index, snapshot_.term);
  delivered_ = snapshot_.index;
  const auto configuration = parse_configuration(snapshot_.configuration);
  CHASQUI_ASSERT(configuration.has_value(), "an offered configuration was checked");
  raft_event event{};
  event.type = RAFT_PERSISTED_SNAPSHOT;
  event.persisted_snapshot.metadata.index = snapshot_.index.value();
  event.persisted_snapshot.metadata.term = snapshot_.term.value();
  event.persisted_snapshot.metadata.configuration = to_raft(*configuration);  // taken or closed by the library
  event.persisted_snapshot.metadata.configuration_index = snapshot_.configuration_index.value();
  event.persisted_snapshot.last = true;
  const int rv = step(event, {}, out);
  CHASQUI_ASSERT(rv == 0, "the end of an install fails only without memory");
}

ReplicaImage Group::image() const {
  ReplicaImage image;
  image.shard = settings_.shard;
  image.hard_state = {term(), ReplicaId(raft_.voted_for)};
  image.snapshot = snapshot_;
  image.first_index = tail_.base().next();
  for (RaftIndex index = image.first_index; index <= tail_.last(); index = index.next()) {
    image.entries.push_back(tail_.at(index));
  }
  return image;
}

}  // namespace chasqui::replica
