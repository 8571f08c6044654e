// The shard's machine against the reference model, and against itself.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "core/base/keys.h"
#include "core/shard/apply.h"
#include "core/testing/mem_store.h"
#include "tests/model/command_maker.h"
#include "tests/model/shard_model.h"
#include "tests/model/store_facts.h"

namespace chasqui::model {
namespace {

constexpr ShardId here{0};
constexpr ShardCount one_shard{1};

Answer to_answer(const shard::Reply& reply) {
  struct Visitor {
    Answer operator()(const shard::Done&) const { return {"done"}; }
    Answer operator()(const shard::AccountCreated& r) const { return {"account", r.user.value(), r.device.value()}; }
    Answer operator()(const shard::Accepted& r) const {
      return {"accepted", r.seq.value(), static_cast<std::uint64_t>(r.time.ms)};
    }
    Answer operator()(const shard::Marked& r) const { return {"marked", r.delivered.value(), r.read.value()}; }
    Answer operator()(const shard::HiddenNow& r) const {
      std::uint64_t seqs = 0;
      for (std::size_t i = 0; i + 1 < r.ranges.size(); i += 2) seqs += r.ranges[i + 1] - r.ranges[i] + 1;
      return {"hidden", r.hides, seqs};
    }
    Answer operator()(const shard::PrivacyNow& r) const { return {"presence", static_cast<std::uint64_t>(r.presence)}; }
    Answer operator()(const shard::GateNow& r) const { return {"gate", r.stance}; }
    Answer operator()(const shard::Refused& r) const {
      return {"refused", static_cast<std::uint64_t>(r.code), r.next.value()};
    }
  };
  return std::visit(Visitor{}, reply);
}

std::string to_text(const std::vector<Answer>& answers) {
  std::string text;
  for (const Answer& a : answers) text += a.kind + " " + std::to_string(a.a) + " " + std::to_string(a.b) + "\n";
  return text;
}

// A machine on a store of its own.
class Replica {
 public:
  shard::Applied apply(const std::string& bytes, bool is_command) {
    shard::Applied applied = machine_->apply(machine_->applied_index().next(), RaftTerm(1), is_command, bytes);
    WriteBatch rows;
    machine_->write_out(rows, 1 << 20);
    store_.write(rows);
    return applied;
  }
  void restart() { machine_.emplace(here, one_shard, store_); }
  [[nodiscard]] const testing::MemStore& store() const { return store_; }

