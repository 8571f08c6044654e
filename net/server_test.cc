// The client port in one process with its tests: a thread serves, raw sockets are as wrong as a test wants.
#include "net/server.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "net/testing/echo_server.h"
#include "net/testing/raw_client.h"

namespace chasqui {
namespace {

using testing::becomes;
using testing::Echo;
using testing::RawClient;

const std::string login = R"({"handle":"ana","password":"correct horse battery","device_name":"d","secret_hash":")" +
                          std::string(64, '0') + "\"}";
std::string post(const std::string& path, const std::string& body, const std::string& fields = "") {
  return "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(ServerWebSocket, what_one_turn_says_leaves_as_one_message) {
  Echo echo{Limits()};
  RawClient client(echo.port());
  ASSERT_EQ(client.upgrade(), "");
  EXPECT_NE(client.upgrade_answer.find("Sec-WebSocket-Protocol: chasqui.v1"), std::string::npos);
  client.send(RawClient::frame(2, "hola"));
  const auto answer = client.next_frame();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->opcode, 2);
  EXPECT_EQ(answer->payload, "holahola");
  EXPECT_TRUE(becomes([&] { return echo.written_bytes == 8; }));
}

TEST(ServerWebSocket, a_message_may_come_in_fragments_with_a_ping_between) {
  Echo echo{Limits()};
  RawClient client(echo.port());
  ASSERT_EQ(client.upgrade(""), "");
  client.send(RawClient::frame(2, "ho", false) + RawClient::frame(9, "p") + RawClient::frame(0, "la"));
  EXPECT_EQ(client.next_frame()->opcode, 10);
  EXPECT_EQ(client.next_frame()->payload, "holahola");
}

