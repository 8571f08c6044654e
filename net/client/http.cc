#include "net/client/http.h"

#include <boost/asio/io_context.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>

#include "absl/strings/str_cat.h"
#include "net/client/stream.h"

namespace chasqui::net {
namespace {

namespace http = beast::http;
constexpr std::uint64_t reply_bytes_max = 64 * 1024;

template <class Stream>
class Call : public std::enable_shared_from_this<Call<Stream>> {
 public:
  template <class... Args>
  Call(asio::io_context& io, Endpoint endpoint, Args&&... args)
      : endpoint_(std::move(endpoint)), resolver_(io), stream_(io, std::forward<Args>(args)...) {}

  void start(const std::string& path, const std::string& json) {
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
    open_stream(stream_, resolver_, endpoint_, this->shared_from_this(),
                [this](const char* step, boost::system::error_code error) {
                  if (error) return finish(step, error);
                  write();
                });
  }

  [[nodiscard]] absl::StatusOr<HttpReply> result() const { return result_; }

 private:
  void write() {
    http::async_write(stream_, request_,
                      [self = this->shared_from_this()](boost::system::error_code error, std::size_t) {
                        if (error) return self->finish("send", error);
                        self->read();
                      });
  }

  void read() {
    http::async_read(stream_, buffer_, parser_,
                     [self = this->shared_from_this()](boost::system::error_code error, std::size_t) {
                       if (error) return self->finish("read the answer", error);
                       self->result_ = HttpReply{self->parser_.get().result_int(), self->parser_.get().body()};
                     });
  }

  void finish(const char* step, boost::system::error_code error) { result_ = unreachable(endpoint_, step, error); }

  Endpoint endpoint_;
  Tcp::resolver resolver_;
  Stream stream_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  absl::StatusOr<HttpReply> result_ = absl::DeadlineExceededError("");
};

template <class ThisCall>
absl::StatusOr<HttpReply> run(asio::io_context& io, const Endpoint& endpoint, std::shared_ptr<ThisCall> call,
                              const std::string& path, const std::string& json, Duration timeout) {
  call->start(path, json);
  io.run_for(std::chrono::nanoseconds(timeout.ns));
  auto result = call->result();
  if (absl::IsDeadlineExceeded(result.status())) {
    return absl::DeadlineExceededError(
        absl::StrCat("no answer from ", endpoint.url(), " within ", timeout.ns / 1'000'000, " ms"));
  }
  return result;
}

}  // namespace

absl::StatusOr<HttpReply> http_post(const Endpoint& endpoint, const std::string& path, const std::string& json,
                                    Duration timeout) {
  boost::system::error_code error;
  if (!endpoint.secure) {
    asio::io_context io(1);
    return run(io, endpoint, std::make_shared<Call<PlainStream>>(io, endpoint), path, json, timeout);
  }
  auto context = make_tls_context(endpoint, error);
  if (error) return unreachable(endpoint, "read the certificate authorities", error);
  asio::io_context io(1);
  return run(io, endpoint, std::make_shared<Call<TlsStream>>(io, endpoint, *context), path, json, timeout);
}

}  // namespace chasqui::net
