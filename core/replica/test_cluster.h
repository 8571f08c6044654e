// For tests: a few replicas of one group, each with its disk, and links between them that keep order but lose, double
// and break. Everything is drawn from one seed.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/digest.h"
#include "core/replica/test_bench.h"

namespace chasqui::replica {

class TestCluster {
 public:
  explicit TestCluster(std::uint64_t seed) : random_(seed * 2 + 1) {}

  Bench& add(std::uint64_t id, const Rules& rules = Rules()) {
    rules_off_ |= !(rules == Rules());
    members_[id] = std::make_unique<Bench>(id, rules);
    return *members_[id];
  }
  Bench& at(std::uint64_t id) { return *members_.at(id); }
  void boot(std::uint64_t id) {
    at(id).ms = ms_;
    const auto ingested = ingested_.find(id);
    at(id).boot(flushed_[id], false, ingested == ingested_.end() ? std::nullopt : std::optional(ingested->second));
    installs_.erase(id);
    told_[id] = 0;
    next_[id] = flushed_[id].value() + 1;
    gather(id);
  }

  // One thing that may happen.
  void stir() {
    const std::uint64_t id = members_any();
    const std::uint64_t what = draw(100);
    if (what < 50) {
      deliver(draw(10) == 0, draw(12) == 0);
    } else if (what < 72) {
      sync(id, 1 + draw(3));
    } else if (what < 86) {
      pass(1 + static_cast<std::int64_t>(draw(60)));
    } else if (what < 96) {
      propose(id);
    } else if (what < 98) {
      flush(id, draw(2) == 0 ? draw(3) : 1'000'000);
    } else if (draw(3) == 0) {
      crash(id, draw(3));
    } else if (draw(3) == 0) {
      stream(id);
    } else if (draw(3) == 0) {
      cut_.empty() ? isolate(id) : heal();
    } else {
      break_link(id, members_any());
    }
  }
  // Nothing goes wrong any more, for so long.
  void calm(std::int64_t ms) {
    for (const std::int64_t end = ms_ + ms; ms_ < end;) {
      for (auto& [id, member] : members_) sync(id, 1'000'000);
      for (auto& [id, member] : members_) stream(id);
      while (waiting_messages() != 0) {
        deliver(false, false);
        for (auto& [id, member] : members_) sync(id, 1'000'000);
      }
      pass(5);
    }
  }
  void propose(std::uint64_t id) {
    if (!at(id).group->leads()) return;
    if (at(id).group->last_index().value() - at(id).group->delivered().value() >= 32) return;
    at(id).ms = ms_;
    (void)at(id).propose(std::to_string(++proposed_));
    gather(id);
  }
  std::uint64_t leader() const {  // 0: nobody leads
    std::uint64_t best = 0;
    for (const auto& [id, member] : members_) {
      if (member->group->leads() && (best == 0 || member->group->term() > members_.at(best)->group->term())) best = id;
    }
    return best;
  }
  absl::Status change(std::uint64_t id, const peer::Configuration& configuration) {
    at(id).ms = ms_;
    const absl::Status status = at(id).change(configuration);
    gather(id);
    return status;
  }
  void transfer(std::uint64_t id, std::uint64_t to) {
    at(id).ms = ms_;
    at(id).run([&](Outputs& out) { EXPECT_TRUE(at(id).group->transfer(at(id).now(), ReplicaId(to), out).ok()); });
    gather(id);
  }
  void crash(std::uint64_t id, std::uint64_t survivors) {
    at(id).disk.crash_keeping(survivors);
    for (auto& [ends, link] : links_) {
      if (ends.first == id || ends.second == id) link.clear();
    }
    boot(id);
  }
  // From now on nothing gets from one to the other, or everything again.
  void cut(std::uint64_t from, std::uint64_t to, bool on = true) {
    if (on) {
      cut_.insert({from, to});
    } else {
      cut_.erase({from, to});
    }
  }
  void heal() { cut_.clear(); }
  void isolate(std::uint64_t id, bool on = true) {
    for (const auto& [other, member] : members_) {
      cut(id, other, on);
      cut(other, id, on);
    }
  }
  // Its state survives a crash, and its log is compacted but for the last `trailing` entries.
  void flush(std::uint64_t id, std::uint64_t trailing) {
    Bench& member = at(id);
    member.ms = ms_;
    flushed_[id] = std::max({flushed_[id], member.group->delivered(), RaftIndex(next_.at(id) - 1)});
    member.run([&](Outputs& out) { member.group->compact(member.now(), member.group->delivered(), trailing, out); });
    gather(id);
  }
  // What a stream brings to one that installs: the state of who offered it, as it is now.
  void stream(std::uint64_t id) {
    const auto install = installs_.find(id);
    if (install == installs_.end() || !at(id).group->all_synced() || !streams_flow_) return;
    const std::uint64_t from = install->second.from.value();
    const RaftIndex applied(next_.at(from) - 1);
    if (applied < install->second.snapshot.index) return;
    Bench& member = at(id);
    member.ms = ms_;
    ingested_[id] = {install->second.snapshot, applied};
    flushed_[id] = applied;
    next_[id] = applied.value() + 1;
    installs_.erase(install);
    ++installed_;
    member.run([&](Outputs& out) { member.group->ingested(member.now(), applied, out); });
    gather(id);
  }
  void take(std::uint64_t id) { gather(id); }     // what the test did by itself
  void stall(std::uint64_t id, bool on = true) {  // its disk does not sync
    if (on) {
      stalled_.insert(id);
    } else {
      stalled_.erase(id);
    }
  }
  void let_streams_flow(bool on) { streams_flow_ = on; }
  std::size_t installed() const { return installed_; }
  bool installs(std::uint64_t id) const { return installs_.contains(id); }
  // Of all that was ever committed, in order.
  std::uint64_t digest() const {
    std::string bytes;
    for (const auto& [index, entry] : committed_) {
      bytes += std::to_string(index) + ' ' + std::to_string(entry.first.value()) + ' ' + entry.second + '\n';
    }
    for (const auto& [id, member] : members_) {
      bytes += std::to_string(member->group->term().value()) + ' ' + std::to_string(member->disk.given()) + '\n';
    }
    return xxh3_64(bytes);
  }

