// chasquid as its operator meets it: start, refusals, idleness, the end.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "bench/harness/server_process.h"
#include "tests/e2e/program.h"
#include "tests/e2e/raw_session.h"

namespace chasqui {
namespace {

using e2e::RawSession;
using testing::RawClient;

const std::string chasquid = CHASQUI_BIN_DIR "/chasquid";

class Chasquid : public ::testing::Test {
 protected:
  [[nodiscard]] std::uint16_t port() const { return static_cast<std::uint16_t>(std::stoi(server.endpoint().port)); }
  static e2e::Ran ran(const std::vector<std::string>& options) {
    std::vector<std::string> words{chasquid};
    words.insert(words.end(), options.begin(), options.end());
    return e2e::run(words);
  }
  [[nodiscard]] std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(folder.path() + "/" + name) << content;
    return folder.path() + "/" + name;
  }

  bench::TemporaryFolder folder;
  bench::ServerProcess server{chasquid, folder.path() + "/data", "default"};
};

TEST_F(Chasquid, an_idle_server_burns_no_cpu) {
  ASSERT_TRUE(server.start().ok());
  const auto users = server.provision(1, "user");
  ASSERT_TRUE(users.ok()) << users.status();
  RawSession session(port(), (*users)[0]);
  ASSERT_TRUE(session.hello().has_value());
  std::this_thread::sleep_for(std::chrono::milliseconds(2'500));  // what lingers after the writes is over
  const std::uint64_t before = server.cpu_us();
  std::this_thread::sleep_for(std::chrono::seconds(2));
  EXPECT_LE(server.cpu_us() - before, 20'000U) << "of 2 s";
}

TEST_F(Chasquid, sigterm_tells_the_sessions_and_ends_within_five_seconds) {
  ASSERT_TRUE(server.start().ok());
  const auto users = server.provision(1, "user");
  ASSERT_TRUE(users.ok()) << users.status();
  RawSession session(port(), (*users)[0]);
  ASSERT_TRUE(session.hello().has_value());
  RawClient half_open(port());
  half_open.send("GET /");
  const auto begin = std::chrono::steady_clock::now();
  kill(server.pid(), SIGTERM);
  bool is_told = false;
  while (auto frame = session.raw.next_frame()) {
    client::ServerMessage message;
    if (frame->opcode == 2 && message.ParseFromString(frame->payload)) {
      for (const client::ServerFrame& each : message.frames()) {
        is_told = is_told || each.go_away().reason() == client::GoAway::SHUTTING_DOWN;
      }
    }
  }
  EXPECT_TRUE(is_told);
  const absl::Status stopped = server.stop();
  EXPECT_TRUE(stopped.ok()) << stopped;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(4'000))
      << "though nobody answered its close frames";
}

TEST_F(Chasquid, a_second_server_on_the_same_data_is_refused) {
  ASSERT_TRUE(server.start().ok());
  const e2e::Ran second = ran({"--data-dir", folder.path() + "/data", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.err.find(std::to_string(server.pid())), std::string::npos) << second.err;
  EXPECT_NE(RawClient(port()).http("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n").find(" 200 OK"), std::string::npos);
}

TEST_F(Chasquid, an_address_in_use_is_a_sentence) {
  ASSERT_TRUE(server.start().ok());
  const e2e::Ran second =
      ran({"--data-dir", folder.path() + "/other", "--listen", "127.0.0.1:" + server.endpoint().port});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.err.find("choose another address"), std::string::npos) << second.err;
}

TEST_F(Chasquid, plain_text_for_other_machines_is_refused_unless_said) {
  const e2e::Ran refused = ran({"--listen", "0.0.0.0:0", "--allow-root", "--check-config"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("--insecure"), std::string::npos) << refused.err;
  EXPECT_EQ(ran({"--listen", "0.0.0.0:0", "--allow-root", "--insecure", "--check-config"}).exit_code, 0);
  if (geteuid() == 0) {
    const e2e::Ran root = ran({"--listen", "0.0.0.0:0", "--insecure", "--check-config"});
    EXPECT_EQ(root.exit_code, 2);
    EXPECT_NE(root.err.find("--allow-root"), std::string::npos) << root.err;
  }
}

TEST_F(Chasquid, a_configuration_is_checked_before_anything_is_touched) {
  const e2e::Ran unknown = ran({"--config", file("c.toml", "data_dri = \"x\"\n"), "--check-config"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_NE(unknown.err.find("c.toml:1: data_dri is no key"), std::string::npos) << unknown.err;
  EXPECT_NE(unknown.err.find("data_dir"), std::string::npos) << unknown.err;
  EXPECT_EQ(ran({"--config", folder.path() + "/none.toml"}).exit_code, 2);
  EXPECT_EQ(ran({"--lissten", "x"}).exit_code, 2);
  EXPECT_EQ(ran({"--limits", "fast"}).exit_code, 2);
  const e2e::Ran printed = ran({"--print-default-config"});
  EXPECT_EQ(printed.exit_code, 0);
  EXPECT_EQ(ran({"--config", file("d.toml", printed.out), "--check-config"}).exit_code, 0);
  EXPECT_NE(ran({"--version"}).out.find("chasquid 0."), std::string::npos);
}

TEST_F(Chasquid, its_files_are_for_its_owner_alone_and_the_admin_socket_answers) {
  ASSERT_TRUE(server.start().ok());
  struct stat status{};
  ASSERT_EQ(stat((folder.path() + "/data/admin.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  ASSERT_EQ(stat((folder.path() + "/data/store").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0077, 0U);
  const std::string data = folder.path() + "/data";
  const e2e::Ran made = ran({"admin", "--data-dir", data, "provision", "200", "bulk"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_EQ(std::count(made.out.begin(), made.out.end(), '\n'), 200);
  EXPECT_EQ(made.out.substr(0, 6), "bulk0 ");
  EXPECT_NE(made.out.find("\nbulk199 "), std::string::npos);
  EXPECT_EQ(ran({"admin", "--data-dir", data, "provision", "1", "bulk"}).exit_code, 1) << "bulk0 is taken";
  EXPECT_NE(ran({"admin", "--data-dir", data, "stats"}).out.find("\"account_created\":200"), std::string::npos);
  EXPECT_EQ(ran({"admin", "--data-dir", data, "nonsense"}).exit_code, 1);
  EXPECT_EQ(ran({"admin", "--data-dir", folder.path(), "stats"}).exit_code, 3);
}

}  // namespace
}  // namespace chasqui