TEST(ServerWebSocket, a_message_at_the_limit_passes_and_one_above_is_closed_with_1009) {
  Limits limits;
  limits.websocket_message_bytes_max = 70'000;
  Echo echo{limits};
  RawClient client(echo.port());
  ASSERT_EQ(client.upgrade(), "");
  client.send(RawClient::frame(2, std::string(70'000, 'x')));
  EXPECT_EQ(client.next_frame()->payload.size(), 70'000U);  // two of them do not fit into one
  EXPECT_EQ(client.next_frame()->payload.size(), 70'000U);
  client.send(RawClient::frame(2, std::string(70'001, 'x')));
  EXPECT_EQ(client.close_frame()->close_code(), 1009);
  EXPECT_TRUE(becomes([&] { return echo.closed == 1; }));
}

TEST(ServerWebSocket, a_text_frame_is_told_why_it_is_closed) {
  Echo echo{Limits()};
  RawClient client(echo.port());
  ASSERT_EQ(client.upgrade(), "");
  client.send(RawClient::frame(1, "hello"));
  const auto close = client.close_frame();
  ASSERT_TRUE(close.has_value());
  EXPECT_EQ(close->close_code(), 1003);
  EXPECT_NE(close->close_reason().find("binary"), std::string::npos);
  EXPECT_TRUE(becomes([&] { return echo.closed == 1; }));
}

TEST(ServerWebSocket, an_unmasked_frame_is_a_protocol_error) {
  Echo echo{Limits()};
  RawClient client(echo.port());
  ASSERT_EQ(client.upgrade(), "");
  client.send(std::string("\x82\x01x", 3));
  EXPECT_EQ(client.close_frame()->close_code(), 1002);
}

TEST(ServerWebSocket, what_was_said_before_a_close_arrives_before_it) {
  Echo echo{Limits()};
  RawClient client(echo.port());
  ASSERT_EQ(client.upgrade(), "");
  client.send(RawClient::frame(2, "bye"));
  EXPECT_EQ(client.next_frame()->payload, "farewell");
  const auto close = client.next_frame();
  EXPECT_EQ(close->opcode, 8);
  EXPECT_EQ(close->close_reason(), "as you wish");
  client.send(RawClient::frame(8, close->payload));
  EXPECT_TRUE(client.sees_end(1'000));
  client.close();
  EXPECT_TRUE(becomes([&] { return echo.ask([](Server& s) { return s.sessions(); }) == 0; }));
}

TEST(ServerWebSocket, an_unfinished_message_ends_the_session_in_time) {
  Limits limits;
  limits.message_complete_ms = 300;
  limits.ping_interval_ms = 100;
  Echo echo{limits};
  RawClient client(echo.port());
  ASSERT_EQ(client.upgrade(), "");
  std::string flood = RawClient::frame(2, "", false);
  const auto begin = std::chrono::steady_clock::now();
  while (client.send(flood) && std::chrono::steady_clock::now() - begin < std::chrono::seconds(5)) {
    flood = RawClient::frame(0, "", false);  // empty continuation frames: Beast tells nobody of them
    if (client.receive(5) && client.in().find("after its first byte") != std::string::npos) {
      break;
    }
  }
  EXPECT_NE(client.in().find("after its first byte"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  EXPECT_TRUE(becomes([&] { return echo.closed == 1; }));
}

TEST(ServerWebSocket, a_silent_session_is_pinged_and_one_that_does_not_answer_is_cut) {
  Limits limits;
  limits.ping_interval_ms = 100;
  limits.idle_timeout_ms = 350;
  Echo echo{limits};
  RawClient lively(echo.port());
  RawClient dead(echo.port());
  ASSERT_EQ(lively.upgrade(), "");
  ASSERT_EQ(dead.upgrade(), "");
  for (int i = 0; i < 6; i++) {
    const auto ping = lively.next_frame();
    ASSERT_TRUE(ping.has_value());
    ASSERT_EQ(ping->opcode, 9);
    lively.send(RawClient::frame(10, ping->payload));
  }
  EXPECT_TRUE(dead.sees_end());
  EXPECT_EQ(echo.closed, 1);
  EXPECT_EQ(echo.ask([](Server& s) { return s.sessions(); }), 1U);
}

TEST(ServerWebSocket, too_many_pings_end_the_session) {
  Echo echo{Limits()};
  RawClient client(echo.port());
  ASSERT_EQ(client.upgrade(), "");
  std::string pings;
  for (int i = 0; i < 100; i++) {
    pings += RawClient::frame(9, "");
  }
  client.send(pings);
  EXPECT_EQ(client.close_frame()->close_code(), 1008);
}

TEST(ServerWebSocket, a_session_that_is_not_read_from_waits_in_its_own_socket) {
  Echo echo{Limits()};
  RawClient client(echo.port());
  ASSERT_EQ(client.upgrade(), "");
  EXPECT_TRUE(becomes([&] { return echo.opened == 1; }));
  const SessionId session(echo.ask([](Server& s) {
    s.set_reading(SessionId(1), false);
    return 1U;
  }));
  client.send(RawClient::frame(2, "one"));
  client.send(RawClient::frame(2, "two"));
  // One read was under way already; the second message stays where it is.
  EXPECT_EQ(client.next_frame()->payload, "oneone");
  EXPECT_FALSE(client.next_frame(200).has_value());
  echo.ask([session](Server& s) {
    s.set_reading(session, true);
    return 0;
  });
  EXPECT_EQ(client.next_frame()->payload, "twotwo");
}

TEST(ServerUpgrade, pages_of_unknown_origins_and_other_subprotocols_are_refused) {
  Echo echo{Limits()};
  EXPECT_NE(RawClient(echo.port()).upgrade("Origin: https://evil.example\r\n").find(" 403 "), std::string::npos);
  EXPECT_NE(RawClient(echo.port()).upgrade("Origin: null\r\n").find(" 403 "), std::string::npos);
  EXPECT_EQ(RawClient(echo.port()).upgrade("Origin: https://good.example\r\n"), "");
  EXPECT_NE(RawClient(echo.port()).upgrade("Sec-WebSocket-Protocol: mqtt\r\n").find(" 400 "), std::string::npos);
  EXPECT_EQ(RawClient(echo.port()).upgrade("Sec-WebSocket-Protocol: mqtt, chasqui.v1\r\n"), "");
  EXPECT_NE(RawClient(echo.port()).http("GET /v1/connect HTTP/1.1\r\nHost: a\r\n\r\n").find(" 426 "),
            std::string::npos);
}

TEST(ServerHttp, accounts_are_made_over_one_connection_that_stays) {
  Echo echo{Limits()};
  RawClient client(echo.port());
  const std::string created = client.http(post("/v1/accounts", login));
  EXPECT_NE(created.find(" 201 "), std::string::npos) << created;
  EXPECT_NE(created.find(R"("user":"4611686018427387904")"), std::string::npos) << created;
  EXPECT_NE(client.http(post("/v1/login", login)).find(" 200 OK"), std::string::npos);
  EXPECT_NE(client.http("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").find(" 200 OK"), std::string::npos);
  const std::string ready = client.http("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(ready.find(" 503 "), std::string::npos);
  EXPECT_NE(ready.find("it is only a test"), std::string::npos);
}

TEST(ServerHttp, what_is_not_served_is_told_apart) {
  Echo echo{Limits()};
  RawClient client(echo.port());
  EXPECT_NE(client.http("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n").find(" 404 "), std::string::npos);
  const std::string method = client.http("GET /v1/login HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(method.find(" 405 "), std::string::npos);
  EXPECT_NE(method.find("\r\nAllow: POST\r\n"), std::string::npos);
  EXPECT_NE(client.http(post("/v1/login", "{}")).find(" 400 "), std::string::npos);
  EXPECT_NE(client.http("POST /v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}").find(" 415 "),
            std::string::npos);
}

TEST(ServerHttp, smuggled_requests_are_refused_and_the_connection_ends) {
  Echo echo{Limits()};
  for (const std::string& request :
       {post("/v1/login", login, "Transfer-Encoding: chunked\r\n"), post("/v1/login", login, "Content-Length: 5\r\n"),
        std::string("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        std::string("GET /healthz HTTP/1.1\nHost: a\n\n")}) {
    RawClient client(echo.port());
    const std::string answer = client.http(request + "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(answer.find(" 400 "), std::string::npos) << request;
    EXPECT_NE(answer.find("application/problem+json"), std::string::npos);
    EXPECT_TRUE(client.sees_end());
    EXPECT_EQ(client.in(), "") << "the second request was answered";
  }
}

TEST(ServerHttp, a_client_that_hangs_up_is_not_answered) {
  Echo echo{Limits()};
  echo.answers = false;
  RawClient client(echo.port());
  client.send(post("/v1/login", login));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  client.close();
  EXPECT_TRUE(becomes([&] { return echo.abandoned == 1; }));
}

TEST(ServerHttp, an_answer_that_does_not_come_is_a_504) {
  Limits limits;
  limits.http_answer_ms = 100;
  Echo echo{limits};
  echo.answers = false;
  EXPECT_NE(RawClient(echo.port()).http(post("/v1/login", login)).find(" 504 "), std::string::npos);
  EXPECT_EQ(echo.abandoned, 1);
}

TEST(ServerHttp, half_open_sockets_are_closed_in_time_and_the_oldest_when_there_are_too_many) {
  Limits limits;
  limits.sockets_before_hello_max = 8;
  limits.http_header_ms = 400;
  Echo echo{limits};
  std::vector<RawClient> half_open;
  for (int i = 0; i < 20; i++) {
    half_open.emplace_back(echo.port()).send("GET /healthz HT");
  }
  EXPECT_TRUE(half_open[0].sees_end(300));
  RawClient client(echo.port());
  EXPECT_NE(client.http("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").find(" 200 OK"), std::string::npos);
  EXPECT_TRUE(half_open[19].sees_end());
  EXPECT_NE(half_open[19].in().find(" 408 "), std::string::npos);
}

}  // namespace
}  // namespace chasqui
