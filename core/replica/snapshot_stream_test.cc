// A shard's state from one node to another, part by part: what may be lost on the way, and what is never taken.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/keys.h"
#include "core/replica/ingested_row.h"
#include "core/replica/snapshot_chunk.h"
#include "core/replica/snapshot_sink.h"
#include "core/replica/snapshot_source.h"

namespace chasqui::replica {
namespace {

using Rows = std::map<std::string, std::string>;

// Two nodes, 1 with the state and 2 without, and what their owners do for them. Time stands still unless told.
class Streams : public testing::Test {
 protected:
  Streams() {
    limits_.stream_part_bytes = 1'000;
    for (std::uint64_t user = 1; user <= 100; ++user) {
      store_[keys::account(shard_, UserId(user))] = std::string(50, static_cast<char>('a' + user % 26));
    }
    set_applied(30);
    store_[keys::ingested(shard_)] = "of node 1 alone";
    store_[keys::account(ShardId(6), UserId(7))] = "of another shard";
    old_[keys::account(shard_, UserId(500))] = "of old";
  }
  void set_applied(std::uint64_t applied) {
    state::Shard numbers;
    numbers.set_applied_index(applied);
    store_[keys::numbers(shard_)] = numbers.SerializeAsString();
    applied_ = RaftIndex(applied);
  }
  Now now() const { return {MonoTime{ms_ * 1'000'000}, {}}; }

  void install(std::uint64_t index = 20) {
    chasqui::Outputs out;
    sink_.install(now(), shard_, NodeId(1), {RaftIndex(index), RaftTerm(3), "conf", RaftIndex(1)}, random_, last_in_,
                  out);
    carry_out(2, out);
  }
  void carry_out(int node, chasqui::Outputs& out) {
    for (Output& output : out) {
      if (auto* send = std::get_if<PeerSend>(&output)) {
        wire_.emplace_back(node, send->bytes);
      } else if (auto* open = std::get_if<StreamOpen>(&output)) {
        snapshots_[open->stream] = store_;
      } else if (auto* read = std::get_if<StreamRead>(&output)) {
        reads_.push_back(*read);
      } else if (auto* write = std::get_if<StreamWrite>(&output)) {
        for (Row& row : write->rows) {
          EXPECT_TRUE(staged_[write->stream].empty() || staged_[write->stream].rbegin()->first < row.key);
          staged_[write->stream][row.key] = row.value;
        }
        ++writes_;
        writes_done_.push_back({write->stream});
      } else if (auto* ingest = std::get_if<StreamIngest>(&output)) {
        old_.erase(old_.lower_bound(ingest->begin), old_.lower_bound(ingest->end));
        for (auto& [key, value] : staged_[ingest->stream]) old_[key] = value;
        for (Row& row : ingest->local) old_[row.key] = row.value;
        ingests_.push_back({ingest->stream});
      } else if (auto* close = std::get_if<StreamClose>(&output)) {
        (node == 1 ? closed_out_ : closed_in_).insert(close->stream);
        if (node == 1) snapshots_.erase(close->stream);
        if (node == 2) staged_.erase(close->stream);
      }
    }
    out.clear();
  }
  void deliver_one() {
    auto [from, bytes] = std::move(wire_.front());
    wire_.pop_front();
    chasqui::Outputs out;
    peer::PeerFrame frame;
    ASSERT_TRUE(frame.ParseFromString(bytes));
    if (frame.has_snapshot_pull()) {
      source_.pull(now(), NodeId(2), frame.snapshot_pull(), applied_, last_out_, out);
      carry_out(1, out);
    } else if (frame.has_snapshot_chunk()) {
      sink_.chunk(now(), NodeId(1), *frame.mutable_snapshot_chunk(), random_, last_in_, out);
      carry_out(2, out);
    } else {
      sink_.refused(now(), NodeId(1), frame.snapshot_refusal(), random_, last_in_, out);
      carry_out(2, out);
    }
  }
  void serve() {  // what the owners do: reads and writes
    chasqui::Outputs out;
    for (const StreamRead& read : std::exchange(reads_, {})) {
      StreamRowsRead done{read.stream, {}};
      std::uint64_t bytes = 0;
      const Rows& rows = snapshots_.at(read.stream);
      for (auto it = rows.lower_bound(read.range.begin); it != rows.end() && it->first < read.range.end; ++it) {
        if (bytes >= read.range.bytes_max) {
          done.result.more = true;
          break;
        }
        bytes += it->first.size() + it->second.size();
        done.result.rows.push_back({it->first, it->second});
      }
      source_.rows_read(now(), done, out);
      carry_out(1, out);
    }
    for (const StreamRowsWritten& written : std::exchange(writes_done_, {})) {
      sink_.rows_written(now(), written, out);
      carry_out(2, out);
    }
    for (const ShardId shard : sink_.staged()) {
      sink_.ingest(shard, out);
      carry_out(2, out);
    }
    for (const StreamIngested& ingested : std::exchange(ingests_, {})) {
      if (auto done = sink_.ingested(ingested, out)) done_ = *done;
      carry_out(2, out);
    }
  }
  void pass(std::int64_t ms) {
    ms_ += ms;
    chasqui::Outputs out;
    if (source_.next_deadline() <= now().mono) source_.tick(now(), out);
    carry_out(1, out);
    if (sink_.next_deadline() <= now().mono) sink_.tick(now(), random_, last_in_, out);
    carry_out(2, out);
  }
  // Until nothing happens without time passing, at most `steps`.
  void run(int steps = 10'000) {
    for (; steps > 0; --steps) {
      if (!wire_.empty()) {
        deliver_one();
      } else if (!reads_.empty() || !writes_done_.empty() || !ingests_.empty() || !sink_.staged().empty()) {
        serve();
      } else if (!done_ && earlier(source_.next_deadline(), sink_.next_deadline()) <= now().mono + milliseconds(400)) {
        pass(1);
      } else {
        return;
      }
    }
  }
  void lose_wire() { wire_.clear(); }
  void expect_whole() {
    ASSERT_TRUE(done_.has_value());
    EXPECT_EQ(done_->shard, shard_);
    EXPECT_EQ(done_->ingested.applied, applied_);
    Rows wanted = store_;
    wanted.erase(wanted.begin(), wanted.lower_bound(keys::shard_begin(shard_)));
    wanted[keys::ingested(shard_)] = ingested_row(done_->ingested);
    EXPECT_EQ(old_, wanted);
  }

