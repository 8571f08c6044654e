// One session's WebSocket: binary messages in, one at a time; what is to be said out, joined into few messages.
//
// Beast does the protocol. Around it stand what it lacks: a deadline per message, a count of control frames, a budget
// of silence, and a reader that stops when told. permessage-deflate is off (memory, bombs, side channels). Idle, a
// session holds no message buffers.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "net/http_reader.h"
#include "net/server.h"

namespace chasqui {

class WebSocketSession final : public Connection, public std::enable_shared_from_this<WebSocketSession> {
 public:
  WebSocketSession(Server& server, std::uint64_t number, const Address& address, Stream stream);

  // Answers the upgrade; then the owner hears of the session. `subprotocol`: echoed unless empty.
  void start(std::shared_ptr<const HttpRequest> request, std::string subprotocol);

  void send(std::string bytes);
  void close(std::uint16_t code, std::string reason);
  void set_reading(bool on);
  void flush();  // begins to write, if there is something and no write is under way
  void read();   // reads on, if one may
  void abort();

  MonoTime check(MonoTime now) override;

 private:
  using WebSocket = boost::beast::websocket::stream<Stream, false>;  // false: no deflate, not even in the code

  [[nodiscard]] SessionId id() const { return SessionId(number()); }
  void on_open(ErrorCode error);
  void on_read(ErrorCode error);
  void on_written(ErrorCode error);
  void on_control_frame();
  void begin_close();
  // The owner hears that it is over, once, if it does not know yet.
  void report_closed();
  void end();
  void ping(MonoTime now);
  [[nodiscard]] std::uint64_t close_ms_max() const;
  [[nodiscard]] Stream& stream() { return socket_.next_layer(); }

  WebSocket socket_;
  boost::beast::flat_buffer in_;
  std::deque<std::string> out_;  // each a WebSocket message; the first is being written if writing_
  std::string close_reason_;
  TokenBucket control_frames_;
  MonoTime close_by_ = MonoTime::never();  // set: the end has begun
  MonoTime pinged_{};
  std::uint16_t close_code_ = 1000;
  bool is_open_ = false;      // the owner has heard of it
  bool is_reported_ = false;  // the owner has heard of its end
  bool is_ended_ = false;
  bool reading_wanted_ = true;
  bool reading_ = false;
  bool writing_ = false;
  bool pinging_ = false;
  bool close_begun_ = false;
};

}  // namespace chasqui
