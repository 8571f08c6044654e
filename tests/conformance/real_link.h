// One connection of the real client port over loopback: the test is the owner at one end and the socket at the other.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "net/server.h"
#include "net/testing/raw_client.h"
#include "net/testing/server_thread.h"

namespace chasqui::conformance {

class RealLink final : private ServerOwner {
 public:
  explicit RealLink(const Limits& limits)
      : server_(ServerConfig{limits, {}, "test", nullptr}, *this), client_(server_.port()) {
    CHASQUI_ASSERT(client_.upgrade().empty(), "a session stands");
    reader_ = std::thread([this] { read(); });
    until([this] { return session_ != SessionId(); });
  }
  ~RealLink() {
    ::shutdown(client_.descriptor(), SHUT_RDWR);
    reader_.join();
  }
  RealLink(const RealLink&) = delete;
  RealLink& operator=(const RealLink&) = delete;

  void device_says(const std::string& bytes) { (void)client_.send(testing::RawClient::frame(2, bytes)); }
  void node_says(std::string bytes) {
    server_.ask([&](Server& server) { server.send(session_, std::move(bytes)); });
  }
  void node_reads(bool on) {
    server_.ask([&](Server& server) { server.set_reading(session_, on); });
  }
  void node_closes(std::uint16_t code, std::string reason) {
    server_.ask([&](Server& server) { server.close(session_, code, std::move(reason)); });
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

  testing::ServerThread server_;  // its last calls touch what stands above
  testing::RawClient client_;
  std::thread reader_;
};

}  // namespace chasqui::conformance
