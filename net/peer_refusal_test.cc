// Whoever is no peer is refused, with one clear line in the log, and harms no link that stands.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "net/cluster_certificates.h"
#include "net/peer_links.h"
#include "net/testing/peer_end.h"
#include "net/testing/raw_client.h"

namespace chasqui {
namespace {

using testing::PeerEnd;
using testing::RawClient;
using testing::run_for;
using testing::run_until;
using Strings = std::vector<std::string>;

std::string framed(const std::string& frame, std::uint64_t from = 2, std::uint64_t to = 0) {
  std::string bytes;
  wire::append_addressed({NodeId(from), NodeId(to)}, frame, bytes);
  return bytes;
}

class Refusals : public ::testing::Test {
 protected:
  Refusals() : one_(io_, 1, 3) {}

  // What it says to whoever sends that.
  void expect_refused(const std::string& bytes, const std::string& because) {
    RawClient stranger(one_.port());
    stranger.send(bytes);
    EXPECT_TRUE(run_until(io_, [&] { return one_.has_event(because); }, 2'000)) << because;
    EXPECT_TRUE(run_until(io_, [&] { return stranger.sees_end(5); }, 3'000)) << because;
    EXPECT_TRUE(one_.told.empty());
    EXPECT_TRUE(one_.heard.empty());
  }
  void expect_hello_refused(const std::string& because, const std::function<void(peer::PeerHello&)>& change) {
    peer::PeerFrame frame;
    ASSERT_TRUE(frame.ParseFromString(hello_frame(PeerEnd::identity(2), ProcessId(1))));
    change(*frame.mutable_hello());
    expect_refused(framed(frame.SerializeAsString()), because);
  }

  boost::asio::io_context io_{1};
  PeerEnd one_;
};

TEST_F(Refusals, a_hello_that_does_not_fit_is_refused_with_its_reason) {
  expect_hello_refused("is of another cluster", [](auto& hello) { hello.set_cluster(std::string(16, 'x')); });
  expect_hello_refused("upgrade this one first", [](auto& hello) { hello.set_protocol_version(2); });
  expect_hello_refused("has 32 shards", [](auto& hello) { hello.set_shards(32); });
  expect_hello_refused("process 9 is no member", [](auto& hello) { hello.set_node(9); });
  expect_hello_refused("node.id must differ", [](auto& hello) { hello.set_node(1); });
  expect_hello_refused("means to speak to process 3", [](auto& hello) { hello.set_to(3); });
  expect_hello_refused("nodes_per_process must be the same", [](auto& hello) {
    hello.add_stores()->set_node(4098);
    hello.mutable_stores(1)->set_store(std::string(16, 's'));
  });
  expect_hello_refused("makes no sense", [](auto& hello) { hello.mutable_stores(0)->set_store("short"); });
}

TEST_F(Refusals, garbage_is_refused_in_every_shape) {
  expect_refused("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "announces a frame of");
  PeerEnd four(io_, 1, 3);
  const RawClient malformed(four.port());
  malformed.send(framed("\xff\xff\xff"));
  EXPECT_TRUE(run_until(io_, [&] { return four.has_event("malformed"); }));
  PeerEnd two(io_, 2, 3);
  RawClient torn(two.port());
  std::string flipped = framed(hello_frame(PeerEnd::identity(1), ProcessId(2)), 1);
  flipped[20] = static_cast<char>(flipped[20] ^ 1);
  torn.send(flipped);
  EXPECT_TRUE(run_until(io_, [&] { return two.has_event("wrong checksum"); }));
  PeerEnd three(io_, 3, 3);
  const RawClient hasty(three.port());
  hasty.send(framed("frame before a hello", 2, 3));
  EXPECT_TRUE(run_until(io_, [&] { return three.has_event("no frame of a peer link"); }));
}

TEST_F(Refusals, a_stranger_may_not_announce_more_than_a_hello) {
  expect_refused(std::string("\x00\x00\x40\x01", 4), "16385 of at most 16384");
}

TEST_F(Refusals, a_line_is_written_once_a_minute_for_each_cause) {
  for (int i = 0; i < 20; i++) {
    RawClient stranger(one_.port());
    stranger.send("this is no frame, whatever it is");
    ASSERT_TRUE(run_until(io_, [&] { return one_.links->stats().refused == static_cast<std::uint64_t>(i + 1); }));
  }
  EXPECT_EQ(one_.events_with("WARN"), 1U);
  expect_hello_refused("is of another cluster", [](auto& hello) { hello.set_cluster(""); });
  EXPECT_EQ(one_.events_with("WARN"), 2U) << "another cause";
}

TEST_F(Refusals, whoever_connects_and_says_nothing_is_let_go) {
  RawClient silent(one_.port());
  EXPECT_TRUE(run_until(io_, [&] { return silent.sees_end(5); }, 2'000));
  {
    const RawClient probe(one_.port());
  }
  run_for(io_, 20);
  EXPECT_TRUE(one_.events.empty()) << one_.events.front();
}

TEST_F(Refusals, strangers_are_bounded_and_a_peer_still_comes_through) {
  std::vector<RawClient> strangers;
  for (std::size_t i = 0; i < 2 * PeerLinks::strangers_max; i++) {
    strangers.emplace_back(one_.port());
    io_.poll();
  }
  PeerEnd two(io_, 2, 3);
  two.knows(1, one_.port());
  two.say(1, "here", 2);
  EXPECT_TRUE(run_until(io_, [&] { return one_.heard == Strings{"2>1 here"}; }));
}

TEST_F(Refusals, a_process_speaks_for_its_own_nodes_alone) {
  RawClient two(one_.port());
  two.send(framed(hello_frame(PeerEnd::identity(2), ProcessId(1))) + framed(ping_frame(false)));
  ASSERT_TRUE(run_until(io_, [&] { return one_.told == Strings{"+2"}; }));
  two.send(framed("forged", 3, 1));
  EXPECT_TRUE(run_until(io_, [&] { return one_.has_event("from node 3 to node 1"); }));
  EXPECT_TRUE(run_until(io_, [&] { return one_.told.size() >= 2 && one_.told[1] == "-2"; }));
  EXPECT_TRUE(one_.heard.empty());
}

TEST_F(Refusals, a_peer_with_another_disk_than_before_is_refused_and_hears_why) {
  one_.stores[ProcessId(2)] = {{NodeId(2), std::string(16, 'z')}};
  PeerEnd two(io_, 2, 3);
  two.knows(1, one_.port());
  two.say(1, "a", 2);
  EXPECT_TRUE(run_until(io_, [&] { return one_.has_event("another store"); }));
  EXPECT_TRUE(
      run_until(io_, [&] { return two.has_event("process 1 refused this one: it came back with another store"); }));
  EXPECT_EQ(two.told, Strings{"-1"});
  EXPECT_TRUE(one_.told.empty());
}

// ---------------------------------------------------------------------------------------------------------------- TLS

class PeerLinksTls : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/chasqui-peers-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    const auto made = make_cluster_certificates("home", {ProcessId(1), ProcessId(2), ProcessId(3)}, directory_ + "/a");
    ASSERT_TRUE(made.ok()) << made;
    ASSERT_TRUE(make_cluster_certificates("home", {ProcessId(2)}, directory_ + "/b").ok());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::shared_ptr<PeerTls> tls(const std::string& folder, std::uint64_t node) const {
    auto loaded = load(folder, node, node);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded.ok() ? *std::move(loaded) : nullptr;
  }
  [[nodiscard]] absl::StatusOr<std::shared_ptr<PeerTls>> load(const std::string& folder, std::uint64_t node,
                                                              std::uint64_t self,
                                                              const std::string& cluster = "home") const {
    const std::string stem = absl::StrCat(directory_, "/", folder, "/node-", node);
    return PeerTls::load({stem + ".pem", stem + ".key", absl::StrCat(directory_, "/", folder, "/ca.pem")},
                         {cluster, ProcessId(self)});
  }

  std::string directory_;
  boost::asio::io_context io_{1};
};

TEST_F(PeerLinksTls, frames_pass_over_mutual_tls) {
  PeerEnd one(io_, 1, 2, 1, tls("a", 1));
  PeerEnd two(io_, 2, 2, 1, tls("a", 2));
  one.knows(2, two.port());
  one.say(2, "secret", 1);
  one.say(2, std::string(bounds::peer_frame_bytes_max, 'x'), 1);
  ASSERT_TRUE(run_until(io_, [&] { return two.heard.size() == 2; }, 10'000));
  EXPECT_EQ(two.heard[0], "1>2 secret");
  two.say(1, "back", 2);
  EXPECT_TRUE(run_until(io_, [&] { return one.heard == Strings{"2>1 back"}; }));
}

TEST_F(PeerLinksTls, a_certificate_of_another_authority_is_refused) {
  PeerEnd one(io_, 1, 2, 1, tls("a", 1));
  PeerEnd two(io_, 2, 2, 1, tls("b", 2));
  one.knows(2, two.port());
  two.knows(1, one.port());
  two.say(1, "a", 2);
  EXPECT_TRUE(run_until(io_, [&] { return two.told == Strings{"-1"}; }));
  EXPECT_TRUE(two.has_event("TLS handshake failed")) << two.events.size();
  one.say(2, "a", 1);
  EXPECT_TRUE(run_until(io_, [&] { return one.has_event("TLS handshake failed"); }));
  EXPECT_TRUE(one.heard.empty() && two.heard.empty());
}

TEST_F(PeerLinksTls, a_certificate_of_another_node_is_refused) {
  PeerEnd one(io_, 1, 3, 1, tls("a", 1));
  PeerEnd two(io_, 2, 3, 1, tls("a", 3));  // the certificate of 3, the hello of 2
  two.knows(1, one.port());
  two.say(1, "a", 2);
  EXPECT_TRUE(run_until(io_, [&] { return one.has_event("its certificate is of chasqui://home/node/3"); }));
  EXPECT_TRUE(run_until(io_, [&] { return two.told == Strings{"-1"}; }));
  EXPECT_TRUE(one.told.empty());
}

TEST_F(PeerLinksTls, plain_text_and_no_certificate_are_refused) {
  PeerEnd one(io_, 1, 2, 1, tls("a", 1));
  PeerEnd plain(io_, 2);
  plain.knows(1, one.port());
  plain.say(1, "a", 2);
  EXPECT_TRUE(run_until(io_, [&] { return one.has_event("TLS handshake failed"); }));
  EXPECT_TRUE(run_until(io_, [&] { return plain.told == Strings{"-1"}; }));
  EXPECT_TRUE(one.told.empty());
}

TEST_F(PeerLinksTls, a_certificate_must_be_ones_own) {
  EXPECT_NE(load("a", 2, 1).status().message().find("not of chasqui://home/node/1 but of chasqui://home/node/2"),
            absl::string_view::npos);
  EXPECT_FALSE(load("a", 1, 1, "office").ok());
  ASSERT_EQ(chmod((directory_ + "/a/node-1.key").c_str(), 0640), 0);
  EXPECT_TRUE(load("a", 1, 1).ok()) << "as for the client port: a group may read it";
  ASSERT_EQ(chmod((directory_ + "/a/node-1.key").c_str(), 0644), 0);
  EXPECT_EQ(load("a", 1, 1).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(PeerLinksTls, an_expired_certificate_is_refused) {
  ASSERT_TRUE(make_cluster_certificates("home", {ProcessId(2)}, directory_ + "/a", -1).ok());
  PeerEnd one(io_, 1, 2, 1, tls("a", 1));
  PeerEnd two(io_, 2, 2, 1, tls("a", 2));
  two.knows(1, one.port());
  two.say(1, "a", 2);
  EXPECT_TRUE(run_until(io_, [&] { return one.has_event("certificate verify failed"); }));
  EXPECT_TRUE(one.told.empty());
}

TEST_F(PeerLinksTls, certificates_are_made_once_and_renewed_by_the_same_authority) {
  struct stat info{};
  for (const char* key : {"/a/ca.key", "/a/node-1.key"}) {
    ASSERT_EQ(stat((directory_ + key).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << key;
  }
  const auto before = tls("a", 1);
  ASSERT_TRUE(make_cluster_certificates("home", {ProcessId(1)}, directory_ + "/a").ok());
  PeerEnd one(io_, 1, 2, 1, tls("a", 1));
  PeerEnd two(io_, 2, 2, 1, tls("a", 2));
  two.knows(1, one.port());
  two.say(1, "a", 2);
  EXPECT_TRUE(run_until(io_, [&] { return !one.heard.empty(); })) << "the renewed one and the old one trust each other";
  EXPECT_EQ(make_cluster_certificates("office", {ProcessId(1)}, directory_ + "/a").code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(make_cluster_certificates("No Name", {}, directory_ + "/c").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(make_cluster_certificates("home", {ProcessId(5000)}, directory_ + "/c").code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(PeerUri, names_one_process_of_one_cluster) {
  EXPECT_EQ(peer_uri({"home", ProcessId(2)}), "chasqui://home/node/2");
  EXPECT_EQ(*parse_peer_uri("chasqui://home/node/2"), (PeerName{"home", ProcessId(2)}));
  for (const char* wrong : {"", "chasqui://home/node/", "chasqui://home/node/02", "chasqui://home/node/4096",
                            "chasqui://Home/node/2", "chasqui://home/node/2/", "https://home/node/2"}) {
    EXPECT_FALSE(parse_peer_uri(wrong).ok()) << wrong;
  }
}

TEST(PeerEndpoint, is_a_host_and_a_port) {
  EXPECT_EQ(parse_peer_endpoint("[::1]:7400")->host, "::1");
  EXPECT_TRUE(parse_peer_endpoint("127.0.0.1:7400")->is_on_loopback());
  EXPECT_FALSE(parse_peer_endpoint("node2.example.org:7400")->is_on_loopback());
  for (const char* wrong : {"", "127.0.0.1", "127.0.0.1:0", "a:70000", "::1:7400", "a b:1", ":7400"}) {
    EXPECT_FALSE(parse_peer_endpoint(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace chasqui
