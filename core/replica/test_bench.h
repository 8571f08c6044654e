// For tests: one Group on a bench, its disk, and the hands of its peers. Everything is said to it message by message.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/replica/configuration.h"
#include "core/replica/group.h"
#include "core/replica/image.h"
#include "core/replica/test_disk.h"

namespace chasqui::replica {

inline peer::Configuration servers(std::initializer_list<std::uint64_t> voters,
                                   std::initializer_list<std::uint64_t> standbys = {}) {
  peer::Configuration configuration;
  for (std::uint64_t id : voters) {
    auto* server = configuration.add_servers();
    server->set_replica(id);
    server->set_role(peer::Server::VOTER);
  }
  for (std::uint64_t id : standbys) {
    auto* server = configuration.add_servers();
    server->set_replica(id);
    server->set_role(peer::Server::STANDBY);
  }
  return configuration;
}

inline LogEntry change_entry(std::uint64_t term, const peer::Configuration& configuration) {
  return {RaftTerm(term), EntryType::Change, std::make_shared<const std::string>(serialize(configuration))};
}
inline LogEntry command_entry(std::uint64_t term, std::string payload = "c") {
  return {RaftTerm(term), EntryType::Command, std::make_shared<const std::string>(std::move(payload))};
}

class Bench {
 public:
  explicit Bench(std::uint64_t self, const Rules& rules = Rules()) : self_(self), rules_(rules) {}

  // What is on the disk: entry 1 makes `configuration`, `rest` follows. `term` 0: that of the last entry.
  void have(const peer::Configuration& configuration, std::vector<LogEntry> rest = {}, std::uint64_t term = 0) {
    LogAppend append;
    append.first_index = RaftIndex(1);
    append.entries.push_back(change_entry(1, configuration));
    for (auto& entry : rest) append.entries.push_back(std::move(entry));
    append.hard_state = HardState{term != 0 ? RaftTerm(term) : append.entries.back().term, ReplicaId()};
    disk.write(append);
    disk.sync();
  }
  void begin_life() {
    Group::Settings settings;
    settings.self = ReplicaId(self_);
    settings.random = static_cast<unsigned>(self_ * 7919);
    group = std::make_unique<Group>(settings, rules_);
    base_ = disk.given();
    out = Outputs();
  }
  void boot(RaftIndex applied = RaftIndex(), bool past_the_silence = true,
            const std::optional<Ingested>& ingested = std::nullopt) {
    begin_life();
    Group::Start start{disk.image(ShardId()), applied, ingested, Group::OnDisk::All};
    if (ingested && finish_install(start.image, *ingested)) start.on_disk = Group::OnDisk::OldLog;
    run([&](Outputs& o) { EXPECT_TRUE(group->start(now(), std::move(start), o).ok()); });
    // A replica just started ignores votes for one election timeout: most scripts begin after it.
    if (past_the_silence) ms += 500;
  }
  void crash_and_boot(bool unsynced_survives = false) {
    disk.crash(unsynced_survives);
    boot();
  }

  Now now() const { return Now{MonoTime{ms * 1'000'000}, WallTime{ms}}; }

  template <class Body>
  void run(Body body) {
    Outputs o;
    body(o);
    for (auto& append : o.appends) disk.write(append);
    std::move(o.appends.begin(), o.appends.end(), std::back_inserter(out.appends));
    std::move(o.messages.begin(), o.messages.end(), std::back_inserter(out.messages));
    std::move(o.committed.begin(), o.committed.end(), std::back_inserter(out.committed));
    if (o.install) out.install = o.install;
  }
  void sync() {  // everything, until nothing is under way
    while (disk.given() - base_ > told_or_zero()) sync_to(disk.given() - base_);
  }
  void sync_to(std::uint64_t count) {  // counted since boot
    disk.sync_to(base_ + count);
    told_ = {base_, count};
    run([&](Outputs& o) { group->appended(now(), count, o); });
  }
  std::uint64_t writes() const { return disk.given() - base_; }
  void receive(const peer::RaftMessage& message) {
    run([&](Outputs& o) { group->receive(now(), message, o); });
  }
  void tick() {
    run([&](Outputs& o) { group->timeout(now(), o); });
  }
  void sleep_until_deadline() {
    ms = std::max(ms, group->deadline().ms());
    tick();
  }
  absl::StatusOr<RaftIndex> propose(const std::string& payload) {
    RaftIndex index;
    absl::Status status;
    run([&](Outputs& o) { status = group->propose(now(), std::make_shared<const std::string>(payload), index, o); });
    if (!status.ok()) return status;
    return index;
  }
  absl::Status change(const peer::Configuration& configuration) {
    absl::Status status;
    run([&](Outputs& o) { status = group->change(now(), configuration, o); });
    return status;
  }

