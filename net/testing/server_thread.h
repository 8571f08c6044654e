// A Server on a free port of loopback and a thread of its own, for tests: all calls of its owner come from that thread.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdint>
#include <future>
#include <thread>
#include <type_traits>
#include <utility>

#include "core/base/check.h"
#include "net/server.h"

namespace chasqui::testing {

// The owner outlives it, and so does what its calls touch: the last ones come while it is destroyed.
class ServerThread {
 public:
  ServerThread(ServerConfig config, ServerOwner& owner) : server_(io_, std::move(config), owner) {
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
  ~ServerThread() {
    boost::asio::post(io_, [this] { done_ = true; });
    thread_.join();
  }
  ServerThread(const ServerThread&) = delete;
  ServerThread& operator=(const ServerThread&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] boost::asio::io_context& io() { return io_; }
  [[nodiscard]] Server& server() { return server_; }  // on its thread only
  // On the server's thread.
  template <class Function>
  auto ask(Function function) {
    using Answer = decltype(function(server_));
    std::promise<Answer> answer;
    boost::asio::post(io_, [&] {
      if constexpr (std::is_void_v<Answer>) {
        function(server_);
        answer.set_value();
      } else {
        answer.set_value(function(server_));
      }
    });
    return answer.get_future().get();
  }

 private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  Server server_;
  std::uint16_t port_ = 0;
  bool done_ = false;  // the thread's
  std::thread thread_;
};

}  // namespace chasqui::testing
