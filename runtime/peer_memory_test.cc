#include "runtime/peer_memory.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace chasqui {
namespace {

class Memory : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/chasqui-memory-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  [[nodiscard]] PeerMemory open() const {
    auto memory = PeerMemory::open(directory_);
    EXPECT_TRUE(memory.ok()) << memory.status();
    return *std::move(memory);
  }
  static PeerIdentity peer(std::uint64_t node, char store) {
    return {ProcessId(node), std::string(16, 'c'), ShardCount{64}, {{NodeId(node), std::string(16, store)}}};
  }
  std::string directory_;
};

TEST_F(Memory, a_node_that_comes_back_with_another_store_is_refused_also_after_a_restart) {
  PeerMemory memory = open();
  EXPECT_TRUE(memory.check(peer(2, 'a')).ok()) << "never met";
  ASSERT_TRUE(memory.remember(peer(2, 'a')).ok());
  const absl::Status wiped = open().check(peer(2, 'b'));
  EXPECT_EQ(wiped.message(), "node 2 came back with another store (wiped or cloned): it must rejoin as a new node");
  EXPECT_TRUE(open().check(peer(2, 'a')).ok());
  EXPECT_TRUE(open().check(peer(3, 'b')).ok()) << "another node has another store";
}

TEST_F(Memory, what_was_remembered_first_stays) {
  PeerMemory memory = open();
  ASSERT_TRUE(memory.remember(peer(2, 'a')).ok());
  ASSERT_TRUE(memory.remember(peer(2, 'b')).ok());
  EXPECT_TRUE(memory.check(peer(2, 'a')).ok());
  EXPECT_FALSE(memory.check(peer(2, 'b')).ok());
}

TEST_F(Memory, the_number_of_nodes_is_decided_once) {
  PeerMemory memory = open();
  EXPECT_EQ(memory.nodes_per_process(), 0U);
  ASSERT_TRUE(memory.decide_nodes_per_process(3).ok());
  ASSERT_TRUE(memory.remember(peer(2, 'a')).ok());
  PeerMemory again = open();
  EXPECT_EQ(again.nodes_per_process(), 3U);
  EXPECT_TRUE(again.decide_nodes_per_process(3).ok());
  EXPECT_EQ(again.decide_nodes_per_process(2).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(Memory, a_damaged_file_is_no_empty_one) {
  ASSERT_TRUE(open().remember(peer(2, 'a')).ok());
  std::fstream file(directory_ + "/CLUSTER", std::ios::in | std::ios::out);
  file.seekp(60);
  file.put('0');
  file.close();
  EXPECT_EQ(PeerMemory::open(directory_).status().code(), absl::StatusCode::kDataLoss);
  std::ofstream(directory_ + "/CLUSTER") << "";
  EXPECT_EQ(PeerMemory::open(directory_).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace chasqui
