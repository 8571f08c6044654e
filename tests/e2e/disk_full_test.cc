// A disk that fills (RELIABILITY.md R17), for real: a tmpfs of 512 MiB. Needs the right to mount; without it the test
// is skipped and says so.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "bench/harness/server_process.h"
#include "tests/e2e/raw_session.h"

namespace chasqui {
namespace {

using e2e::RawSession;

class DiskFull : public ::testing::Test {
 protected:
  void SetUp() override {
    if (mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=512m,mode=0700") != 0) {
      GTEST_SKIP() << "cannot mount a tmpfs (" << std::strerror(errno) << "): run as root to try a full disk";
    }
    is_mounted = true;
  }
  void TearDown() override {
    server.kill_9();
    if (is_mounted) {
      umount2(folder.path().c_str(), MNT_DETACH);
    }
  }
  [[nodiscard]] std::uint64_t free_bytes() const {
    struct statvfs disk{};
    return statvfs(folder.path().c_str(), &disk) == 0 ? disk.f_bavail * disk.f_frsize : 0;
  }
  // Somebody else's file, so that so much is left.
  void leave_free(std::uint64_t bytes) const {
    const int fd = open((folder.path() + "/filler").c_str(), O_CREAT | O_WRONLY, 0600);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(posix_fallocate(fd, 0, static_cast<off_t>(free_bytes() - bytes)), 0);
    close(fd);
  }
  [[nodiscard]] std::uint16_t port() const { return static_cast<std::uint16_t>(std::stoi(server.endpoint().port)); }

  bench::TemporaryFolder folder;
  bench::ServerProcess server{CHASQUI_BIN_DIR "/chasquid", folder.path() + "/data", "bench"};
  bool is_mounted = false;
};

TEST_F(DiskFull, sends_are_refused_in_time_reads_go_on_and_room_heals_it) {
  const absl::Status started = server.start();
  ASSERT_TRUE(started.ok()) << started;
  const auto users = server.provision(2, "user");
  ASSERT_TRUE(users.ok()) << users.status();
  const ConversationId conversation = ConversationId::direct((*users)[0].user, (*users)[1].user);
  auto session = std::make_unique<RawSession>(port(), (*users)[0]);
  ASSERT_TRUE(session->hello().has_value());
  leave_free(std::uint64_t{100} << 20);

  // Until it refuses: then with the code that says "later", and long before the disk is full.
  std::uint64_t accepted = 0;
  std::optional<client::ServerFrame> refusal;
  for (std::uint64_t n = 1; n <= 4'000 && !refusal; n++) {
    const auto answer = session->send_text(conversation, n, 60'000);
    ASSERT_TRUE(answer.has_value()) << "after " << accepted;
    if (answer->has_accepted()) {
      accepted = n;
    } else {
      refusal = answer;
    }
  }
  ASSERT_TRUE(refusal.has_value()) << "the disk took everything";
  EXPECT_EQ(refusal->error().code(), client::RESOURCE_EXHAUSTED) << refusal->DebugString();
  EXPECT_FALSE(refusal->error().message().empty());
  EXPECT_GT(accepted, 100U);
  EXPECT_GT(free_bytes(), std::uint64_t{5} << 20);

  // Reads go on.
  const auto head = [&](RawSession& from) -> std::uint64_t {
    client::ClientFrame frame;
    frame.mutable_history()->set_conversation(conversation.str());
    frame.mutable_history()->set_after_seq(accepted - 1);
    const auto answer = from.ask(frame);
    return answer.has_value() && answer->has_history() ? answer->history().head() : 0;
  };
  EXPECT_EQ(head(*session), accepted);

  // Room comes: the same number is taken now, unaided.
  ASSERT_EQ(unlink((folder.path() + "/filler").c_str()), 0);
  bool is_healed = false;
  for (int i = 0; i < 100 && !is_healed; i++) {
    const auto answer = session->send_text(conversation, accepted + 1, 60'000);
    ASSERT_TRUE(answer.has_value());
    is_healed = answer->has_accepted();
    if (!is_healed) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  EXPECT_TRUE(is_healed) << "still refused 10 s after there was room";

  // And nothing accepted is lost by a crash.
  server.kill_9();
  const absl::Status again = server.start();
  ASSERT_TRUE(again.ok()) << again;
  session = std::make_unique<RawSession>(port(), (*users)[0]);
  ASSERT_TRUE(session->hello().has_value());
  EXPECT_EQ(head(*session), accepted + 1);
}

}  // namespace
}  // namespace chasqui
