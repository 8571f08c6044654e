// The home's Unix socket: its server in the program that holds the lock, and the channel to it from all others. One
// JSON object a line (channel.h); a line that is none, or is too long, ends the connection.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/device.h"
#include "runtime/chasqui/home.h"

namespace chasqui::cli {

class HomeServer {
 public:
  virtual ~HomeServer() = default;  // the socket is gone
  // The home must be locked: a socket that is already there is a dead one.
  static absl::StatusOr<std::unique_ptr<HomeServer>> open(boost::asio::io_context& io, const Home& home,
                                                          Device& device);
};

// NotFound: nobody serves the home.
[[nodiscard]] absl::StatusOr<std::unique_ptr<Channel>> connect_to_home(boost::asio::io_context& io, const Home& home);

}  // namespace chasqui::cli