  std::size_t committed() const { return committed_.size(); }
  std::uint64_t next_to_commit(std::uint64_t id) const { return next_.at(id); }
  std::int64_t ms() const { return ms_; }
  std::size_t terms_led() const { return leaders_.size(); }

 private:
  std::uint64_t draw(std::uint64_t bound) {  // xorshift*: the same everywhere
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    return (random_ * 2685821657736338717ULL >> 33) % bound;
  }
  std::uint64_t members_any() {
    return std::next(members_.begin(), static_cast<std::ptrdiff_t>(draw(members_.size())))->first;
  }
  std::size_t waiting_messages() const {
    std::size_t count = 0;
    for (const auto& [ends, link] : links_) count += link.size();
    return count;
  }
  void deliver(bool lose, bool twice) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> busy;
    for (const auto& [ends, link] : links_) {
      if (!link.empty()) busy.push_back(ends);
    }
    if (busy.empty()) return;
    const auto ends = busy[draw(busy.size())];
    const peer::RaftMessage message = links_[ends].front();
    links_[ends].pop_front();
    lose |= cut_.contains(ends);
    for (int i = lose ? 1 : 0; i < (twice ? 2 : 1); ++i) {
      at(ends.second).ms = ms_;
      at(ends.second).receive(message);
      gather(ends.second);
    }
  }
  void sync(std::uint64_t id, std::uint64_t most) {
    Bench& member = at(id);
    std::uint64_t& told = told_[id];
    if (told >= member.writes() || stalled_.contains(id)) return;
    told = std::min(member.writes(), told + most);
    member.ms = ms_;
    member.sync_to(told);
    gather(id);
  }
  void pass(std::int64_t ms) {
    ms_ += ms;
    for (auto& [id, member] : members_) {
      member->ms = ms_;
      if (member->group->deadline() <= member->now().mono) member->tick();
      gather(id);
    }
  }
  void break_link(std::uint64_t a, std::uint64_t b) {  // what was on its way is lost, the next connection begins empty
    links_[{a, b}].clear();
    links_[{b, a}].clear();
  }

  // The configuration in use is that of the last CHANGE in the log, or of the descriptor; what is committed does not
  // count as uncommitted.
  void check_configuration(std::uint64_t id) {
    const Group& group = *at(id).group;
    if (group.installing() != nullptr) return;
    const RaftIndex change = group.tail().last_change(group.last_index());
    if (change) {
      ASSERT_EQ(serialize(group.configuration()), *group.tail().at(change).payload) << "replica " << id;
    }
    const RaftIndex uncommitted(group.library().configuration_uncommitted_index);
    ASSERT_TRUE(!uncommitted || uncommitted > group.delivered()) << "replica " << id;
  }

  // Takes what a replica handed out, and holds it against everything that ever was.
  void gather(std::uint64_t id) {
    Bench& member = at(id);
    for (auto& message : member.take_messages()) {
      if (members_.contains(message.to())) links_[{id, message.to()}].push_back(std::move(message));
    }
    if (member.out.install) installs_[id] = *std::exchange(member.out.install, std::nullopt);
    if (member.group->running() && !rules_off_) check_configuration(id);
    for (const Committed& entry : std::exchange(member.out.committed, {})) {
      ASSERT_EQ(entry.index.value(), next_[id]++) << "replica " << id << " hands out in order, each once";
      const auto value = std::pair(entry.term, *entry.payload);
      const auto [known, is_new] = committed_.emplace(entry.index.value(), value);
      ASSERT_EQ(known->second, value) << "entry " << entry.index.value() << " differs at replica " << id;
    }
    ASSERT_TRUE(member.group->stopped().ok()) << member.group->stopped();
    if (member.group->is_leader()) {
      const auto [known, is_new] = leaders_.emplace(member.group->term(), id);
      ASSERT_EQ(known->second, id) << "term " << member.group->term().value() << " has two leaders";
    }
    for (const auto& [other, peer] : members_) {
      if (!peer->group || !peer->group->reads_fresh(Now{MonoTime{ms_ * 1'000'000}, WallTime{}})) continue;
      ASSERT_TRUE(!member.group->leads() || member.group->term() <= peer->group->term())
          << "replica " << other << " would answer a read though " << id << " leads a later term";
    }
  }

  std::uint64_t random_;
  std::int64_t ms_ = 10'000;
  std::map<std::uint64_t, std::unique_ptr<Bench>> members_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::deque<peer::RaftMessage>> links_;
  std::map<std::uint64_t, std::uint64_t> told_;
  std::map<std::uint64_t, std::uint64_t> next_;
  std::map<std::uint64_t, RaftIndex> flushed_;  // what each state holds for certain
  std::map<std::uint64_t, std::pair<RaftTerm, std::string>> committed_;
  std::map<RaftTerm, std::uint64_t> leaders_;
  std::map<std::uint64_t, Install> installs_;
  std::map<std::uint64_t, Ingested> ingested_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> cut_;
  std::set<std::uint64_t> stalled_;
  std::size_t installed_ = 0;
  bool streams_flow_ = true;
  bool rules_off_ = false;
  std::uint64_t proposed_ = 0;
};

}  // namespace chasqui::replica
