// What one run of a command works with: the loop, the home, and a channel to whoever holds the home.
//
// If nobody holds it, this process does, with a device of its own; else the holder serves us through its socket. A
// holder that serves nobody (a short command) is waited for.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/now.h"
#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/device.h"
#include "runtime/chasqui/home.h"
#include "runtime/chasqui/home_socket.h"
#include "runtime/chasqui/options.h"

namespace chasqui::cli {

// The servers to talk to: --server, CHASQUI_SERVER, the login's, the default; in this order.
[[nodiscard]] absl::StatusOr<net::ServerList> choose_server(const Options& options, const std::string& login_server);
// Opens and locks the home; a usage error if somebody else holds it for good.
[[nodiscard]] absl::StatusOr<Home> open_locked_home(const Options& options);

class Session {
 public:
  enum class Holding { Any, MustHold };  // MustHold: this process must hold the home itself

  static absl::StatusOr<std::unique_ptr<Session>> open(const Options& options, Holding holding);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] boost::asio::io_context& io() { return io_; }
  [[nodiscard]] Channel& channel() { return *channel_; }
  [[nodiscard]] Device* device() { return device_.get(); }  // nullptr: another process holds the home
  [[nodiscard]] const Home& home() const { return home_; }
  // Serves other commands of this home from now on.
  [[nodiscard]] absl::Status serve();

  // Runs the loop until finish(). Without progress() for the time-out it ends with DeadlineExceeded.
  absl::Status run();
  void finish(const absl::Status& status);
  void progress();
  void no_timeout();
  // SIGINT and SIGTERM call this instead of killing.
  void on_interrupt(std::function<void()> go);
  [[nodiscard]] bool is_finished() const { return finished_; }
  // "cannot reach ...", for the end of a message.
  [[nodiscard]] std::string trouble() const;

 private:
  Session(const Options& options, Home home);
  absl::Status take_or_join(Holding holding);
  absl::Status take(const Login& login);
  void mention_trouble();

  Options options_;
  Home home_;
  boost::asio::io_context io_{1};
  std::unique_ptr<Device> device_;
  std::unique_ptr<HomeServer> server_;
  std::unique_ptr<Channel> channel_;
  boost::asio::steady_timer timeout_{io_};
  boost::asio::steady_timer patience_{io_};
  boost::asio::signal_set signals_{io_};
  bool finished_ = false;
  absl::Status status_;
};

}  // namespace chasqui::cli
