// TLS as the client port speaks it, against OpenSSL's own client.
#include "net/tls.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>

#include "net/testing/certificate.h"
#include "net/testing/echo_server.h"
#include "net/testing/raw_client.h"

namespace chasqui {
namespace {

using testing::Echo;
using testing::RawClient;

class ServerTls : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/chasqui-tls-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    ASSERT_TRUE(testing::make_certificate(directory_));
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  [[nodiscard]] std::string path(const char* name) const { return directory_ + "/" + name; }

  std::string directory_;
};

// A TLS client on a blocking socket.
struct TlsClient {
  TlsClient(std::uint16_t port, const TlsContext& context, const std::string& host) : raw(port) {
    ssl = context.connecting(raw.descriptor(), host);
    is_agreed = SSL_connect(ssl.get()) == 1;
  }
  std::string say(const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {  // the context writes in parts
      std::size_t written = 0;
      if (SSL_write_ex(ssl.get(), bytes.data() + at, bytes.size() - at, &written) != 1) {
        return {};
      }
      at += written;
    }
    std::string answer(65536, '\0');
    const int got = SSL_read(ssl.get(), answer.data(), static_cast<int>(answer.size()));
    answer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return answer;
  }
  RawClient raw;
  SslPointer ssl;
  bool is_agreed = false;
};

TEST_F(ServerTls, a_session_runs_over_tls_and_large_messages_pass) {
  auto tls = TlsContext::server(path("cert.pem"), path("key.pem"));
  ASSERT_TRUE(tls.ok()) << tls.status();
  Echo echo{Limits(), *tls};
  const auto trusting = TlsContext::client(path("cert.pem"));
  ASSERT_TRUE(trusting.ok()) << trusting.status();
  TlsClient client(echo.port(), **trusting, "127.0.0.1");
  ASSERT_TRUE(client.is_agreed) << tls_error_text();
  EXPECT_STREQ(SSL_get_version(client.ssl.get()), "TLSv1.3");
  const std::string upgraded = client.say(
      "GET /v1/connect HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
      "13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_EQ(upgraded.substr(0, 13), "HTTP/1.1 101 ");
  std::string answer = client.say(RawClient::frame(2, std::string(100'000, 'x')));
  while (answer.size() < 200'010) {
    char more[65536];
    const int got = SSL_read(client.ssl.get(), more, sizeof more);
    ASSERT_GT(got, 0);
    answer.append(more, static_cast<std::size_t>(got));
  }
  EXPECT_EQ(answer.substr(10), std::string(200'000, 'x'));
}

TEST_F(ServerTls, old_versions_and_weak_ciphers_are_not_spoken) {
  auto tls = TlsContext::server(path("cert.pem"), path("key.pem"));
  ASSERT_TRUE(tls.ok());
  Echo echo{Limits(), *tls};
  const auto attempt = [&](int version, const char* ciphers) {
    RawClient raw(echo.port());
    const std::unique_ptr<SSL_CTX, SslFree> context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), version);
    SSL_CTX_set_max_proto_version(context.get(), version);
    SSL_CTX_set_cipher_list(context.get(), ciphers);
    const SslPointer ssl(SSL_new(context.get()));
    SSL_set_fd(ssl.get(), raw.descriptor());
    return SSL_connect(ssl.get()) == 1;
  };
  EXPECT_TRUE(attempt(TLS1_2_VERSION, "ECDHE+AESGCM"));
  EXPECT_FALSE(attempt(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA"));
  EXPECT_FALSE(attempt(TLS1_1_VERSION, "ALL"));
}

TEST_F(ServerTls, a_client_refuses_a_name_it_did_not_ask_for) {
  auto tls = TlsContext::server(path("cert.pem"), path("key.pem"));
  ASSERT_TRUE(tls.ok());
  Echo echo{Limits(), *tls};
  const auto trusting = TlsContext::client(path("cert.pem"));
  EXPECT_TRUE(TlsClient(echo.port(), **trusting, "localhost").is_agreed);
  EXPECT_FALSE(TlsClient(echo.port(), **trusting, "example.org").is_agreed);
  EXPECT_FALSE(TlsClient(echo.port(), **TlsContext::client(""), "localhost").is_agreed);
}

TEST_F(ServerTls, a_key_that_others_can_read_is_refused) {
  ASSERT_EQ(chmod(path("key.pem").c_str(), 0644), 0);
  const auto tls = TlsContext::server(path("cert.pem"), path("key.pem"));
  EXPECT_EQ(tls.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(tls.status().message().find("chmod 600"), absl::string_view::npos);
}

TEST_F(ServerTls, garbage_instead_of_a_handshake_harms_nobody) {
  auto tls = TlsContext::server(path("cert.pem"), path("key.pem"));
  ASSERT_TRUE(tls.ok());
  Echo echo{Limits(), *tls};
  RawClient garbage(echo.port());
  garbage.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(garbage.sees_end());
  EXPECT_TRUE(TlsClient(echo.port(), **TlsContext::client(path("cert.pem")), "localhost").is_agreed);
}

}  // namespace
}  // namespace chasqui
