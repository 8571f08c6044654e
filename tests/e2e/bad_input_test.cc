// What strangers and broken clients send to a real server: each is told why, and nobody else notices.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "bench/harness/server_process.h"
#include "net/testing/raw_client.h"
#include "proto/client.pb.h"
#include "tests/e2e/raw_session.h"

namespace chasqui {
namespace {

using e2e::RawSession;
using testing::RawClient;
using testing::WsFrame;

class BadInput : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<bench::TemporaryFolder>();
    server = std::make_unique<bench::ServerProcess>(CHASQUI_BIN_DIR "/chasquid", folder->path() + "/data", "default");
    const absl::Status started = server->start();
    ASSERT_TRUE(started.ok()) << started;
    const auto made = server->provision(3, "user");
    ASSERT_TRUE(made.ok()) << made.status();
    users = *made;
  }
  static void TearDownTestSuite() {
    if (server) {
      const absl::Status stopped = server->stop();
      EXPECT_TRUE(stopped.ok()) << stopped;
    }
    server.reset();
    folder.reset();
  }
  void SetUp() override {
    ASSERT_EQ(users.size(), 3U);
    bystander = std::make_unique<RawSession>(port(), users[0]);
    const auto answer = bystander->hello();
    ASSERT_TRUE(answer.has_value() && answer->has_hello());
  }
  // The other session is as it was: it is answered, and soon.
  void TearDown() override {
    client::ClientFrame frame;
    frame.mutable_ping();
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = bystander->ask(frame);
    EXPECT_TRUE(answer.has_value() && answer->has_pong());
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
    if (HasFailure()) {
      std::ifstream log(server->log_path());
      std::cerr << std::string(std::istreambuf_iterator<char>(log), {});
    }
  }
  static std::uint16_t port() { return static_cast<std::uint16_t>(std::stoi(server->endpoint().port)); }
  // Reads on to the close frame; what the GoAway before it said is in `said`.
  static std::optional<WsFrame> end_of(RawClient& client, client::GoAway& said) {
    while (auto frame = client.next_frame()) {
      if (frame->opcode == 8) {
        return frame;
      }
      client::ServerMessage message;
      if (frame->opcode == 2 && message.ParseFromString(frame->payload)) {
        for (const client::ServerFrame& each : message.frames()) {
          if (each.has_go_away()) {
            said = each.go_away();
          }
        }
      }
    }
    return std::nullopt;
  }
  // Closed by the server with BAD_FRAME and a reason in words.
  static void expect_bad_frame(RawClient& client) {
    client::GoAway said;
    const auto close = end_of(client, said);
    ASSERT_TRUE(close.has_value());
    EXPECT_EQ(said.reason(), client::GoAway::BAD_FRAME);
    EXPECT_FALSE(said.message().empty());
    EXPECT_FALSE(close->close_reason().empty());
  }

  static std::unique_ptr<bench::TemporaryFolder> folder;
  static std::unique_ptr<bench::ServerProcess> server;
  static std::vector<client::Credentials> users;
  std::unique_ptr<RawSession> bystander;
};
std::unique_ptr<bench::TemporaryFolder> BadInput::folder;
std::unique_ptr<bench::ServerProcess> BadInput::server;
std::vector<client::Credentials> BadInput::users;

TEST_F(BadInput, a_message_over_256_kib_is_closed_with_1009) {
  RawSession session(port(), users[1]);
  ASSERT_TRUE(session.hello().has_value());
  session.raw.send(RawClient::frame(2, std::string(256 * 1024 + 1, 'x')));
  const auto close = session.raw.close_frame();
  ASSERT_TRUE(close.has_value());
  EXPECT_EQ(close->close_code(), 1009);
}

TEST_F(BadInput, bytes_that_are_no_message_end_the_session_with_a_reason) {
  RawSession session(port(), users[1]);
  ASSERT_TRUE(session.hello().has_value());
  session.raw.send(RawClient::frame(2, "\xff\xff\xff\xff garbage"));
  expect_bad_frame(session.raw);
}

TEST_F(BadInput, a_frame_before_hello_ends_the_session_with_a_reason) {
  RawClient client(port());
  ASSERT_EQ(client.upgrade(), "");
  client::ClientFrame frame;
  frame.set_request_id(1);
  frame.mutable_ping();
  client.send(RawSession::bytes_of(frame));
  expect_bad_frame(client);
}

TEST_F(BadInput, a_wrong_token_is_unauthenticated) {
  RawSession session(port(), users[1]);
  const auto answer = session.hello(std::string(32, 'w'));
  ASSERT_TRUE(answer.has_value());
  ASSERT_TRUE(answer->has_error());
  EXPECT_EQ(answer->error().code(), client::UNAUTHENTICATED);
  EXPECT_TRUE(session.raw.close_frame().has_value());
}

