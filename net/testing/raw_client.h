// A client that can be as wrong as a test wants: bytes on a socket, HTTP and WebSocket made by hand.
//
// Blocking, with a time-out on every read, so that a test that waits in vain fails instead of hanging.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

namespace chasqui::testing {

struct WsFrame {
  int opcode = -1;  // 1 text, 2 binary, 8 close, 9 ping, 10 pong
  std::string payload;
  // Of a close frame.
  [[nodiscard]] int close_code() const {
    return payload.size() < 2 ? -1
                              : static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1]);
  }
  [[nodiscard]] std::string close_reason() const { return payload.size() < 2 ? "" : payload.substr(2); }
};

class RawClient {
 public:
  // To 127.0.0.1.
  explicit RawClient(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    void* raw = &address;
    if (connect(fd_, static_cast<sockaddr*>(raw), sizeof address) != 0) {
      close();
    }
  }
  RawClient(RawClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)), in_(std::move(other.in_)) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { close(); }

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int descriptor() const { return fd_; }
  void close() {
    if (fd_ >= 0) {
      ::close(std::exchange(fd_, -1));
    }
  }
  // False: the other side has gone (or does not read for 10 s).
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      pollfd wait{fd_, POLLOUT, 0};
      if (poll(&wait, 1, 10'000) != 1) {
        return false;
      }
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent <= 0) {
        return false;
      }
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // More bytes into in(); false: end of stream, or nothing came in time.
  bool receive(int timeout_ms = 10'000) {
    pollfd wait{fd_, POLLIN, 0};
    if (fd_ < 0 || poll(&wait, 1, timeout_ms) != 1) {
      return false;
    }
    char buffer[65536];
    const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) {
      return false;
    }
    in_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }
  [[nodiscard]] std::string& in() { return in_; }
  // The other side has closed, within that time. What came before is read and kept.
  bool sees_end(int timeout_ms = 10'000) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    while (true) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
      pollfd wait{fd_, POLLIN, 0};
      if (left <= 0 || poll(&wait, 1, static_cast<int>(left)) != 1) {
        return false;
      }
      if (!receive(0)) {
        return true;
      }
    }
  }

  // One HTTP answer, header and body; "": none came.
  std::string http(const std::string& request) {
    send(request);
    std::size_t end = std::string::npos;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) {
        return std::exchange(in_, {});
      }
    }
    std::size_t length = 0;
    if (const std::size_t field = in_.find("Content-Length: "); field < end) {
      length = static_cast<std::size_t>(std::atol(in_.c_str() + field + 16));
    }
    while (in_.size() < end + 4 + length && receive()) {
    }
    std::string answer = in_.substr(0, end + 4 + length);
    in_.erase(0, answer.size());
    return answer;
  }
  // "": the upgrade stands; else what was answered instead.
  std::string upgrade(const std::string& fields = "Sec-WebSocket-Protocol: chasqui.v1\r\n") {
    const std::string answer = http(
        "GET /v1/connect HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
        fields + "\r\n");
    upgrade_answer = answer;
    return answer.rfind("HTTP/1.1 101 ", 0) == 0 ? "" : answer + " ";
  }
  std::string upgrade_answer;

  // As a client must send it: masked (with zeros, so that the payload stays as it is).
  static std::string frame(int opcode, const std::string& payload, bool is_last = true) {
    std::string out;
    out += static_cast<char>((is_last ? 0x80 : 0) | opcode);
    if (payload.size() < 126) {
      out += static_cast<char>(0x80 | payload.size());
    } else if (payload.size() < 65536) {
      out += static_cast<char>(0x80 | 126);
      out += static_cast<char>(payload.size() >> 8);
      out += static_cast<char>(payload.size() & 255);
    } else {
      out += static_cast<char>(0x80 | 127);
      for (int shift = 56; shift >= 0; shift -= 8) {
        out += static_cast<char>(payload.size() >> shift & 255);
      }
    }
    return out + std::string(4, '\0') + payload;
  }
  // The next frame of the server, if one comes.
  std::optional<WsFrame> next_frame(int timeout_ms = 10'000) {
    while (true) {
      if (auto complete = take_frame()) {
        return complete;
      }
      if (!receive(timeout_ms)) {
        return std::nullopt;
      }
    }
  }
  // The close frame, past whatever comes before it.
  std::optional<WsFrame> close_frame(int timeout_ms = 10'000) {
    while (auto next = next_frame(timeout_ms)) {
      if (next->opcode == 8) {
        return next;
      }
    }
    return std::nullopt;
  }

 private:
  std::optional<WsFrame> take_frame() {
    if (in_.size() < 2) {
      return std::nullopt;
    }
    const auto byte = [&](std::size_t i) { return static_cast<std::uint64_t>(static_cast<unsigned char>(in_[i])); };
    std::size_t header = 2;
    std::uint64_t length = byte(1) & 127;
    if (length >= 126) {
      const std::size_t bytes = length == 126 ? 2 : 8;
      header += bytes;
      if (in_.size() < header) {
        return std::nullopt;
      }
      length = 0;
      for (std::size_t i = 2; i < header; i++) {
        length = length << 8 | byte(i);
      }
    }
    if (in_.size() < header + length) {
      return std::nullopt;
    }
    WsFrame frame{static_cast<int>(byte(0) & 15), in_.substr(header, length)};
    in_.erase(0, header + length);
    return frame;
  }

  int fd_;
  std::string in_;
};

}  // namespace chasqui::testing
