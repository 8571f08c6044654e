// One WebSocket to /v1/connect (subprotocol chasqui.v1, binary), plain or over TLS, on the caller's io_context.
//
// Invariants: (1) the listener hears opened() at most once, then messages, then closed() at most once; after close() it
// hears nothing. (2) What send() was given leaves in order; while one write is under way the next messages are joined
// into one (client.proto: a ClientMessage may be concatenated), within the server's limits.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "absl/status/status.h"
#include "net/client/endpoint.h"

namespace chasqui::net {

class WebSocketListener {
 public:
  virtual ~WebSocketListener() = default;
  virtual void opened() = 0;
  virtual void message(std::string_view bytes) = 0;  // valid during the call
  virtual void closed(const absl::Status& why) = 0;
};

class WebSocket {
 public:
  virtual ~WebSocket() = default;
  virtual void send(std::string bytes) = 0;
  // Says goodbye once all that was sent has left, at most for a few seconds; the caller need not wait.
  virtual void close() = 0;
};

// Never fails at once: trouble is heard as closed(). `listener` must live until closed() was heard or close() called.
[[nodiscard]] std::shared_ptr<WebSocket> open_websocket(boost::asio::io_context& io, const Endpoint& endpoint,
                                                        WebSocketListener& listener);

}  // namespace chasqui::net
