// Opens a TCP connection to a peer's address: looks the name up if it is one, then tries what was found, in order.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/now.h"
#include "net/peer_address.h"
#include "net/stream.h"

namespace chasqui {

class PeerDial {
 public:
  virtual ~PeerDial() = default;
  virtual void cancel() = 0;  // `done` is not called any more
};

// `done` is called once, never inside this call. NotFound: the machine says that nobody listens
// there. Unavailable: nobody can be reached there within `timeout`.
[[nodiscard]] std::shared_ptr<PeerDial> dial_peer(boost::asio::io_context& io, const std::string& host,
                                                  const std::string& port, Duration timeout,
                                                  std::function<void(absl::StatusOr<Socket>)> done);

}  // namespace chasqui
