// A Server on a thread of its own, with an owner that answers by itself: for tests of the client port.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "net/server.h"

namespace chasqui::testing {

// Answers every message with itself, twice; closes the session at "bye"; answers every account call at once.
class Echo final : public ServerOwner {
 public:
  explicit Echo(const Limits& limits, std::shared_ptr<TlsContext> tls = nullptr)
      : server_(io_, ServerConfig{limits, {"https://good.example"}, "test", std::move(tls)}, *this) {
    std::signal(SIGPIPE, SIG_IGN);  // as the stream asks of its process
    const absl::Status listening = server_.listen(*parse_endpoint("127.0.0.1:0"));
    CHASQUI_ASSERT(listening.ok(), "a free port of loopback can be had");
    port_ = server_.endpoint().port();
    thread_ = std::thread([this] {
      while (!done_) {
        io_.run_one();
        io_.poll();
        server_.flush(false);
      }
      server_.abort_all();
      io_.restart();
      io_.poll();
    });
  }
  ~Echo() {
    boost::asio::post(io_, [this] { done_ = true; });
    thread_.join();
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  // On the server's thread.
  template <class Function>
  auto ask(Function function) {
    std::promise<decltype(function(server_))> answer;
    boost::asio::post(io_, [&] { answer.set_value(function(server_)); });
    return answer.get_future().get();
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
      server_.send(session, "farewell");
      return server_.close(session, 1000, "as you wish");
    }
    server_.send(session, bytes);
    server_.send(session, std::move(bytes));
  }
  void on_session_writable(SessionId, std::uint64_t bytes) override { written_bytes += bytes; }
  void on_session_closed(SessionId) override { closed++; }
  void on_account_call(CallId call, const Address&, AccountRequest request) override {
    if (answers) {
      boost::asio::post(io_, [this, call, handle = request.handle] {
        server_.answer(call, AccountAnswer{0, "", 0, std::uint64_t{1} << 62, 1, handle});
      });
    }
  }
  void on_call_abandoned(CallId) override { abandoned++; }
  std::vector<std::string> why_not_ready() override { return {"it is only a test"}; }
  void on_net_event(std::string) override {}

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  Server server_;
  std::uint16_t port_ = 0;
  bool done_ = false;
  std::thread thread_;
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
