// Three processes and people who chat through all of them; any one is lost meanwhile. Deeper faults: tests/cluster.
#include <filesystem>
#include <string>

#include "net/testing/raw_client.h"
#include "tests/e2e/cluster_world.h"

namespace chasqui::e2e {
namespace {

class Cluster : public ClusterWorld {
 protected:
  // People send without each of the processes, and what they sent is read from each.
  void kill_each_in_turn() {
    register_user("ana", urls(1));
    register_user("beto", urls(3));
    int sent = 0;
    for (const std::uint64_t node : {1U, 2U, 3U}) {
      kill_9(node);
      for (int i = 0; i < 3; ++i) {
        const Ran ran = chasqui("ana", urls(node), {"send", "beto", absl::StrCat("message ", ++sent)});
        ASSERT_EQ(ran.exit_code, 0) << "without node " << node << ": " << ran.err;
      }
      start(node);
      ASSERT_TRUE(is_ready(node)) << log(node);
    }
    for (const std::uint64_t node : {1U, 2U, 3U}) {
      const Ran history = chasqui("beto", url(node), {"history", "ana"});
      ASSERT_EQ(history.exit_code, 0) << history.err;
      std::size_t at = 0;
      for (int i = 1; i <= sent; ++i) {
        const std::size_t found = history.out.find(absl::StrCat("ana: message ", i, "\n"), at);
        ASSERT_NE(found, std::string::npos) << "message " << i << " at node " << node << ":\n" << history.out;
        at = found + 1;
      }
    }
  }
};

class ThreeNodes : public Cluster {
 protected:
  void SetUp() override {
    make(3);
    start_all();
  }
  [[nodiscard]] std::size_t lines_with(std::uint64_t node, const std::string& part) const {
    const std::string text = log(node);
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
  }
};

TEST_F(ThreeNodes, people_of_different_nodes_chat) {
  register_user("ana", url(1));
  register_user("beto", url(3));
  const Ran sent = chasqui("ana", url(1), {"send", "beto", "hola"});
  ASSERT_EQ(sent.exit_code, 0) << sent.err;
  const Ran back = chasqui("beto", url(3), {"send", "ana", "hola, ana"});
  ASSERT_EQ(back.exit_code, 0) << back.err;
  const Ran history = chasqui("ana", url(2), {"history", "beto"});
  EXPECT_EQ(history.exit_code, 0) << history.err;
  EXPECT_NE(history.out.find("ana: hola\n"), std::string::npos) << history.out;
  EXPECT_NE(history.out.find("beto: hola, ana\n"), std::string::npos) << history.out;
  for (const std::uint64_t node : {1U, 2U, 3U}) {
    EXPECT_NE(stats(node).find("\"links\":2,\"of\":2"), std::string::npos) << stats(node);
  }
}

TEST_F(ThreeNodes, each_may_be_killed_in_turn_and_nothing_accepted_is_lost) {
  kill_each_in_turn();
}

TEST_F(ThreeNodes, a_node_whose_disk_was_wiped_is_refused_by_both_others) {
  register_user("ana", url(1));
  kill_9(2);
  std::filesystem::remove_all(directory(2) + "/data/store");
  start(2);
  for (const std::uint64_t node : {1U, 3U}) {
    EXPECT_TRUE(eventually([&] { return lines_with(node, "node 2 came back with another store") > 0; })) << log(node);
  }
  EXPECT_TRUE(eventually([&] { return lines_with(2, "refused this one") > 0; })) << log(2);
  EXPECT_FALSE(is_ready(2, 1'000));
  const Ran sent = chasqui("ana", url(3), {"send", "ana", "still here"});
  EXPECT_EQ(sent.exit_code, 0) << sent.err;
}

TEST_F(ThreeNodes, garbage_on_the_peer_port_harms_nobody_and_is_logged_once) {
  for (int i = 0; i < 20; ++i) {
    ::chasqui::testing::RawClient stranger(peer_ports[0]);
    stranger.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(stranger.sees_end());
  }
  EXPECT_EQ(lines_with(1, "a link was refused"), 1U) << log(1);
  register_user("ana", url(1));
}

class TwoNodesEach : public Cluster {
 protected:
  void SetUp() override {
    make(3, "nodes_per_process = 2\n");
    start_all();
  }
};

TEST_F(TwoNodesEach, share_one_client_port_and_one_admin_socket) {
  register_user("ana", url(1));
  register_user("beto", url(2));
  for (int i = 0; i < 8; ++i) {  // the system deals the connections out to both
    const Ran ran = chasqui("ana", url(1), {"send", "beto", absl::StrCat("message ", i)});
    ASSERT_EQ(ran.exit_code, 0) << ran.err;
  }
  const Ran history = chasqui("beto", url(3), {"history", "ana"});
  EXPECT_NE(history.out.find("ana: message 7\n"), std::string::npos) << history.out;
  EXPECT_NE(stats(1).find("\"nodes\":2"), std::string::npos) << stats(1);
  EXPECT_TRUE(std::filesystem::exists(directory(1) + "/data/store-2/FORMAT"));
}

TEST_F(TwoNodesEach, die_together_and_nothing_accepted_is_lost) {
  kill_each_in_turn();
}

}  // namespace
}  // namespace chasqui::e2e
