#include "runtime/cluster_config.h"

#include <gtest/gtest.h>

#include <string>

#include "runtime/cluster_plan.h"

namespace chasqui {
namespace {

constexpr const char* three = R"(
[node]
id = 2
[cluster]
id = "home"
peers = [{node = 1, address = "127.0.0.1:7401"}, {node = 2, address = "127.0.0.1:7402"},
         {node = 3, address = "127.0.0.1:7403"}]
)";

absl::StatusOr<Config> parsed(const std::string& toml) {
  absl::StatusOr<Config> config = parse_config(toml, "chasquid.toml");
  if (config.ok()) {
    if (absl::Status status = check_config(*config); !status.ok()) {
      return status;
    }
  }
  return config;
}
std::string refused(const std::string& toml) {
  const auto config = parsed(toml);
  return config.ok() ? "" : std::string(config.status().message());
}
bool says(const std::string& message, const std::string& what) {
  return message.find(what) != std::string::npos;
}

TEST(ClusterConfig, three_processes_agree_on_their_members) {
  const auto config = parsed(three);
  ASSERT_TRUE(config.ok()) << config.status();
  const ClusterPlan plan = plan_cluster(*config, 2);
  EXPECT_EQ(plan.process, ProcessId(2));
  EXPECT_EQ(plan.nodes, (std::vector<NodeId>{NodeId(2), NodeId(4098)}));
  EXPECT_EQ(
      plan.members,
      (std::vector<Member>{
          {NodeId(1), 1}, {NodeId(4097), 1}, {NodeId(2), 2}, {NodeId(4098), 2}, {NodeId(3), 3}, {NodeId(4099), 3}}));
  EXPECT_EQ(endpoint_text(*plan.listen_peers), "127.0.0.1:7402");
  ASSERT_EQ(plan.others.size(), 2U);
  EXPECT_EQ(plan.others[1].endpoint.port, "7403");
  Config other = *config;
  other.node_id = 3;
  std::swap(other.peers[0], other.peers[2]);
  EXPECT_EQ(plan_cluster(other, 2).members, plan.members) << "in whatever order they are written";
  EXPECT_EQ(plan_cluster(other, 2).cluster, plan.cluster);
}

TEST(ClusterConfig, without_a_cluster_one_node_stands_alone) {
  const ClusterPlan plan = plan_cluster(*parsed(""), 1);
  EXPECT_FALSE(plan.cluster);
  EXPECT_TRUE(plan.members.empty());
  EXPECT_TRUE(plan.others.empty());
  EXPECT_EQ(plan.nodes, std::vector<NodeId>{NodeId(1)});
  EXPECT_EQ(nodes_for(*parsed(""), 16), 1U);
  EXPECT_TRUE(plan_cluster(*parsed("cluster.id = \"home\""), 1).members.empty()) << "one process under a name";
}

TEST(ClusterConfig, a_process_has_a_node_for_each_core_but_those_of_the_disk) {
  const auto config = parsed(three);
  EXPECT_EQ(nodes_for(*config, 1), 1U);
  EXPECT_EQ(nodes_for(*config, 2), 2U);
  EXPECT_EQ(nodes_for(*config, 4), 3U);
  EXPECT_EQ(nodes_for(*config, 1'000), nodes_per_process_max);
  Config fixed = *config;
  fixed.nodes_per_process = 5;
  EXPECT_EQ(nodes_for(fixed, 2), 5U);
}

TEST(ClusterConfig, two_processes_are_refused_with_the_reason) {
  const std::string message = refused(R"(
[cluster]
id = "home"
peers = [{node = 1, address = "127.0.0.1:7401"}, {node = 2, address = "127.0.0.1:7402"}])");
  EXPECT_TRUE(says(message, "2 processes")) << message;
  EXPECT_TRUE(says(message, "one, or three and more")) << message;
}

TEST(ClusterConfig, what_does_not_go_together_is_refused) {
  const auto with = [](const std::string& line) { return std::string(three) + line; };
  EXPECT_TRUE(says(refused("[cluster]\nnodes_per_process = 2"), "no cluster.id"));
  EXPECT_TRUE(says(refused("[cluster]\nid = \"Home\""), "1 to 63"));
  EXPECT_TRUE(says(refused(with("key = \"a\"")), "go together"));
  EXPECT_TRUE(says(refused(R"(
[node]
id = 4
[cluster]
id = "home"
peers = [{node = 1, address = "a:1"}, {node = 2, address = "b:1"}, {node = 3, address = "c:1"}])"),
                   "does not name this process, node 4"));
  EXPECT_TRUE(says(refused(R"(
[cluster]
id = "home"
peers = [{node = 1, address = "a:1"}, {node = 2, address = "b:1"}, {node = 2, address = "c:1"}])"),
                   "names node 2 or its address twice"));
  EXPECT_TRUE(says(refused(R"(
[cluster]
id = "home"
peers = [{node = 1, address = "one.example:1"}, {node = 2, address = "b:1"}, {node = 3, address = "c:1"}])"),
                   "set cluster.listen_peers"));
  EXPECT_TRUE(says(refused("[cluster]\nid = \"home\"\npeers = [{node = 1}]"), "must be a list of"));
  EXPECT_TRUE(says(refused("[cluster]\nid = \"home\"\npeers = [{node = 0, address = \"a:1\"}]"), "from 1 to 4095"));
  EXPECT_TRUE(says(refused("[cluster]\nid = \"home\"\npeers = [{node = 1, address = \"a\"}]"), "has no port"));
}

TEST(ClusterConfig, peers_on_other_machines_need_certificates) {
  Config config = *parsed(three);
  EXPECT_TRUE(check_peer_exposure(config).ok());
  config.peers[0].address = "10.0.0.1:7400";
  EXPECT_TRUE(says(std::string(check_peer_exposure(config).message()), "init-certs"));
  config.peer_certificate = config.peer_key = config.peer_ca = "a";
  EXPECT_TRUE(check_peer_exposure(config).ok());
  Config everywhere = *parsed(three);
  everywhere.listen_peers = "0.0.0.0:7400";
  EXPECT_FALSE(check_peer_exposure(everywhere).ok());
}

TEST(ClusterConfig, a_clusters_id_is_its_name_or_sixteen_bytes) {
  EXPECT_EQ(cluster_id_bytes("home").size(), 16U);
  EXPECT_NE(cluster_id_bytes("home"), cluster_id_bytes("office"));
  EXPECT_EQ(cluster_id_bytes("000102030405060708090a0b0c0d0e0f")[15], '\x0f');
}

}  // namespace
}  // namespace chasqui
