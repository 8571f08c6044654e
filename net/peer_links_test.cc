// Two and three ends on loopback: what is said arrives, once and in order, and what ends is told.
#include "net/peer_links.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>
#include <vector>

#include "net/testing/peer_end.h"
#include "net/testing/raw_client.h"

namespace chasqui {
namespace {

using testing::PeerEnd;
using testing::RawClient;
using testing::run_for;
using testing::run_until;
using Strings = std::vector<std::string>;

// Dials, says hello, and does nothing more.
std::string greeting(const PeerIdentity& identity, std::uint64_t to) {
  std::string bytes;
  wire::append_addressed({NodeId(identity.process.value()), NodeId()}, hello_frame(identity, ProcessId(to)), bytes);
  return bytes;
}
std::string confirmation(std::uint64_t process) {
  std::string bytes;
  wire::append_addressed({NodeId(process), NodeId()}, ping_frame(false), bytes);
  return bytes;
}

class Links : public ::testing::Test {
 protected:
  void introduce(PeerEnd& a, std::uint64_t a_id, PeerEnd& b, std::uint64_t b_id) {
    a.knows(b_id, b.port());
    b.knows(a_id, a.port());
  }
  boost::asio::io_context io_{1};
};

TEST_F(Links, opens_on_demand_and_carries_frames_both_ways_in_order) {
  PeerEnd one(io_, 1);
  PeerEnd two(io_, 2);
  introduce(one, 1, two, 2);
  run_for(io_, 30);
  EXPECT_EQ(one.links->stats().links, 0U) << "nobody has said anything";
  for (int i = 0; i < 500; i++) {
    one.links->send({NodeId(1), NodeId(2), std::to_string(i)});
  }
  one.links->flush();
  ASSERT_TRUE(run_until(io_, [&] { return two.heard.size() == 500; }));
  for (std::size_t i = 0; i < 500; i++) {
    EXPECT_EQ(two.heard[i], "1>2 " + std::to_string(i));
  }
  two.say(1, "back", 2);
  ASSERT_TRUE(run_until(io_, [&] { return !one.heard.empty(); }));
  EXPECT_EQ(one.heard, Strings{"2>1 back"});
  EXPECT_EQ(one.told, Strings{"+2"});
  EXPECT_EQ(two.told, Strings{"+1"});
  EXPECT_EQ(one.links->stats().links, 1U);
  EXPECT_EQ(two.links->stats().dials, 0U) << "one link for the pair";
}

TEST_F(Links, the_nodes_of_two_processes_share_one_link) {
  PeerEnd one(io_, 1, 2, 3);
  PeerEnd two(io_, 2, 2, 3);
  introduce(one, 1, two, 2);
  one.links->send({node_of(ProcessId(1), 2), node_of(ProcessId(2), 1), "a"});
  one.links->send({node_of(ProcessId(1), 0), node_of(ProcessId(2), 2), "b"});
  one.links->flush();
  ASSERT_TRUE(run_until(io_, [&] { return two.heard.size() == 2; }));
  EXPECT_EQ(two.heard, (Strings{"8193>4098 a", "1>8194 b"}));
  EXPECT_EQ(one.links->stats().dials, 1U);
}

TEST_F(Links, frames_of_the_largest_size_pass) {
  PeerEnd one(io_, 1);
  PeerEnd two(io_, 2);
  introduce(one, 1, two, 2);
  for (int i = 0; i < 5; i++) {
    one.links->send({NodeId(1), NodeId(2), std::string(bounds::peer_frame_bytes_max, 'x')});
  }
  one.links->flush();
  ASSERT_TRUE(run_until(io_, [&] { return two.heard.size() == 5; }, 20'000));
  EXPECT_EQ(two.bytes, 5 * bounds::peer_frame_bytes_max);
  EXPECT_EQ(one.told, Strings{"+2"});
}

TEST_F(Links, if_both_dial_at_once_the_lower_numbers_link_stays) {
  for (int round = 0; round < 30; round++) {
    PeerEnd one(io_, 1);
    PeerEnd two(io_, 2);
    introduce(one, 1, two, 2);
    one.say(2, "from one", 1);
    two.say(1, "from two", 2);
    // Both come through, on whichever link; who lost the tie says it again, as Raft would.
    ASSERT_TRUE(run_until(io_,
                          [&] {
                            if (two.heard.empty()) {
                              one.say(2, "from one", 1);
                            }
                            if (one.heard.empty()) {
                              two.say(1, "from two", 2);
                            }
                            return !one.heard.empty() && !two.heard.empty();
                          }))
        << "round " << round;
    run_for(io_, 5);
    EXPECT_EQ(one.links->stats().links, 1U);
    EXPECT_EQ(two.links->stats().links, 1U);
    EXPECT_EQ(one.told, Strings{"+2"}) << "round " << round;
    EXPECT_EQ(two.told, Strings{"+1"}) << "round " << round;
    EXPECT_LE(one.links->stats().dials, 1U);
    EXPECT_LE(two.links->stats().dials, 1U);
  }
}

TEST_F(Links, an_end_that_dies_is_told_at_once_and_found_again) {
  PeerEnd one(io_, 1);
  std::optional<PeerEnd> two(std::in_place, io_, 2);
  introduce(one, 1, *two, 2);
  one.say(2, "a", 1);
  ASSERT_TRUE(run_until(io_, [&] { return two->heard.size() == 1; }));
  two.reset();
  ASSERT_TRUE(run_until(io_, [&] { return one.told == (Strings{"+2", "-2", "x2"}); }, 200)) << "nobody needs to ask";
  one.say(2, "lost", 1);
  run_for(io_, 100);
  EXPECT_EQ(one.told, (Strings{"+2", "-2", "x2"})) << "told once, not at every try";
  two.emplace(io_, 2);
  one.knows(2, two->port());
  ASSERT_TRUE(run_until(io_, [&] {
    one.say(2, "b", 1);
    return !two->heard.empty();
  }));
  EXPECT_EQ(two->heard.front(), "1>2 b") << "nothing that was dropped comes later";
  EXPECT_EQ(one.told, (Strings{"+2", "-2", "x2", "+2"}));
}

TEST_F(Links, a_cut_line_is_no_dead_peer_and_is_linked_again_without_being_asked) {
  PeerEnd one(io_, 1);
  PeerEnd two(io_, 2);
  introduce(one, 1, two, 2);
  RawClient first(one.port());
  first.send(greeting(PeerEnd::identity(2), 1) + confirmation(2));
  ASSERT_TRUE(run_until(io_, [&] { return one.told == Strings{"+2"}; }));
  first.close();
  ASSERT_TRUE(run_until(io_, [&] { return one.told == (Strings{"+2", "-2", "+2"}); }, 500));
}

TEST_F(Links, nobody_there_is_told_at_once_and_tries_are_spread) {
  PeerEnd one(io_, 1);
  one.say(2, "a", 1);
  ASSERT_TRUE(run_until(io_, [&] { return one.told == Strings{"x2"}; }, 200));
  EXPECT_EQ(one.links->stats().queued_bytes, 0U) << "what waited is dropped";
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(run_until(io_, [&] {
    one.say(2, "a", 1);
    return one.links->stats().dials >= 12;
  }));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(60)) << "backoff";
  EXPECT_EQ(one.told, Strings{"x2"});
  EXPECT_EQ(one.events_with("cannot be reached"), 1U);
}

TEST_F(Links, an_idle_link_is_closed_without_an_alarm_and_opened_again) {
  const auto idle = [](PeerLinksConfig& config) { config.times.idle = milliseconds(150); };
  PeerEnd one(io_, 1, 2, 1, nullptr, idle);
  PeerEnd two(io_, 2, 2, 1, nullptr, [](PeerLinksConfig& config) { config.times.idle = milliseconds(400); });
  introduce(one, 1, two, 2);
  two.say(1, "a", 2);
  ASSERT_TRUE(run_until(io_, [&] { return one.links->stats().links == 1 && !one.heard.empty(); }));
  run_for(io_, 600);
  EXPECT_EQ(one.links->stats().links, 0U);
  EXPECT_EQ(two.links->stats().links, 0U);
  one.say(2, "b", 1);
  ASSERT_TRUE(run_until(io_, [&] { return two.heard.size() == 1; }));
  EXPECT_GE(one.links->stats().dials, 1U) << "the first link was closed";
  EXPECT_EQ(one.told, Strings{"+2"});
}

TEST_F(Links, pings_keep_a_silent_link_standing) {
  PeerEnd one(io_, 1);
  PeerEnd two(io_, 2);
  introduce(one, 1, two, 2);
  one.say(2, "a", 1);
  run_for(io_, 1'500);
  EXPECT_EQ(one.told, Strings{"+2"});
  EXPECT_EQ(two.told, Strings{"+1"});
  EXPECT_EQ(one.links->stats().dials, 1U);
}

TEST_F(Links, a_paused_peer_is_found_dead_though_its_socket_stands) {
  PeerEnd one(io_, 1);
  const RawClient paused(one.port());
  paused.send(greeting(PeerEnd::identity(2), 1) + confirmation(2));
  ASSERT_TRUE(run_until(io_, [&] { return one.told == Strings{"+2"}; }));
  const auto begin = std::chrono::steady_clock::now();
  one.say(2, "a", 1);
  ASSERT_TRUE(run_until(io_, [&] { return one.told.size() >= 2; }));
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, std::chrono::milliseconds(290));
  EXPECT_LE(took, std::chrono::milliseconds(450));
}

TEST_F(Links, a_silent_peer_is_found_dead_though_nothing_was_said_to_it) {
  PeerEnd one(io_, 1);
  const RawClient paused(one.port());
  paused.send(greeting(PeerEnd::identity(2), 1) + confirmation(2));
  ASSERT_TRUE(run_until(io_, [&] { return one.told == Strings{"+2"}; }));
  ASSERT_TRUE(run_until(io_, [&] { return one.told.size() >= 2; }, 1'000));
  EXPECT_EQ(one.told[1], "-2");
}

TEST_F(Links, a_hello_without_a_confirmation_takes_nobodys_place) {
  PeerEnd one(io_, 1);
  PeerEnd two(io_, 2);
  introduce(one, 1, two, 2);
  one.say(2, "a", 1);
  ASSERT_TRUE(run_until(io_, [&] { return two.heard.size() == 1; }));
  {
    const RawClient old(one.port());  // of a process that was paused, and has given this one up
    old.send(greeting(PeerEnd::identity(2), 1));
    run_for(io_, 50);
  }
  run_for(io_, 50);
  one.say(2, "b", 1);
  ASSERT_TRUE(run_until(io_, [&] { return two.heard.size() == 2; }));
  EXPECT_EQ(one.told, Strings{"+2"});
  EXPECT_EQ(one.links->stats().dials, 1U);
}

TEST_F(Links, a_confirmed_new_link_takes_the_place_of_the_old_and_nothing_old_comes_after_it) {
  PeerEnd one(io_, 1);
  RawClient first(one.port());
  first.send(greeting(PeerEnd::identity(2), 1) + confirmation(2));
  ASSERT_TRUE(run_until(io_, [&] { return one.told == Strings{"+2"}; }));
  std::string old_frame;
  wire::append_addressed({NodeId(2), NodeId(1)}, "old", old_frame);
  first.send(old_frame);
  ASSERT_TRUE(run_until(io_, [&] { return one.heard.size() == 1; }));
  RawClient second(one.port());
  std::string new_frame;
  wire::append_addressed({NodeId(2), NodeId(1)}, "new", new_frame);
  second.send(greeting(PeerEnd::identity(2), 1) + new_frame);  // the frame confirms as well
  ASSERT_TRUE(run_until(io_, [&] { return one.heard.size() == 2; }));
  first.send(old_frame);
  run_for(io_, 50);
  EXPECT_EQ(one.heard, (Strings{"2>1 old", "2>1 new"}));
  EXPECT_EQ(one.told, (Strings{"+2", "-2", "+2"})) << "what the old link held is lost, and that is told";
  EXPECT_TRUE(first.sees_end(1'000));
}

TEST_F(Links, a_peer_that_reads_nothing_costs_no_more_than_the_queue) {
  PeerEnd one(io_, 1, 2, 1, nullptr, [](PeerLinksConfig& config) {
    config.queue = {.bytes_max = 1 << 20, .raft_bytes_max = 3 << 18};
    config.times.dead = seconds(60);
  });
  const RawClient stuck(one.port());
  stuck.send(greeting(PeerEnd::identity(2), 1) + confirmation(2));
  ASSERT_TRUE(run_until(io_, [&] { return one.told == Strings{"+2"}; }));
  for (int i = 0; i < 400; i++) {
    one.say(2, std::string(65'536, 'x'), 1);
    io_.poll();
    EXPECT_LE(one.links->stats().queued_bytes, std::uint64_t{1} << 20);
  }
  EXPECT_GT(one.links->stats().dropped_frames, 0U);
}

}  // namespace
}  // namespace chasqui