  const ShardId shard_{7};
  Limits limits_;
  std::int64_t ms_ = 5'000;
  Rows store_;
  Rows old_;
  RaftIndex applied_;
  SnapshotSource source_{limits_};
  SnapshotSink sink_{limits_};
  Random random_{Seed{}};
  StreamId last_in_;
  StreamId last_out_;
  std::deque<std::pair<int, std::string>> wire_;
  std::vector<StreamRead> reads_;
  std::vector<StreamRowsWritten> writes_done_;
  std::vector<StreamIngested> ingests_;
  std::map<StreamId, Rows> snapshots_;
  std::map<StreamId, Rows> staged_;
  std::set<StreamId> closed_in_;
  std::set<StreamId> closed_out_;
  int writes_ = 0;
  std::optional<SnapshotSink::Done> done_;
};

TEST_F(Streams, bring_the_whole_state_and_nothing_local) {
  install();
  run();
  expect_whole();
  EXPECT_GT(writes_, 5);
  EXPECT_TRUE(source_.empty());  // told that it is done
  EXPECT_TRUE(sink_.empty());
  EXPECT_EQ(closed_in_.size(), 1U);
  EXPECT_EQ(closed_out_.size(), 1U);
}

TEST_F(Streams, are_of_one_moment) {
  install();
  run(6);
  const Rows then = store_;
  store_[keys::account(shard_, UserId(99))] = "later";
  run();
  store_ = then;
  expect_whole();
}

TEST_F(Streams, go_on_at_the_last_key_after_a_break) {
  install();
  run(12);
  const int writes_before = writes_;
  ASSERT_GT(writes_before, 0);
  lose_wire();
  chasqui::Outputs out;
  sink_.reachable(now(), NodeId(1), random_, last_in_, out);
  carry_out(2, out);
  run();
  expect_whole();
  EXPECT_EQ(closed_out_.size(), 1U);  // the same snapshot to the end
}

TEST_F(Streams, ask_again_for_a_part_that_does_not_come) {
  install();
  run(12);
  lose_wire();
  pass(2'000);
  run();
  expect_whole();
  EXPECT_EQ(last_in_, StreamId(1));
}

TEST_F(Streams, begin_anew_when_the_source_has_let_go) {
  install();
  run(12);
  lose_wire();
  chasqui::Outputs out;
  source_.lose(shard_, out);
  carry_out(1, out);
  EXPECT_FALSE(source_.holds(shard_));
  set_applied(40);
  pass(2'000);
  run();
  expect_whole();
  EXPECT_EQ(last_in_, StreamId(2));
  EXPECT_TRUE(closed_in_.contains(StreamId(1)));  // what was staged of the first is gone
}

TEST_F(Streams, a_damaged_part_is_never_staged) {
  install();
  run(2);
  for (int tries = 0; tries < 100 && wire_.empty(); ++tries) run(1);
  ASSERT_FALSE(wire_.empty());
  peer::PeerFrame frame;
  ASSERT_TRUE(frame.ParseFromString(wire_.front().second));
  ASSERT_TRUE(frame.has_snapshot_chunk());
  const peer::PeerFrame whole = frame;
  const int before = writes_;
  const auto refuses = [&](auto change) {
    frame = whole;
    change(*frame.mutable_snapshot_chunk());
    SnapshotSink sink = sink_;
    chasqui::Outputs out;
    sink.chunk(now(), NodeId(1), *frame.mutable_snapshot_chunk(), random_, last_in_, out);
    return std::none_of(out.begin(), out.end(),
                        [](const Output& output) { return std::holds_alternative<StreamWrite>(output); });
  };
  const auto sealed = [](auto change) {
    return [change](peer::SnapshotChunk& chunk) {
      change(chunk);
      chunk.set_crc(chunk_crc(chunk));
    };
  };
  EXPECT_TRUE(refuses([](auto& chunk) { chunk.mutable_rows(0)->mutable_value()->at(0) ^= 1; }));
  EXPECT_TRUE(refuses([](auto& chunk) { chunk.set_last(!chunk.last()); }));
  EXPECT_TRUE(
      refuses(sealed([&](auto& chunk) { chunk.mutable_rows(0)->set_key(keys::account(ShardId(6), UserId(1))); })));
  EXPECT_TRUE(refuses(sealed([&](auto& chunk) { chunk.mutable_rows(0)->set_key(keys::ingested(shard_)); })));
  EXPECT_TRUE(refuses(sealed([&](auto& chunk) { chunk.mutable_rows(0)->set_key("?"); })));
  EXPECT_TRUE(refuses(sealed([&](auto& chunk) { chunk.mutable_rows()->SwapElements(0, 1); })));
  EXPECT_TRUE(refuses(sealed([&](auto& chunk) { chunk.set_upto(keys::shard_end(shard_)); })));
  EXPECT_TRUE(refuses(sealed([&](auto& chunk) { chunk.set_part(chunk.part() + 1); })));
  EXPECT_TRUE(refuses(sealed([&](auto& chunk) {
    chunk.set_last(true);
    chunk.clear_rows();
  })));  // without its numbers
  EXPECT_FALSE(refuses([](auto&) {}));
  EXPECT_EQ(writes_, before);
}

TEST_F(Streams, a_state_behind_its_descriptor_is_not_begun) {
  install(31);
  run(100);
  EXPECT_FALSE(done_.has_value());
  EXPECT_TRUE(source_.empty());
}

TEST_F(Streams, what_stands_still_is_given_up_and_closed) {
  install();
  run(12);
  lose_wire();
  for (int i = 0; i < 31; ++i) {
    pass(1'000);
    lose_wire();
  }
  EXPECT_EQ(sink_.given_up(), std::vector<ShardId>{shard_});
  EXPECT_TRUE(source_.empty());
  EXPECT_TRUE(staged_.empty());
  sink_.drop(shard_);
  EXPECT_TRUE(sink_.empty());
  EXPECT_EQ(sink_.next_deadline(), MonoTime::never());
  EXPECT_EQ(source_.next_deadline(), MonoTime::never());
  EXPECT_EQ(old_.count(keys::account(shard_, UserId(500))), 1U);  // the old state is as it was
}

TEST_F(Streams, are_given_up_when_the_disk_is_nearly_full) {
  install();
  run(12);
  chasqui::Outputs out;
  sink_.give_up_pulling(out);
  carry_out(2, out);
  run(2);  // a part on its way to the disk is written first
  sink_.give_up_pulling(out);
  carry_out(2, out);
  EXPECT_EQ(sink_.given_up(), std::vector<ShardId>{shard_});
  EXPECT_TRUE(staged_.empty());
}

TEST_F(Streams, whose_source_is_dead_are_given_up_at_once_and_whose_link_is_down_soon) {
  for (const bool is_dead : {true, false}) {
    install();
    run(12);
    lose_wire();
    chasqui::Outputs out;
    sink_.unreachable(now(), NodeId(3), true, out);  // another
    EXPECT_TRUE(sink_.given_up().empty());
    sink_.unreachable(now(), NodeId(1), is_dead, out);
    EXPECT_EQ(sink_.given_up().size(), is_dead ? 1U : 0U);
    carry_out(2, out);
    for (int i = 0; i < 4; ++i) {
      pass(1'000);
      lose_wire();
    }
    EXPECT_EQ(sink_.given_up().size(), 1U);
    sink_.drop(shard_);
    for (int i = 0; i < 31; ++i) pass(1'000);  // the source lets go, too
  }
}

TEST_F(Streams, keep_the_log_back_from_the_descriptor_on) {
  install(20);
  EXPECT_FALSE(source_.holds(shard_));
  run(4);
  EXPECT_EQ(source_.holds(shard_), RaftIndex(20));
  run();
  EXPECT_FALSE(source_.holds(shard_));
}

TEST_F(Streams, are_few_at_once_and_the_others_wait) {
  chasqui::Outputs out;
  for (std::uint64_t node = 2; node <= 4; ++node) {
    peer::SnapshotPull pull;
    pull.set_shard(7);
    pull.set_stream(node);
    pull.set_index(20);
    source_.pull(now(), NodeId(node), pull, applied_, last_out_, out);
  }
  EXPECT_EQ(last_out_, StreamId(2));
  peer::PeerFrame frame;
  ASSERT_TRUE(frame.ParseFromString(std::get<PeerSend>(out.back()).bytes));
  EXPECT_EQ(frame.snapshot_refusal().reason(), peer::SnapshotRefusal::BUSY);
}

TEST_F(Streams, are_sent_no_faster_than_the_node_may) {
  limits_.stream_bytes_per_s = 10'000;  // ten parts
  install();
  const std::int64_t begin = ms_;
  run();
  expect_whole();
  const auto bytes = static_cast<std::int64_t>(writes_) * 1'000;
  EXPECT_GE(ms_ - begin, (bytes - 2'000) / 10);
  EXPECT_LE(ms_ - begin, bytes / 10 + 200);
}

TEST_F(Streams, a_stranger_changes_nothing) {
  install();
  run(6);
  peer::SnapshotChunk chunk;
  chunk.set_shard(7);
  chasqui::Outputs out;
  sink_.chunk(now(), NodeId(3), chunk, random_, last_in_, out);
  peer::SnapshotRefusal refusal;
  refusal.set_shard(7);
  sink_.refused(now(), NodeId(3), refusal, random_, last_in_, out);
  StreamRowsRead read{StreamId(77), {}};
  source_.rows_read(now(), read, out);
  sink_.rows_written(now(), StreamRowsWritten{StreamId(77)}, out);
  EXPECT_FALSE(sink_.ingested(StreamIngested{StreamId(77)}, out).has_value());
  EXPECT_TRUE(out.empty());
  run();
  expect_whole();
}

}  // namespace
}  // namespace chasqui::replica
