// The law of the log: whatever is appended, synced and cut off, the real log is found as the simulated one could be.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/log_makers.h"

namespace chasqui::conformance {
namespace {

using storage::testing::Appends;
using storage::testing::entry;

bool equal(const ReplicaImage& real, const ReplicaImage& simulated) {
  if (real.shard != simulated.shard || real.hard_state != simulated.hard_state) return false;
  const Snapshot& one = real.snapshot;
  const Snapshot& other = simulated.snapshot;
  if (one.index != other.index || one.term != other.term || one.configuration != other.configuration ||
      one.configuration_index != other.configuration_index) {
    return false;
  }
  if (real.first_index > simulated.first_index) return false;
  const std::size_t more = simulated.first_index.value() - real.first_index.value();
  if (real.entries.size() != simulated.entries.size() + more) return false;
  for (std::size_t i = 0; i < simulated.entries.size(); ++i) {
    const LogEntry& a = real.entries[more + i];
    const LogEntry& b = simulated.entries[i];
    if (a.term != b.term || a.type != b.type || bytes_of(a) != bytes_of(b)) return false;
  }
  return true;
}

bool equal(const std::vector<ReplicaImage>& real, const std::vector<ReplicaImage>& simulated) {
  return std::equal(real.begin(), real.end(), simulated.begin(), simulated.end(),
                    [](const ReplicaImage& a, const ReplicaImage& b) { return equal(a, b); });
}

// One sequence of appends, syncs and crashes on both logs. After a crash the real log must be what the simulated one
// would be with one of its numbers of survivors; from there both go on.
class BothLogs {
 public:
  explicit BothLogs(std::uint64_t seed) : random_(seed) {}

  void operate(std::uint64_t operation) {
    random_ ^= operation * 0x9e3779b97f4a7c15ULL;
    const std::uint64_t shard = draw(4);
    switch (operation % 16) {
      case 0: return crash();
      case 1:
      case 2: return sync();
      case 3:
        sync();
        RC_ASSERT(real_.real.node().log().close_gap().ok());
        return;
      case 4: return compact(shard);
      case 5: return install(shard);
      case 6: return overwrite(shard);
      case 7: return vote(shard);
      case 8: return extend(shard, 64 + draw(80));
      default: return extend(shard, 1 + draw(4));
    }
  }
  void finish() {
    sync();
    crash();
  }

 private:
  struct Shard {
    std::uint64_t first = 1;
    std::vector<std::uint64_t> terms;  // of the entries from `first` on, those that wait too
    std::uint64_t applied = 0;
    std::uint64_t snapshot_term = 1;
    HardState hard_state;
    [[nodiscard]] std::uint64_t last() const { return first + terms.size() - 1; }
    [[nodiscard]] std::uint64_t term_at(std::uint64_t index) const {
      return index < first ? snapshot_term : terms[index - first];
    }
  };

