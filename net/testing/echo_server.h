// A Server on a thread of its own, with an owner that answers by itself: for tests of the client port.
#pragma once

#include <atomic>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net/server.h"
#include "net/testing/server_thread.h"

namespace chasqui::testing {

// Answers every message with itself, twice; closes the session at "bye"; answers every account call at once.
class Echo final : public ServerOwner {
 public:
  explicit Echo(const Limits& limits, std::shared_ptr<TlsContext> tls = nullptr)
      : thread_(ServerConfig{limits, {"https://good.example"}, "test", std::move(tls)}, *this) {}
  [[nodiscard]] std::uint16_t port() const { return thread_.port(); }
  // On the server's thread.
  template <class Function>
  auto ask(Function function) {
    return thread_.ask(std::move(function));
  }
  std::atomic<int> opened{0};
  std::atomic<int> closed{0};
  std::atomic<int> abandoned{0};
  std::atomic<bool> answers{true};
  std::atomic<std::uint64_t> written_bytes{0};

 private:
  void on_session_opened(SessionId, const Address&) override { opened++; }
  void on_session_frame(SessionId session, std::string bytes) override {
    if (bytes == "bye") {
      thread_.server().send(session, "farewell");
      return thread_.server().close(session, 1000, "as you wish");
    }
    thread_.server().send(session, bytes);
    thread_.server().send(session, std::move(bytes));
  }
  void on_session_writable(SessionId, std::uint64_t bytes) override { written_bytes += bytes; }
  void on_session_closed(SessionId) override { closed++; }
  void on_account_call(CallId call, const Address&, AccountRequest request) override {
    if (answers) {
      boost::asio::post(thread_.io(), [this, call, handle = request.handle] {
        thread_.server().answer(call, AccountAnswer{0, "", 0, std::uint64_t{1} << 62, 1, handle});
      });
    }
  }
  void on_call_abandoned(CallId) override { abandoned++; }
  std::vector<std::string> why_not_ready() override { return {"it is only a test"}; }
  void on_net_event(std::string) override {}

  ServerThread thread_;
};

inline bool becomes(const std::function<bool()>& condition) {
  for (int i = 0; i < 500; i++) {
    if (condition()) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace chasqui::testing