 private:
  testing::MemStore store_;
  std::optional<shard::Machine> machine_{std::in_place, here, one_shard, store_};
};

// A log: entries of the drawn commands, with times that mostly go forward, and barriers. `apply(entry, draw)`.
template <class Apply>
void for_each_entry(const std::vector<Draw>& draws, CommandMaker& maker, const Apply& apply) {
  log::Entry entry;
  std::int64_t time_ms = 0;
  const auto end_entry = [&](const Draw& draw) {
    time_ms += draw[5] % 8 == 7 ? -5'000 : draw[5] * 20'000;
    entry.set_log_time_ms(time_ms);
    apply(entry, draw);
    entry.Clear();
    maker.clear();
  };
  for (const Draw& draw : draws) {
    for (log::Command& command : maker.make(draw)) *entry.add_commands() = std::move(command);
    if (draw[4] < 128) end_entry(draw);
  }
  end_entry(Draw{});
}

// A later command of the same entry may have edited or erased it.
void check_event(const std::string& row, const std::string& told) {
  client::Event stored;
  client::Event pushed;
  RC_ASSERT(stored.ParseFromString(row) && pushed.ParseFromString(told));
  RC_ASSERT(stored.seq() == pushed.seq());
  RC_ASSERT(stored.digest() == pushed.digest());
  if (stored.erased_by() == 0 && !stored.expired()) RC_ASSERT(stored.payload() == pushed.payload());
}

// What the leader is told to do is what the rows say.
void check_consequences(const shard::Applied& applied, const testing::MemStore& store) {
  for (const shard::Consequence& consequence : applied.consequences) {
    if (const auto* stored = std::get_if<shard::EventStored>(&consequence)) {
      check_event(store.get(keys::event(here, stored->conversation, stored->seq)).value_or(""), stored->event);
    } else if (const auto* owed = std::get_if<shard::FeedOwed>(&consequence)) {
      RC_ASSERT(store.get(keys::feed(here, owed->index)) == owed->feed.SerializeAsString());
      RC_ASSERT(&consequence == &applied.consequences.back());
    } else if (const auto* gone = std::get_if<shard::DeviceGone>(&consequence)) {
      RC_ASSERT(!store.get(keys::device(here, gone->user, gone->device)));
    } else if (const auto* moved = std::get_if<shard::IndexMoved>(&consequence)) {
      RC_ASSERT(store.get(keys::index(here, moved->user, moved->conversation)).has_value());
      RC_ASSERT(store.get(keys::version(here, moved->user, moved->version)).has_value());
    }
  }
}

RC_GTEST_PROP(ShardModelLaw, the_machine_answers_and_keeps_what_the_model_does, ()) {
  const std::vector<Draw> draws = *any_draws();
  ShardModel model;
  Replica replica;
  CommandMaker maker(model);
  std::size_t accepted = 0;
  for_each_entry(draws, maker, [&](const log::Entry& entry, const Draw& draw) {
    const std::vector<Answer> expected = model.apply(entry);
    const shard::Applied applied = replica.apply(entry.SerializeAsString(), true);
    std::vector<Answer> found;
    for (const shard::Reply& reply : applied.replies) found.push_back(to_answer(reply));
    RC_ASSERT(to_text(found) == to_text(expected));
    for (const Answer& answer : found) accepted += answer.kind == "accepted" ? 1U : 0U;
    check_consequences(applied, replica.store());
    if (draw[3] % 8 == 7) replica.restart();
    if (draw[3] % 8 == 6) {
      model.barrier();
      (void)replica.apply("", false);
    }
  });
  RC_TAG(accepted == 0 ? "nothing accepted" : accepted < 10 ? "a little accepted" : "much accepted");
  RC_ASSERT(first_difference(model.facts(), store_facts(replica.store().rows())) == "");
}

RC_GTEST_PROP(ReplicaLaw, two_replicas_fed_the_same_log_are_equal_byte_for_byte, ()) {
  const std::vector<Draw> draws = *any_draws();
  ShardModel model;
  Replica one;
  Replica other;
  CommandMaker maker(model);
  for_each_entry(draws, maker, [&](const log::Entry& entry, const Draw& draw) {
    (void)model.apply(entry);
    const std::string bytes = draw[2] % 16 == 15 ? "\xff garbage" : entry.SerializeAsString();
    (void)one.apply(bytes, draw[2] % 16 != 14);
    (void)other.apply(bytes, draw[2] % 16 != 14);
    if (draw[3] % 4 == 3) other.restart();
  });
  RC_ASSERT(one.store().rows() == other.store().rows());
}

RC_GTEST_PROP(ReplicaLaw, one_entry_that_differed_shows_in_the_rolling_hash_ever_after, ()) {
  const std::vector<Draw> draws = *any_draws();
  ShardModel model;
  Replica one;
  Replica other;
  CommandMaker maker(model);
  for_each_entry(draws, maker, [&](const log::Entry& entry, const Draw&) {
    (void)model.apply(entry);
    (void)one.apply(entry.SerializeAsString(), true);
    log::Entry changed = entry;
    if (model.index() == 1) changed.set_log_time_ms(*rc::gen::inRange<std::int64_t>(10'000'000, 20'000'000));
    (void)other.apply(changed.SerializeAsString(), true);
  });
  const auto hash = [](const Replica& replica) {
    state::Shard numbers;
    numbers.ParseFromString(replica.store().get(keys::numbers(here)).value_or(""));
    return numbers.rolling_hash();
  };
  RC_ASSERT(hash(one) != hash(other));
}

}  // namespace
}  // namespace chasqui::model