TEST_F(BadInput, a_text_frame_is_closed_with_1003_and_a_reason) {
  RawSession session(port(), users[1]);
  ASSERT_TRUE(session.hello().has_value());
  session.raw.send(RawClient::frame(1, "{}"));
  const auto close = session.raw.close_frame();
  ASSERT_TRUE(close.has_value());
  EXPECT_EQ(close->close_code(), 1003);
  EXPECT_FALSE(close->close_reason().empty());
}

TEST_F(BadInput, a_text_of_64_kib_passes_and_one_byte_more_is_refused) {
  RawSession session(port(), users[1]);
  ASSERT_TRUE(session.hello().has_value());
  const ConversationId conversation = ConversationId::direct(users[1].user, users[2].user);
  const auto largest = session.send_text(conversation, 1, 65'536);
  ASSERT_TRUE(largest.has_value());
  EXPECT_TRUE(largest->has_accepted()) << largest->DebugString();
  const auto above = session.send_text(conversation, 2, 65'537);
  ASSERT_TRUE(above.has_value() && above->has_error());
  EXPECT_EQ(above->error().code(), client::INVALID_ARGUMENT);
  EXPECT_FALSE(above->error().message().empty());
  client::ClientFrame ping;
  ping.mutable_ping();
  EXPECT_TRUE(session.ask(ping).has_value()) << "the session goes on";
}

TEST_F(BadInput, a_thousand_half_open_sockets_keep_nobody_out) {
  std::vector<std::unique_ptr<RawClient>> half_open;
  for (int i = 0; i < 1'000; i++) {
    half_open.push_back(std::make_unique<RawClient>(port()));
    half_open.back()->send("GET /v1/connect HTTP/1.1\r\nHo");
  }
  RawSession session(port(), users[1]);
  const auto answer = session.hello();
  EXPECT_TRUE(answer.has_value() && answer->has_hello());
  EXPECT_TRUE(half_open.front()->sees_end()) << "the oldest gave way";
}

TEST_F(BadInput, a_flood_of_empty_fragments_is_cut_and_costs_others_nothing) {
  RawSession session(port(), users[1]);
  ASSERT_TRUE(session.hello().has_value());
  std::string flood = RawClient::frame(2, "", false);
  for (int i = 0; i < 10'000; i++) {
    flood += RawClient::frame(0, "", false);
  }
  // 60 KB each: what the rate lets through, for a second. The 30 s deadline itself is shown in net/server_test.cc.
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < std::chrono::seconds(1)) {
    pollfd wait{session.raw.descriptor(), POLLOUT, 0};
    if (poll(&wait, 1, 10) == 1) {
      static_cast<void>(::send(session.raw.descriptor(), flood.data(), flood.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
    }
  }
  client::ClientFrame ping;
  ping.mutable_ping();
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_TRUE(bystander->ask(ping).has_value());
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::milliseconds(500));
}

TEST_F(BadInput, who_does_not_read_holds_up_nobody_and_loses_nothing) {
  RawSession slow(port(), users[2]);
  const int small = 64 * 1024;
  setsockopt(slow.raw.descriptor(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  ASSERT_TRUE(slow.hello().has_value());
  const ConversationId conversation = ConversationId::direct(users[0].user, users[2].user);
  constexpr std::uint64_t messages = 50;  // 3 MiB: more than the budget of a session and its socket's buffers
  for (std::uint64_t n = 1; n <= messages; n++) {
    const auto answer = bystander->send_text(conversation, n, 60'000);
    ASSERT_TRUE(answer.has_value() && answer->has_accepted()) << n;
  }
  // It reads at last: what it was not pushed it is told of, and finds.
  client::ClientFrame frame;
  frame.mutable_history()->set_conversation(conversation.str());
  frame.mutable_history()->set_after_seq(messages - 1);
  const auto last = slow.ask(frame);
  ASSERT_TRUE(last.has_value() && last->has_history());
  EXPECT_EQ(last->history().head(), messages);
  EXPECT_EQ(last->history().events_size(), 1);
}

TEST_F(BadInput, smuggled_http_is_refused_and_closed) {
  for (const char* request :
       {"POST /v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 40\r\n\r\nabcd",
        "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET /healthz HTTP/1.1\nHost: a\n\n",
        "GET /healthz HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n"}) {
    RawClient client(port());
    const std::string answer = client.http(std::string(request) + "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 400") << request;
    EXPECT_NE(answer.find(R"("code":"INVALID_ARGUMENT")"), std::string::npos) << answer;
    EXPECT_TRUE(client.sees_end());
    EXPECT_EQ(client.in(), "");
  }
}

TEST_F(BadInput, a_short_password_is_refused_with_what_to_do) {
  RawClient client(port());
  const std::string body =
      R"({"handle":"carla","password":"short","device_name":"d","secret_hash":")" + std::string(64, 'a') + "\"}";
  const std::string answer =
      client.http("POST /v1/accounts HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: " +
                  std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 400");
  EXPECT_NE(answer.find("choose a longer one"), std::string::npos) << answer;
}

}  // namespace
}  // namespace chasqui
