// A node that was away for longer than the others keep their logs: it pulls the shards' states as streams, also if it
// is killed in the middle of them, and is then as good as the others: with each of them it has everything.
//
// Logs are kept short and streams slow by the nodes' limits, so that this happens within seconds.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/cluster/cluster.h"
#include "tests/e2e/raw_session.h"

namespace chasqui::cluster {
namespace {

using std::chrono::seconds;
constexpr std::size_t devices = 30;

std::vector<Place> with_short_logs(std::vector<Place> places, std::uint64_t stream_bytes_per_s) {
  for (Place& place : places) {
    place.extra =
        absl::StrCat("limits.log_trailing_entries = 64\nlimits.stream_part_bytes = 16384\nlimits.stream_bytes_per_s = ",
                     stream_bytes_per_s, "\nstorage.disk_bytes_max = ", 512 << 20, "\n");
  }
  return places;
}

class Streams : public ::testing::Test {
 protected:
  static constexpr std::size_t lagging = 1;

  void SetUp() override {
    cluster_.start_all();
    ASSERT_FALSE(HasFailure());
    users_ = cluster_.provision(devices);
    ASSERT_EQ(users_.size(), devices);
    phones_.set_text_bytes(2'000);
    phones_.add(users_, [&](std::size_t i) { return cluster_.urls(i % cluster_.size()); });
    ASSERT_TRUE(phones_.run_until([&] { return phones_.all_connected(); }, seconds(20))) << phones_.what_is_missing();
    phones_.begin_load();
    phones_.run_for(seconds(2));
  }
  // Until the others keep too little of their logs for it.
  void stay_away() {
    chaos_.kill(lagging);
    phones_.run_for(seconds(15));
  }
  // It leads again, and has all states that it had to pull. Under load it may fall behind anew, so that rests
  // meanwhile.
  void catch_up() {
    chaos_.start(lagging);
    chaos_.wait_until_ready(lagging);
    const auto look = [&](auto condition) {
      EXPECT_TRUE(phones_.run_until(
          [&] {
            phones_.run_for(milliseconds(300));
            return condition();
          },
          seconds(60)))
          << pulling() << " streams under way, " << cluster_.stat(lagging, "snapshot_taken") << " taken, it leads "
          << cluster_.stat(lagging, "shard_leads") << "\n"
          << cluster_.node(lagging).last_words();
    };
    look([&] { return cluster_.stat(lagging, "shard_leads") >= static_cast<std::int64_t>(Cluster::shards / 4); });
    phones_.end_load();
    look([&] { return pulling() == 0 && phones_.is_drained(); });
    phones_.begin_load();
  }
  [[nodiscard]] std::int64_t pulling() {
    return cluster_.stat(lagging, "snapshot_wanted") - cluster_.stat(lagging, "snapshot_taken") -
           cluster_.stat(lagging, "snapshot_given_up");
  }
  // One of the two that never were away dies: the one that was must stand in for it.
  void finish_without(std::size_t other) {
    chaos_.kill(other);
    const std::size_t accepted = phones_.accepted();
    phones_.run_for(seconds(5));
    EXPECT_GT(phones_.accepted(), accepted + devices * 5);
    phones_.settle();
    phones_.check_both_sides();
    phones_.judge();
    read_all_from(lagging);
    chaos_.start(other);
    chaos_.wait_until_ready(other);
    const std::size_t third = 3 - lagging - other;
    chaos_.kill(third);
    read_all_from(other);
    EXPECT_FALSE(HasFailure()) << cluster_.last_words();
  }
  // Every conversation from its beginning, as somebody would who has nothing yet: what each phone has received.
  void read_all_from(std::size_t place) {
    std::size_t events = 0;
    for (std::size_t i = 0; i < devices; ++i) {
      const Phone& phone = *phones_.all()[i];
      std::vector<std::string> texts;
      std::string said = "nothing";
      const auto until = Clock::now() + seconds(20);
      while (said != "" && Clock::now() < until) {
        said = history(place, users_[i], phone.conversation, texts);
        if (said != "") ::usleep(100'000);
      }
      ASSERT_EQ(said, "") << phone.name << " reads from node " << place + 1;
      ASSERT_TRUE(texts == phone.received) << phone.name << " reads " << texts.size() << " events from node "
                                           << place + 1 << ", and had received " << phone.received.size();
      events += texts.size();
    }
    std::printf("node %zu: %zu events read, as received\n", place + 1, events);
  }
  // What stood in the way; empty: nothing. The phones' loop stands still meanwhile, since this replaces their sessions.
  [[nodiscard]] std::string history(std::size_t place, const client::Credentials& me,
                                    const ConversationId& conversation, std::vector<std::string>& texts) {
    texts.clear();
    e2e::RawSession session(cluster_.client_port(place), me);
    EXPECT_EQ(session.raw.upgrade(), "");
    client::ClientFrame hello;
    hello.mutable_hello()->set_user(me.user.value());
    hello.mutable_hello()->set_device(static_cast<std::uint32_t>(me.device.value()));
    hello.mutable_hello()->set_secret(me.secret);
    hello.mutable_hello()->set_generation(++generation_);
    const auto welcome = session.ask(hello);
    if (!welcome || !welcome->has_hello()) return welcome ? welcome->ShortDebugString() : "no answer to hello";
    for (std::uint64_t head = 1; texts.size() < head;) {
      client::ClientFrame asked;
      asked.mutable_history()->set_conversation(conversation.str());
      asked.mutable_history()->set_after_seq(texts.size());
      asked.mutable_history()->set_limit(200);
      const auto answer = session.ask(asked);
      if (!answer || !answer->has_history() || answer->history().events().empty()) {
        return answer ? answer->ShortDebugString().substr(0, 200) : "no answer";
      }
      head = answer->history().head();
      for (const client::Event& event : answer->history().events()) {
        client::Payload payload;
        texts.push_back(payload.ParseFromString(event.payload()) ? payload.text() : "(unreadable)");
      }
    }
    return "";
  }

  bench::TemporaryFolder folder_;
  Cluster cluster_{folder_.path(), with_short_logs(Cluster::on_loopback(3), 3'000'000)};
  Phones phones_{history_path(::testing::UnitTest::GetInstance()->current_test_info()->name()),
                 "tests/cluster/stream_test.cc", milliseconds(100)};
  Chaos chaos_{cluster_, phones_, environment("CHASQUI_SEED", 1)};
  std::vector<client::Credentials> users_;
  std::uint64_t generation_ = std::uint64_t{1} << 62;  // above that of any phone
};

TEST_F(Streams, a_node_that_was_away_for_longer_than_logs_are_kept_pulls_the_states_and_stands_in_for_the_others) {
  stay_away();
  catch_up();
  const std::int64_t taken = cluster_.stat(lagging, "snapshot_taken");
  std::printf("%lld states of shards taken\n", static_cast<long long>(taken));
  EXPECT_GT(taken, 0) << "the others had kept their logs";
  finish_without(0);
}

TEST_F(Streams, a_node_that_is_killed_in_the_middle_of_streams_starts_over_and_stands_in_for_the_others) {
  stay_away();
  int kills = 0;
  for (int i = 0; i < 5; ++i) {
    chaos_.start(lagging);
    EXPECT_TRUE(phones_.run_until(
        [&] {
          phones_.run_for(milliseconds(50));
          return pulling() > 0;
        },
        seconds(30)))
        << "nothing to pull at start " << i + 1 << ": " << cluster_.node(lagging).last_words();
    phones_.run_for(milliseconds(chaos_.draw(0, 300)));
    const bool is_staging = !std::filesystem::is_empty(cluster_.node(lagging).data() + "/store/staging");
    chaos_.kill(lagging);
    if (is_staging) ++kills;
    phones_.run_for(seconds(2));
    ASSERT_FALSE(HasFailure());
  }
  std::printf("%d kills while rows of a stream were on the disk\n", kills);
  EXPECT_GT(kills, 0);
  catch_up();
  finish_without(2);
}

}  // namespace
}  // namespace chasqui::cluster
