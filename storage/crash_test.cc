// What kill -9 and a full disk leave: run as processes of their own (crash_writer/), judged here.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>
#include <sstream>

#include "storage/crash_writer/writer.h"
#include "storage/testing.h"

namespace chasqui::storage {
namespace {

using testing::TempDir;

// A crash_writer whose standard output is read to its end.
class Child {
 public:
  explicit Child(std::vector<std::string> arguments) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    out_ = Fd(ends[0]);
    const Fd write_end(ends[1]);
    arguments.insert(arguments.begin(), CHASQUI_BIN_DIR "/storage_crash_writer");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
    EXPECT_EQ(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0) << argv[0];
    ::posix_spawn_file_actions_destroy(&actions);
  }
  void kill() const { ::kill(pid_, SIGKILL); }
  // Blocks until the child has said something.
  std::string read_some() const {
    std::string bytes(65536, '\0');
    const ssize_t got = ::read(out_.get(), bytes.data(), bytes.size());
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }
  std::string read_to_end() const {
    std::string all;
    for (std::string some = read_some(); !some.empty(); some = read_some()) all += some;
    return all;
  }
  // The exit code, or -signal.
  int wait() const {
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  pid_t pid_ = 0;
  Fd out_;
};

TEST(Crash, whatever_was_durable_is_there_after_kill_9_and_the_state_is_a_prefix) {
  const TempDir directory;
  std::map<std::uint64_t, std::uint64_t> durable;
  std::mt19937_64 random(20240);
  std::uint64_t flushed_lives = 0;
  for (std::uint64_t life = 0; life < 5; ++life) {
    const Child child({"write", directory.path(), std::to_string(life)});
    std::string said = child.read_some();
    ::usleep(static_cast<useconds_t>(100'000 + random() % 500'000));
    child.kill();
    said += child.read_to_end();
    ASSERT_EQ(child.wait(), -SIGKILL);
    std::istringstream lines(said);
    std::uint64_t shard = 0;
    std::uint64_t index = 0;
    while (lines >> shard >> index) durable[shard] = index;

    auto node = NodeStore::open(writer_options(directory.path()));
    ASSERT_TRUE(node.ok()) << "life " << life << ": " << node.status();
    if (!(*node)->store().flushed_applied().empty()) ++flushed_lives;
    Writer writer(**node);  // applies the rest, as a replica does
    ASSERT_TRUE(writer.check_state().ok()) << writer.check_state();
    for (const auto& [s, last] : durable) EXPECT_GE(writer.last(s), last) << "shard " << s << ", life " << life;
  }
  EXPECT_GT(flushed_lives, 0U) << "no state was ever flushed: the test shows nothing";
  EXPECT_EQ(durable.size(), writer_shards);
}

TEST(Crash, before_the_log_is_replayed_the_state_is_consistent_for_each_shard) {
  const TempDir directory;
  for (std::uint64_t life = 0; life < 3; ++life) {
    const Child child({"write", directory.path(), std::to_string(100 + life)});
    std::string said = child.read_some();
    ::usleep(400'000);
    child.kill();
    child.read_to_end();
    child.wait();
    auto node = NodeStore::open(writer_options(directory.path()));
    ASSERT_TRUE(node.ok()) << node.status();
    // check_state() of a Writer that has not been given the log: the rows as the crash left them.
    const auto log = (*node)->take_log();
    EXPECT_TRUE(Writer(**node).check_state().ok()) << Writer(**node).check_state();
    for (const ReplicaImage& image : log) {
      const auto flushed = (*node)->store().flushed_applied(image.shard);
      EXPECT_LE(image.first_index.value(), flushed.value() + 1);
      EXPECT_GE(image.first_index.value() + image.entries.size(), flushed.value() + 1);
    }
  }
}

TEST(FullDisk, writes_are_refused_first_and_all_comes_back_with_room) {
  const Child child({"fill", "512"});
  const std::string said = child.read_to_end();
  const int code = child.wait();
  if (code == 77) GTEST_SKIP() << "a small tmpfs may not be mounted here: run as root to test a full disk";
  EXPECT_EQ(code, 0);
  EXPECT_EQ(
      said,
      "ballast 1\nno-uploads\nno-writes\nballast 0\nstate sound\nok\nballast 1\nended 0\nafter restart all there\n");
}

TEST(FullDisk, a_node_that_does_not_listen_stops_before_it_aborts_and_loses_nothing) {
  const Child child({"fill", "128", "--ignore-marks"});
  const std::string said = child.read_to_end();
  const int code = child.wait();
  if (code == 77) GTEST_SKIP() << "a small tmpfs may not be mounted here: run as root to test a full disk";
  EXPECT_EQ(code, 0);
  EXPECT_EQ(said, "ended 75\nafter restart all there\n");
}

}  // namespace
}  // namespace chasqui::storage
