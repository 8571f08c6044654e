// One connection of the real client port over loopback: the test is the owner at one end and the socket at the other.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "net/server.h"
#include "net/testing/raw_client.h"

namespace chasqui::conformance {

class RealLink final : private ServerOwner {
 public:
  explicit RealLink(const Limits& limits)
      : server_(io_, ServerConfig{limits, {}, "test", nullptr}, *this), client_(listening_port()) {
    CHASQUI_ASSERT(client_.upgrade().empty(), "a session stands");
    reader_ = std::thread([this] { read(); });
    until([this] { return session_ != SessionId(); });
  }
  ~RealLink() {
    ::shutdown(client_.descriptor(), SHUT_RDWR);
    reader_.join();
    boost::asio::post(io_, [this] { done_ = true; });
    thread_.join();
  }
  RealLink(const RealLink&) = delete;
  RealLink& operator=(const RealLink&) = delete;

  void device_says(const std::string& bytes) { (void)client_.send(testing::RawClient::frame(2, bytes)); }
  void node_says(std::string bytes) {
    ask([&] { server_.send(session_, std::move(bytes)); });
  }
  void node_reads(bool on) {
    ask([&] { server_.set_reading(session_, on); });
  }
  void node_closes(std::uint16_t code, std::string reason) {
    ask([&] { server_.close(session_, code, std::move(reason)); });
  }
  // What is under way in either direction is lost from somewhere on.
  void breaks() {
    const linger at_once{1, 0};
    ::setsockopt(client_.descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::shutdown(client_.descriptor(), SHUT_RDWR);
  }

  // Until nothing has happened for a while.
  void wait() {
    std::size_t before = 0;
    std::size_t quiet = 0;
    for (int i = 0; i < 1'000 && quiet < 10; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      const std::lock_guard lock(mutex_);
      quiet = happened_ == before ? quiet + 1 : 0;
      before = happened_;
    }
  }
  template <class Condition>
  bool until(Condition condition) {
    for (int i = 0; i < 1'000; ++i) {
      {
        const std::lock_guard lock(mutex_);
        if (condition()) return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  [[nodiscard]] std::vector<std::string> node_heard() const { return locked(node_heard_); }
  [[nodiscard]] std::vector<std::string> device_heard() const { return locked(device_heard_); }
  [[nodiscard]] std::uint64_t left() const { return locked(left_); }
  [[nodiscard]] bool node_lost() const { return locked(node_lost_); }
  [[nodiscard]] bool device_lost() const { return locked(device_lost_); }
  [[nodiscard]] std::uint16_t close_code() const { return locked(close_code_); }
  [[nodiscard]] std::string close_reason() const { return locked(close_reason_); }

 private:
  std::uint16_t listening_port() {
    std::signal(SIGPIPE, SIG_IGN);
    const absl::Status listening = server_.listen(*parse_endpoint("127.0.0.1:0"));
    CHASQUI_ASSERT(listening.ok(), "a free port of loopback can be had");
    const std::uint16_t port = server_.endpoint().port();
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
    return port;
  }
  template <class Function>
  void ask(Function function) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      function();
      done.set_value();
    });
    done.get_future().get();
  }
  template <class Value>
  Value locked(const Value& value) const {
    const std::lock_guard lock(mutex_);
    return value;
  }
  template <class Change>
  void happens(Change change) {
    const std::lock_guard lock(mutex_);
    ++happened_;
    change();
  }
  void read() {
    while (const auto frame = client_.next_frame(60'000)) {
      if (frame->opcode == 9) continue;
      if (frame->opcode == 8) {
        (void)client_.send(testing::RawClient::frame(8, frame->payload));
        happens([&] {
          close_code_ = static_cast<std::uint16_t>(frame->close_code());
          close_reason_ = frame->close_reason();
        });
        break;
      }
      happens([&] { device_heard_.push_back(frame->payload); });
    }
    happens([&] { device_lost_ = true; });
  }

  void on_session_opened(SessionId session, const Address&) override {
    happens([&] { session_ = session; });
  }
  void on_session_frame(SessionId, std::string bytes) override {
    happens([&] { node_heard_.push_back(std::move(bytes)); });
  }
  void on_session_writable(SessionId, std::uint64_t bytes) override {
    happens([&] { left_ += bytes; });
  }
  void on_session_closed(SessionId) override {
    happens([&] { node_lost_ = true; });
  }
  void on_account_call(CallId, const Address&, AccountRequest) override {}
  void on_call_abandoned(CallId) override {}
  std::vector<std::string> why_not_ready() override { return {}; }
  void on_net_event(std::string) override {}

  mutable std::mutex mutex_;
  std::size_t happened_ = 0;
  SessionId session_;
  std::vector<std::string> node_heard_;
  std::vector<std::string> device_heard_;
  std::uint64_t left_ = 0;
  std::uint16_t close_code_ = 0;
  std::string close_reason_;
  bool node_lost_ = false;
  bool device_lost_ = false;

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  Server server_;
  bool done_ = false;  // the server's thread's
  std::thread thread_;
  testing::RawClient client_;
  std::thread reader_;
};

}  // namespace chasqui::conformance
