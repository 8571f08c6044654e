// A byte stream on a TCP socket, plain or under TLS, that satisfies Beast's AsyncStream.
//
// asio::ssl::stream keeps 79 KB for each session (measured); this one drives OpenSSL on the descriptor itself and keeps
// 15. It also reads no faster than its rate: Beast swallows millions of empty frames a second without telling anybody,
// so the limit stands in front of it. One read and one write may be under way at a time; all on one thread.
//
// The process must ignore SIGPIPE: OpenSSL writes with write(2).
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/role.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "core/base/bounds.h"
#include "core/base/now.h"
#include "net/tls.h"
#include "net/token_bucket.h"

namespace chasqui {

using ErrorCode = boost::system::error_code;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
using Timer =
    boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                      boost::asio::io_context::executor_type>;

class Stream {
 public:
  using executor_type = Socket::executor_type;

  Stream(Socket socket, SslPointer ssl, const Limits& limits);
  Stream(Stream&&) = default;

  [[nodiscard]] executor_type get_executor() noexcept { return socket_.get_executor(); }
  [[nodiscard]] Socket& socket() { return socket_; }
  [[nodiscard]] bool is_tls() const { return ssl_ != nullptr; }
  [[nodiscard]] SSL* ssl() const { return ssl_.get(); }  // nullptr: plain

  // Bytes that somebody has read too much of: the next read begins with them.
  void unread(std::string bytes) { unread_ = std::move(bytes); }
  // When bytes came last; since when the unfinished message has been coming.
  [[nodiscard]] MonoTime heard() const { return heard_; }
  [[nodiscard]] MonoTime message_begun() const { return message_begun_; }
  // Called when a shutdown begins, whoever begins it.
  void on_shutdown(std::function<void()> call) { on_shutdown_ = std::move(call); }
  void message_ended() { message_begun_ = MonoTime::never(); }

  // TLS: until both sides are agreed. Plain: done at once. Handler: void(ErrorCode).
  template <class Token>
  auto async_handshake(Token&& token) {
    return boost::asio::async_compose<Token, void(ErrorCode)>(HandshakeOp{*this}, token, socket_);
  }
  // Handler: void(ErrorCode, std::size_t).
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_compose<Token, void(ErrorCode, std::size_t)>(ReadOp<Buffers>{*this, buffers}, token,
                                                                           socket_);
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_compose<Token, void(ErrorCode, std::size_t)>(WriteOp<Buffers>{*this, buffers}, token,
                                                                           socket_);
  }
  // Says that nothing more will be sent, then reads until the other side has closed too, so that what was written last
  // is not lost to a reset. Bounded in bytes; the owner bounds the time by close(). Handler: void(ErrorCode).
  template <class Token>
  auto async_shutdown(Token&& token) {
    return boost::asio::async_compose<Token, void(ErrorCode)>(ShutdownOp{*this}, token, socket_);
  }
  // At once. What is under way ends with an error.
  void close();

 private:
  // One try at the TLS library: how many bytes it moved, or what it waits for, or why it failed.
  struct Try {
    enum class Result { Done, WaitRead, WaitWrite, Failed } result = Result::Failed;
    std::size_t bytes = 0;
    ErrorCode error;
  };
  [[nodiscard]] static Try closed();
  [[nodiscard]] Try outcome(int result, bool reading);
  [[nodiscard]] Try try_handshake();
  [[nodiscard]] Try try_read(boost::asio::mutable_buffer buffer);
  [[nodiscard]] Try try_write(boost::asio::const_buffer bytes);
  void begin_shutdown();
  [[nodiscard]] Try try_drain();  // reads and drops

  // Bytes came: counts them against the rate.
  void came(std::size_t bytes);
  [[nodiscard]] Duration read_wait();  // until one may read again
  [[nodiscard]] Timer& rate_timer(Duration wait);
  // The buffers' beginning in one piece: a TLS record and a system call cost more than a copy of 16 KiB.
  template <class Buffers>
  [[nodiscard]] static boost::asio::const_buffer gathered(const Buffers& buffers) {
    const auto first = boost::asio::buffer_sequence_begin(buffers);
    if (boost::asio::const_buffer(*first).size() >= tls_record_bytes) {
      return boost::asio::buffer(boost::asio::const_buffer(*first), tls_record_bytes);
    }
    char* scratch = scratch_of_thread();
    return {scratch, boost::asio::buffer_copy(boost::asio::buffer(scratch, tls_record_bytes), buffers)};
  }
  template <class Buffers>
  [[nodiscard]] static boost::asio::mutable_buffer first_of(const Buffers& buffers) {
    for (auto i = boost::asio::buffer_sequence_begin(buffers); i != boost::asio::buffer_sequence_end(buffers); ++i) {
      if (boost::asio::mutable_buffer(*i).size() != 0) {
        return *i;
      }
    }
    return {};
  }
  static char* scratch_of_thread();
  static constexpr std::size_t tls_record_bytes = 16 * 1024;

  template <class Self>
  void wait_for(Try::Result what, Self& self) {
    socket_.async_wait(what == Try::Result::WaitRead ? Socket::wait_read : Socket::wait_write, std::move(self));
  }

