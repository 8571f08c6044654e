// Two processes with two nodes each, on threads: everything said arrives where it was meant, in order.
#include "runtime/peer_exchange.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <future>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace chasqui {
namespace {

// A process as node_group.h makes one, with nodes that only write down what they hear.
class TestProcess {
 public:
  TestProcess(const ClusterPlan& plan, const std::string& directory) : memory_(*PeerMemory::open(directory)) {
    std::signal(SIGPIPE, SIG_IGN);
    PeerIdentity self{plan.process, std::string(16, 'c'), ShardCount{64}, {}};
    for (const NodeId node : plan.nodes) {
      self.stores[node] = std::string(16, static_cast<char>('a' + node.value() % 16));
      nodes_.push_back(std::make_unique<TestNode>());
    }
    PeerTimes times;
    times.retry_base = milliseconds(5);
    times.retry_cap = milliseconds(50);
    exchange_ = std::make_unique<PeerExchange>(
        plan, self, nullptr, memory_, nodes_[0]->io,
        [this](std::size_t place) { boost::asio::post(nodes_[place]->io, [] {}); }, times);
    const absl::Status listening = exchange_->listen();
    EXPECT_TRUE(listening.ok()) << listening;
    port_ = exchange_->endpoint().port();
    for (std::size_t place = 0; place < nodes_.size(); place++) {
      threads_.emplace_back([this, place] { run(place); });
    }
  }
  ~TestProcess() {
    for (const auto& node : nodes_) {
      boost::asio::post(node->io, [&node = *node] { node.done = true; });
    }
    for (std::thread& thread : threads_) {
      thread.join();
    }
    exchange_.reset();
  }
  TestProcess(const TestProcess&) = delete;
  TestProcess& operator=(const TestProcess&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  void knows(ProcessId process, std::uint16_t port) {
    std::promise<void> done;
    boost::asio::post(nodes_[0]->io, [&] {
      exchange_->links().set_endpoint(process, {"127.0.0.1", std::to_string(port)});
      done.set_value();
    });
    done.get_future().get();
  }
  void say(std::size_t place, NodeId to, std::vector<std::string> frames) {
    boost::asio::post(nodes_[place]->io, [this, place, to, frames = std::move(frames)] {
      std::vector<PeerSend> sends;
      for (const std::string& frame : frames) {
        sends.push_back({to, frame});
      }
      exchange_->send(place, std::move(sends));
    });
  }
  // The frames that a node has heard from another, once there are so many; fewer after 10 s.
  std::vector<std::string> heard(std::size_t place, NodeId from, std::size_t count) {
    TestNode& node = *nodes_[place];
    std::unique_lock lock(node.mutex);
    node.came.wait_for(lock, std::chrono::seconds(10), [&] { return node.heard[from].size() >= count; });
    return node.heard[from];
  }
  [[nodiscard]] std::string told(std::size_t place, NodeId about) {
    TestNode& node = *nodes_[place];
    const std::lock_guard lock(node.mutex);
    return node.told[about];
  }

 private:
  struct TestNode {
    boost::asio::io_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
    bool done = false;  // its thread's
    std::mutex mutex;
    std::condition_variable came;
    std::map<NodeId, std::vector<std::string>> heard;
    std::map<NodeId, std::string> told;
  };

  void run(std::size_t place) {
    TestNode& node = *nodes_[place];
    std::vector<Input> inputs;
    while (!node.done) {
      exchange_->take(place, inputs);
      take(node, inputs);
      node.io.run_one();
      node.io.poll();
    }
  }
  static void take(TestNode& node, std::vector<Input>& inputs) {
    const std::lock_guard lock(node.mutex);
    for (Input& input : inputs) {
      if (auto* frame = std::get_if<PeerFrame>(&input)) {
        node.heard[frame->from].push_back(std::move(frame->bytes));
      } else if (const auto* up = std::get_if<PeerReachable>(&input)) {
        node.told[up->node] += "+";
      } else if (const auto* down = std::get_if<PeerUnreachable>(&input)) {
        node.told[down->node] += down->is_dead ? "x" : "-";
      }
    }
    inputs.clear();
    node.came.notify_all();
  }

  PeerMemory memory_;
  std::vector<std::unique_ptr<TestNode>> nodes_;
  std::unique_ptr<PeerExchange> exchange_;
  std::uint16_t port_ = 0;
  std::vector<std::thread> threads_;
};

class Exchange : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/chasqui-exchange-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    std::filesystem::create_directory(directory_ + "/1");
    std::filesystem::create_directory(directory_ + "/2");
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  static ClusterPlan plan(std::uint64_t process) {
    Config config;
    config.node_id = process;
    config.cluster_id = "home";
    // Three processes, so that it is a cluster; the third is never there.
    config.peers = {{1, "127.0.0.1:1"}, {2, "127.0.0.1:2"}, {3, "127.0.0.1:3"}};
    config.listen_peers = "127.0.0.1:0";
    return plan_cluster(config, 2);
  }
  static std::vector<std::string> numbered(const std::string& word, int count) {
    std::vector<std::string> frames;
    for (int i = 0; i < count; i++) {
      frames.push_back(absl::StrCat(word, " ", i));
    }
    return frames;
  }
  std::string directory_;
};

TEST_F(Exchange, every_node_hears_every_other_in_order) {
  TestProcess one(plan(1), directory_ + "/1");
  TestProcess two(plan(2), directory_ + "/2");
  one.knows(ProcessId(2), two.port());
  two.knows(ProcessId(1), one.port());
  one.say(0, NodeId(4098), {"hello"});  // so that no tie drops what follows
  ASSERT_EQ(two.heard(1, NodeId(1), 1).size(), 1U);
  constexpr int count = 1'000;
  const auto say_all = [&](TestProcess& process, std::uint64_t self, std::uint64_t other) {
    for (std::size_t place = 0; place < 2; place++) {
      const NodeId from = node_of(ProcessId(self), place);
      const std::string word = absl::StrCat("from ", from.value());
      process.say(place, node_of(ProcessId(other), 0), numbered(word, count));
      process.say(place, node_of(ProcessId(other), 1), numbered(word, count));
      process.say(place, node_of(ProcessId(self), 1 - place), numbered(word, count));
    }
  };
  say_all(one, 1, 2);
  say_all(two, 2, 1);
  const auto expect = [&](TestProcess& process, std::size_t place, std::uint64_t from, std::size_t before = 0) {
    const auto heard = process.heard(place, NodeId(from), before + count);
    ASSERT_EQ(heard.size(), before + count) << "from " << from;
    for (std::size_t i = 0; i < count; i++) {
      ASSERT_EQ(heard[before + i], absl::StrCat("from ", from, " ", i));
    }
  };
  for (const std::uint64_t from : {2U, 4098U}) {
    expect(one, 0, from);
    expect(one, 1, from);
  }
  for (const std::uint64_t from : {1U, 4097U}) {
    expect(two, 0, from);
    expect(two, 1, from, from == 1 ? 1 : 0);
  }
  expect(one, 0, 4097);
  expect(one, 1, 1);
  expect(two, 0, 4098);
  expect(two, 1, 2);
  EXPECT_EQ(one.told(0, NodeId(2)), "+");
  EXPECT_EQ(one.told(1, NodeId(4098)), "+");
  EXPECT_EQ(one.told(1, NodeId(1)), "+") << "the neighbour in the same process";
}

TEST_F(Exchange, each_node_is_told_of_each_node_that_went) {
  TestProcess one(plan(1), directory_ + "/1");
  {
    TestProcess two(plan(2), directory_ + "/2");
    one.knows(ProcessId(2), two.port());
    one.say(1, NodeId(2), {"a"});
    ASSERT_EQ(two.heard(0, NodeId(4097), 1).size(), 1U);
  }
  for (int i = 0; i < 1'000 && one.told(1, NodeId(4098)) != "+-x"; i++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (const std::size_t place : {0U, 1U}) {
    EXPECT_EQ(one.told(place, NodeId(2)), "+-x");
    EXPECT_EQ(one.told(place, NodeId(4098)), "+-x");
  }
}

}  // namespace
}  // namespace chasqui
