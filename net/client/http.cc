#include "net/client/http.h"

#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/client/connect.h"

namespace chasqui::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
constexpr std::uint64_t reply_bytes_max = 64 * 1024;

class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(asio::io_context& io, Endpoint endpoint) : io_(io), endpoint_(std::move(endpoint)) {}

  void start(const std::string& path, const std::string& json, Duration timeout) {
    request_.version(11);
    request_.method(http::verb::post);
    request_.target(path);
    request_.set(http::field::host, endpoint_.host_header());
    request_.set(http::field::content_type, "application/json");
    request_.set(http::field::accept, "application/json");
    request_.set(http::field::user_agent, "chasqui");
    request_.set(http::field::connection, "close");
    request_.body() = json;
    request_.prepare_payload();
    parser_.body_limit(reply_bytes_max);
    opening_ = open_stream(io_, endpoint_, timeout,
                           [self = shared_from_this()](absl::StatusOr<std::unique_ptr<Stream>> stream) {
                             if (!stream.ok()) return self->finish(stream.status());
                             self->stream_ = *std::move(stream);
                             self->write();
                           });
  }

  void cancel() {
    if (opening_) opening_->cancel();
    if (stream_) stream_->close();
  }
  [[nodiscard]] const absl::StatusOr<HttpReply>& result() const { return result_; }

 private:
  void write() {
    http::async_write(*stream_, request_, [self = shared_from_this()](ErrorCode error, std::size_t) {
      if (error) return self->finish(unreachable(self->endpoint_, "send", error));
      self->read();
    });
  }

  void read() {
    http::async_read(*stream_, buffer_, parser_, [self = shared_from_this()](ErrorCode error, std::size_t) {
      if (error) return self->finish(unreachable(self->endpoint_, "read the answer", error));
      self->finish(HttpReply{self->parser_.get().result_int(), self->parser_.get().body()});
    });
  }

  void finish(absl::StatusOr<HttpReply> result) {
    result_ = std::move(result);
    io_.stop();
  }

  asio::io_context& io_;
  Endpoint endpoint_;
  std::shared_ptr<Opening> opening_;
  std::unique_ptr<Stream> stream_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  absl::StatusOr<HttpReply> result_ = absl::DeadlineExceededError("");
};

}  // namespace

absl::StatusOr<HttpReply> http_post(const Endpoint& endpoint, const std::string& path, const std::string& json,
                                    Duration timeout) {
  asio::io_context io(1);
  const auto call = std::make_shared<Call>(io, endpoint);
  call->start(path, json, timeout);
  io.run_for(std::chrono::nanoseconds(timeout.ns));
  call->cancel();
  if (absl::IsDeadlineExceeded(call->result().status())) {
    return absl::DeadlineExceededError(
        absl::StrCat("no answer from ", endpoint.url(), " within ", timeout.ns / 1'000'000, " ms"));
  }
  return call->result();
}

}  // namespace chasqui::net