  struct HandshakeOp {
    Stream& stream;
    bool is_posted = false;
    template <class Self>
    void operator()(Self& self, ErrorCode error = {}) {
      if (error || is_posted) {
        return self.complete(error);
      }
      const Try tried = stream.ssl_ ? stream.try_handshake() : Try{Try::Result::Done, 0, {}};
      if (tried.result == Try::Result::WaitRead || tried.result == Try::Result::WaitWrite) {
        return stream.wait_for(tried.result, self);
      }
      is_posted = true;  // never complete within the call that began it
      boost::asio::post(stream.get_executor(), [self = std::move(self), e = tried.error]() mutable { self(e); });
    }
  };

  template <class Buffers>
  struct ReadOp {
    Stream& stream;
    Buffers buffers;
    enum class At { Begin, Paused, Waiting, Reading, Posted } at = At::Begin;
    std::size_t posted_bytes = 0;
    ErrorCode posted_error{};

    template <class Self>
    void operator()(Self& self, ErrorCode error = {}, std::size_t bytes = 0) {
      if (at == At::Posted) {
        return self.complete(posted_error, posted_bytes);
      }
      if (at == At::Reading) {
        stream.came(bytes);
        return self.complete(error, bytes);
      }
      if (error) {
        return self.complete(error, 0);
      }
      const boost::asio::mutable_buffer into = first_of(buffers);
      if (!stream.unread_.empty() || into.size() == 0) {
        const std::size_t taken = boost::asio::buffer_copy(into, boost::asio::buffer(stream.unread_));
        stream.unread_.erase(0, taken);
        stream.came(taken);
        return post(self, {}, taken);
      }
      if (const Duration wait = stream.read_wait(); wait.ns > 0) {
        at = At::Paused;
        return stream.rate_timer(wait).async_wait(std::move(self));
      }
      if (!stream.ssl_) {
        at = At::Reading;
        return stream.socket_.async_read_some(buffers, std::move(self));
      }
      const Try tried = stream.try_read(into);
      if (tried.result == Try::Result::WaitRead || tried.result == Try::Result::WaitWrite) {
        at = At::Waiting;
        return stream.wait_for(tried.result, self);
      }
      stream.came(tried.bytes);
      if (at == At::Begin) {
        return post(self, tried.error, tried.bytes);
      }
      self.complete(tried.error, tried.bytes);
    }
    template <class Self>
    void post(Self& self, ErrorCode error, std::size_t bytes) {
      at = At::Posted;
      posted_error = error;
      posted_bytes = bytes;
      boost::asio::post(stream.get_executor(), std::move(self));
    }
  };

  template <class Buffers>
  struct WriteOp {
    Stream& stream;
    Buffers buffers;
    enum class At { Begin, Waiting, Writing, Posted } at = At::Begin;
    std::size_t posted_bytes = 0;
    ErrorCode posted_error{};

    template <class Self>
    void operator()(Self& self, ErrorCode error = {}, std::size_t bytes = 0) {
      if (at == At::Posted) {
        return self.complete(posted_error, posted_bytes);
      }
      if (at == At::Writing || error) {
        return self.complete(error, bytes);
      }
      if (!stream.ssl_) {
        at = At::Writing;
        return stream.socket_.async_write_some(buffers, std::move(self));
      }
      const boost::asio::const_buffer piece = gathered(buffers);
      const Try tried = piece.size() == 0 ? Try{Try::Result::Done, 0, {}} : stream.try_write(piece);
      if (tried.result == Try::Result::WaitRead || tried.result == Try::Result::WaitWrite) {
        at = At::Waiting;
        return stream.wait_for(tried.result, self);
      }
      if (at == At::Begin) {
        at = At::Posted;
        posted_error = tried.error;
        posted_bytes = tried.bytes;
        return boost::asio::post(stream.get_executor(), std::move(self));
      }
      self.complete(tried.error, tried.bytes);
    }
  };

  struct ShutdownOp {
    Stream& stream;
    bool is_begun = false;
    std::size_t dropped_bytes = 0;
    template <class Self>
    void operator()(Self& self, ErrorCode error = {}) {
      if (!is_begun) {
        is_begun = true;
        stream.begin_shutdown();
        return stream.wait_for(Try::Result::WaitRead, self);
      }
      constexpr std::size_t dropped_bytes_max = 4 * 1024 * 1024;
      while (!error && dropped_bytes < dropped_bytes_max) {
        const Try tried = stream.try_drain();
        if (tried.result == Try::Result::WaitRead) {
          return stream.wait_for(tried.result, self);
        }
        if (tried.result == Try::Result::Failed) {
          break;
        }
        dropped_bytes += tried.bytes;
      }
      self.complete(error);
    }
  };

  Socket socket_;
  SslPointer ssl_;
  TokenBucket rate_;
  std::string unread_;
  std::function<void()> on_shutdown_;
  MonoTime heard_;
  MonoTime message_begun_ = MonoTime::never();
  std::unique_ptr<Timer> rate_timer_;  // made when the rate is first met
};

// Found by Beast, by argument-dependent look-up, when a WebSocket ends.
template <class TeardownHandler>
void async_teardown(boost::beast::role_type /*role*/, Stream& stream, TeardownHandler&& handler) {
  stream.async_shutdown(std::forward<TeardownHandler>(handler));
}
void teardown(boost::beast::role_type role, Stream& stream, ErrorCode& error);
void beast_close_socket(Stream& stream);

}  // namespace chasqui
