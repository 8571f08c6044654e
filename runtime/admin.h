// The admin socket, <data-dir>/admin.sock: for whoever owns the process's files, on this machine alone.
//
// One command a line, answered by lines:
//   provision N PREFIX   N users PREFIX0 .. PREFIX(N-1), each with one device: "HANDLE USER DEVICE SECRET_HEX" a line,
//                        in order; "error HANDLE CODE MESSAGE" for one that could not be made
//   stats                one JSON object
// Anything else: "error ...". Bounded: 8 connections, lines of 1 KiB, 64 users under way for each.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "core/io.h"
#include "net/account_api.h"

namespace chasqui {

class AdminOwner {
 public:
  [[nodiscard]] virtual CallId new_admin_call() = 0;
  virtual void on_provision(CallId call, ProvisionCall body) = 0;
  virtual void on_stats(std::function<void(std::string)> done) = 0;  // one JSON object, now or later

 protected:
  ~AdminOwner() = default;
};

class AdminConnection;

class AdminSocket {
 public:
  AdminSocket(boost::asio::io_context& io, AdminOwner& owner);
  ~AdminSocket();

  // Replaces a socket that an earlier process left: the caller holds the directory's lock.
  [[nodiscard]] absl::Status listen(const std::string& path);
  // False: the call is none of its own.
  bool answer(CallId call, const AccountAnswer& answer);
  void stop();

 private:
  friend class AdminConnection;
  void accept();

  boost::asio::io_context& io_;
  AdminOwner& owner_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  std::string path_;
  std::shared_ptr<std::size_t> connections_ = std::make_shared<std::size_t>(0);  // they may outlive this
  std::unordered_map<std::uint64_t, std::shared_ptr<AdminConnection>> calls_;
};

// The other end, for `chasquid admin`: sends the command, prints the answer to stdout. Returns the exit code.
[[nodiscard]] int run_admin_command(const std::string& data_dir, const std::vector<std::string>& words);

}  // namespace chasqui
