// Opens a stream to a server: look the host up, connect, and over TLS shake hands; one deadline for it all.
//
// An address given as numbers is not looked up, so that a thousand clients of a bench do not queue for the resolver.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "core/base/now.h"
#include "net/client/endpoint.h"
#include "net/stream.h"

namespace chasqui::net {

class Opening {
 public:
  using Done = std::function<void(absl::StatusOr<std::unique_ptr<Stream>>)>;
  virtual ~Opening() = default;
  // done() is not called any more.
  virtual void cancel() = 0;
};

// `done` is called once, from the io_context, never inside this call. Unavailable: why the server cannot be reached.
[[nodiscard]] std::shared_ptr<Opening> open_stream(boost::asio::io_context& io, const Endpoint& endpoint,
                                                   Duration timeout, Opening::Done done);

// What an error of the network is called: always something that passes, or that the operator can mend.
[[nodiscard]] absl::Status unreachable(const Endpoint& endpoint, const char* step, const ErrorCode& error);

}  // namespace chasqui::net
