#include "net/client/transport.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/client/model_server.h"
#include "net/testing/server_thread.h"

namespace chasqui::net {
namespace {

using client::testing::Fault;
using client::testing::ModelServer;

// What both servers are fronts of.
struct Shared {
  std::mutex mutex;
  ModelServer model;
};

// One server of a cluster: it passes on what it hears, or, cut off from the rest, can do nothing.
class Front final : public ServerOwner {
 public:
  Front(Shared& shared, int first_connection)
      : shared_(shared), first_connection_(first_connection), thread_(ServerConfig{}, *this) {}
  [[nodiscard]] std::string url() const { return absl::StrCat("http://127.0.0.1:", thread_.port()); }

  std::atomic<bool> is_cut_off{false};
  std::atomic<bool> lets_in{true};
  std::atomic<int> opened{0};

 private:
  void on_session_opened(SessionId, const Address&) override { ++opened; }
  void on_session_frame(SessionId session, std::string bytes) override {
    const std::lock_guard lock(shared_.mutex);
    std::deque<std::string>& answers = to_device_[session];
    if (is_cut_off) shared_.model.faults.assign(64, Fault::Unavailable);
    shared_.model.receive(first_connection_ + static_cast<int>(session.value()), answers, bytes);
    shared_.model.faults.clear();
    for (; !answers.empty(); answers.pop_front()) thread_.server().send(session, answers.front());
  }
  void on_session_writable(SessionId, std::uint64_t) override {}
  void on_session_closed(SessionId session) override {
    const std::lock_guard lock(shared_.mutex);
    shared_.model.sessions.erase(first_connection_ + static_cast<int>(session.value()));
  }
  void on_account_call(CallId, const Address&, AccountRequest) override {}
  void on_call_abandoned(CallId) override {}
  std::vector<std::string> why_not_ready() override { return {}; }
  std::string why_elsewhere() override { return lets_in ? "" : "it reaches nobody"; }
  void on_net_event(std::string) override {}

  Shared& shared_;
  int first_connection_;
  std::map<SessionId, std::deque<std::string>> to_device_;
  testing::ServerThread thread_;
};

class TwoServers : public ::testing::Test {
 protected:
  TwoServers() {
    const client::Credentials credentials{UserId(1), DeviceId(1), std::string(32, 's'), "ana"};
    shared_.model.add_device(1, 1, credentials.secret);
    auto opened = client::Client::open(credentials, {}, Seed{}, {});
    auto servers = parse_servers(absl::StrCat(first_.url(), ",", second_.url()));
    EXPECT_TRUE(opened.ok() && servers.ok());
    Patience patience;
    patience.unserved = milliseconds(300);
    patience.probe_again = milliseconds(200);
    transport_ =
        std::make_unique<Transport>(io_, *std::move(servers), *std::move(opened), Transport::Hooks{}, patience);
    transport_->start();
  }
  template <class Condition>
  bool becomes(Condition condition, std::chrono::milliseconds most = std::chrono::seconds(20)) {
    const auto until = std::chrono::steady_clock::now() + most;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      io_.run_for(std::chrono::milliseconds(10));
    }
    return true;
  }
  void send(const std::string& text) {
    const auto number = transport_->call([&](client::Client& c, Now at, client::Outputs& out) {
      return c.send(at, ConversationId::direct(UserId(1), UserId(2)), text, out);
    });
    EXPECT_TRUE(number.ok()) << number.status();
  }
  bool all_sent() const { return transport_->client().unsent() == 0; }

  Shared shared_;
  Front first_{shared_, 1'000};
  Front second_{shared_, 2'000};
  boost::asio::io_context io_;
  std::unique_ptr<Transport> transport_;
};

TEST_F(TwoServers, a_server_that_can_do_nothing_is_left_for_one_that_lets_us_in) {
  ASSERT_TRUE(becomes([&] { return transport_->client().is_connected(); }));
  ASSERT_EQ(first_.opened, 1);
  first_.is_cut_off = true;
  send("hola");
  EXPECT_TRUE(becomes([&] { return all_sent(); }));
  EXPECT_GE(second_.opened, 2) << "tried first, then taken";
  EXPECT_EQ(first_.opened, 1);
}

TEST_F(TwoServers, who_is_in_the_same_plight_does_not_let_us_in_and_we_stay) {
  ASSERT_TRUE(becomes([&] { return transport_->client().is_connected(); }));
  first_.is_cut_off = true;
  second_.lets_in = false;
  send("hola");
  EXPECT_FALSE(becomes([&] { return all_sent() || !transport_->client().is_connected(); }, std::chrono::seconds(2)));
  EXPECT_EQ(first_.opened, 1);
  EXPECT_EQ(second_.opened, 0);
  first_.is_cut_off = false;  // the others are back
  EXPECT_TRUE(becomes([&] { return all_sent(); }));
  EXPECT_EQ(first_.opened, 1) << "and the session never broke";
}

}  // namespace
}  // namespace chasqui::net