  // What peers say.
  peer::RaftMessage from(std::uint64_t peer, std::uint64_t term) const {
    peer::RaftMessage message;
    message.set_from(peer);
    message.set_to(self_);
    message.set_term(term);
    return message;
  }
  peer::RaftMessage append(std::uint64_t peer, std::uint64_t term, std::uint64_t prev, std::uint64_t prev_term,
                           const std::vector<LogEntry>& entries, std::uint64_t commit = 0) const {
    peer::RaftMessage message = from(peer, term);
    auto* append = message.mutable_append();
    append->set_prev_index(prev);
    append->set_prev_term(prev_term);
    append->set_commit(commit);
    for (const LogEntry& entry : entries) {
      auto* added = append->add_entries();
      added->set_term(entry.term.value());
      added->set_type(entry.type == EntryType::Change    ? peer::RaftEntry::CHANGE
                      : entry.type == EntryType::Barrier ? peer::RaftEntry::BARRIER
                                                         : peer::RaftEntry::COMMAND);
      if (entry.payload) added->set_payload(*entry.payload);
    }
    return message;
  }
  peer::RaftMessage vote(std::uint64_t peer, std::uint64_t term, std::uint64_t last, std::uint64_t last_term,
                         bool pre_vote = false, bool disrupt = false) const {
    peer::RaftMessage message = from(peer, term);
    message.mutable_vote()->set_last_index(last);
    message.mutable_vote()->set_last_term(last_term);
    message.mutable_vote()->set_pre_vote(pre_vote);
    message.mutable_vote()->set_disrupt_leader(disrupt);
    return message;
  }
  peer::RaftMessage vote_result(std::uint64_t peer, std::uint64_t term, bool granted, bool pre_vote) const {
    peer::RaftMessage message = from(peer, term);
    message.mutable_vote_result()->set_granted(granted);
    message.mutable_vote_result()->set_pre_vote(pre_vote);
    return message;
  }
  peer::RaftMessage append_result(std::uint64_t peer, std::uint64_t last, std::uint64_t rejected = 0,
                                  std::uint64_t echo = 0) const {
    peer::RaftMessage message = from(peer, group->term().value());
    message.mutable_append_result()->set_last_index(last);
    message.mutable_append_result()->set_rejected(rejected);
    message.mutable_append_result()->set_echo(echo);
    return message;
  }

  // Becomes the leader by the votes of `voter`; its hard state is synced, nothing that comes after is.
  void elect(std::uint64_t voter) {
    sleep_until_deadline();
    receive(vote_result(voter, group->term().value() + 1, true, true));
    sync();
    receive(vote_result(voter, group->term().value(), true, false));
    ASSERT_TRUE(group->is_leader());
  }
  // The same, and its first entry is committed.
  void lead(std::uint64_t voter) {
    elect(voter);
    sync();
    receive(append_result(voter, group->last_index().value()));
    ASSERT_TRUE(group->leads());
  }

  std::vector<peer::RaftMessage> take_messages() { return std::exchange(out.messages, {}); }
  // The messages of one kind to one peer, of those not yet taken.
  std::vector<peer::RaftMessage> sent(peer::RaftMessage::BodyCase kind, std::uint64_t to) const {
    std::vector<peer::RaftMessage> result;
    for (const auto& message : out.messages) {
      if (message.body_case() == kind && message.to() == to) result.push_back(message);
    }
    return result;
  }

  std::int64_t ms = 10'000;
  TestDisk disk;
  std::unique_ptr<Group> group;
  Outputs out;  // all since boot

 private:
  std::uint64_t told_or_zero() const { return told_.first == base_ ? told_.second : 0; }

  const std::uint64_t self_;
  const Rules rules_;
  std::size_t base_ = 0;
  std::pair<std::size_t, std::uint64_t> told_{SIZE_MAX, 0};
};

// With a rule off the library's fault shows: only where rules can be switched at all.
#define CHASQUI_NEEDS_SWITCHES() \
  if (!rules_can_be_switched) GTEST_SKIP() << "this build has all rules on for good"

}  // namespace chasqui::replica