  std::uint64_t draw(std::uint64_t below) {
    random_ = random_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (random_ >> 33) % below;
  }
  void append(const LogAppend& append) {
    simulated_.append(append);
    real_.append(append);
  }
  void entries(std::uint64_t shard, std::uint64_t from, std::uint64_t count, std::uint64_t term) {
    Shard& at = shards_[shard];
    std::vector<LogEntry> list;
    at.terms.resize(from - at.first);
    for (; count > 0; --count) {
      static constexpr EntryType types[] = {EntryType::Command, EntryType::Barrier, EntryType::Change};
      const std::uint64_t size = draw(12) == 0 ? 20'000 + draw(30'000) : draw(50);
      list.push_back(entry(term, std::string(size, static_cast<char>(draw(256))), types[draw(3)]));
      at.terms.push_back(term);
    }
    append(appends_.entries(shard, from, std::move(list)));
  }
  void extend(std::uint64_t shard, std::uint64_t count) {
    const Shard& at = shards_[shard];
    entries(shard, at.last() + 1, count, at.term_at(at.last()) + draw(2));
  }
  // A new leader, perhaps of a term below that of the tail it cuts.
  void overwrite(std::uint64_t shard) {
    const Shard& at = shards_[shard];
    const std::uint64_t least = std::max(at.applied + 1, at.first);
    if (at.last() < least) return;
    const std::uint64_t from = least + draw(at.last() - least + 1);
    entries(shard, from, 1 + draw(3), at.term_at(from - 1) + draw(3));
  }
  void vote(std::uint64_t shard) {
    Shard& at = shards_[shard];
    at.hard_state = {RaftTerm(at.hard_state.term.value() + 1 + draw(3)), ReplicaId(draw(3))};
    LogAppend vote = appends_.next(shard);
    vote.hard_state = at.hard_state;
    append(vote);
  }
  void compact(std::uint64_t shard) {
    sync();
    Shard& at = shards_[shard];
    if (at.last() <= at.applied || at.terms.empty()) return;
    const std::uint64_t index = at.last() - draw(std::min<std::uint64_t>(3, at.last() - at.applied));
    at.snapshot_term = at.term_at(index);
    at.applied = index;
    real_.apply(shard, index, at.snapshot_term);
    LogAppend drop = appends_.next(shard);
    drop.snapshot = Snapshot{RaftIndex(index), RaftTerm(at.snapshot_term), std::to_string(index), RaftIndex(1)};
    drop.drop_below = RaftIndex(index + 1 - std::min(index, draw(6)));
    append(drop);
  }
  // Not left waiting: with the state taken in and the log not begun anew, the store would not open. What must hold at
  // a crash between the two comes with the receiving of snapshots.
  void install(std::uint64_t shard) {
    sync();
    Shard& at = shards_[shard];
    const std::uint64_t index = at.last() + 1 + draw(50);
    const std::uint64_t term = at.term_at(at.last()) + draw(2);
    real_.apply(shard, index, term);
    LogAppend reset = appends_.next(shard);
    reset.reset = true;
    reset.snapshot = Snapshot{RaftIndex(index), RaftTerm(term), "installed", RaftIndex(1)};
    append(reset);
    at = Shard{index + 1, {}, index, term, at.hard_state};
    sync();
  }
  void sync() {
    simulated_.sync();
    real_.sync();
  }
  void crash() {
    real_.crash(draw(1 << 30));
    RC_ASSERT(real_.real.opened().ok());
    const std::vector<ReplicaImage> found = real_.image();
    std::size_t survivors = 0;
    for (const std::size_t waiting = simulated_.log.pending();; ++survivors) {
      RC_ASSERT(survivors <= waiting);  // none of what the simulator could have kept
      sim::SimLog possible = simulated_.log;
      (void)possible.crash(survivors);
      if (equal(found, possible.image())) break;
    }
    (void)simulated_.log.crash(survivors);
    appends_ = Appends();
    std::map<std::uint64_t, Shard> shards;
    for (const ReplicaImage& image : simulated_.image()) {
      Shard& at = shards[image.shard.value()];
      at.first = image.first_index.value();
      for (const LogEntry& e : image.entries) at.terms.push_back(e.term.value());
      at.applied = shards_[image.shard.value()].applied;
      at.snapshot_term = image.snapshot.index ? image.snapshot.term.value() : 1;
      at.hard_state = image.hard_state;
    }
    shards_ = std::move(shards);
  }

  SimLogMaker simulated_;
  RealLogMaker real_;
  Appends appends_;
  std::map<std::uint64_t, Shard> shards_;
  std::uint64_t random_;
};

RC_GTEST_PROP(LogLaw, after_every_crash_the_real_log_is_one_that_the_simulated_one_could_be, (std::uint64_t seed)) {
  const auto operations = *rc::gen::container<std::vector<std::uint64_t>>(rc::gen::arbitrary<std::uint64_t>());
  BothLogs both(seed);
  for (const std::uint64_t operation : operations) both.operate(operation);
  both.finish();
}

}  // namespace
}  // namespace chasqui::conformance
