#include "net/http_reader.h"

#include <sodium.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace chasqui {

namespace asio = boost::asio;
namespace http = boost::beast::http;

HttpReader::~HttpReader() {
  sodium_memzero(in_.data(), in_.size());
}

HttpReader::State HttpReader::feed(std::string_view bytes) {
  if (state_ == State::Failed) {
    return state_;
  }
  in_.append(bytes);
  return state_ == State::Done ? state_ : parse();
}

HttpReader::State HttpReader::next() {
  parser_.reset();
  state_ = State::NeedHeader;
  return parse();
}

HttpRequest HttpReader::take_request() {
  return parser_->release();
}

std::string HttpReader::take_rest() {
  return std::exchange(in_, {});
}

HttpResponse HttpReader::refusal() const {
  HttpResponse response = http_problem(refusal_.status, refusal_.detail);
  response.close = true;
  return response;
}

std::uint64_t HttpReader::body_bytes_announced() const {
  std::uint64_t bytes = 0;
  if (parser_) {
    const auto given = parser_->get()[http::field::content_length];
    static_cast<void>(absl::SimpleAtoi(absl::string_view(given.data(), given.size()), &bytes));
  }
  return bytes;
}

HttpReader::State HttpReader::fail(HttpRefusal refusal) {
  refusal_ = std::move(refusal);
  consume(in_.size());
  return state_ = State::Failed;
}

void HttpReader::consume(std::size_t bytes) {
  sodium_memzero(in_.data(), std::min(bytes, in_.size()));
  in_.erase(0, bytes);
}

HttpReader::State HttpReader::parse() {
  if (state_ == State::NeedHeader) {
    if (in_.empty()) {
      return state_;
    }
    const std::size_t end = in_.find("\r\n\r\n");
    const std::string_view seen(in_);
    auto refused = end == std::string::npos ? refuse_partial_header(seen, limits_)
                                            : refuse_header(seen.substr(0, end + 4), limits_);
    if (refused) {
      return fail(*std::move(refused));
    }
    if (end == std::string::npos) {
      return state_;
    }
    parser_.emplace();
    parser_->eager(true);
    parser_->header_limit(static_cast<std::uint32_t>(limits_.header_bytes + 4));
    parser_->body_limit(limits_.body_bytes);
  }
  while (!parser_->is_done() && !in_.empty()) {
    boost::system::error_code code;
    const std::size_t used = parser_->put(asio::buffer(in_), code);
    if (code == http::error::body_limit) {
      return fail({413, absl::StrCat("the body is over ", limits_.body_bytes, " bytes")});
    }
    if (code && code != http::error::need_more) {
      return fail({400, absl::StrCat("not an HTTP/1.1 request: ", code.message())});
    }
    consume(used);
    if (code == http::error::need_more) {
      // Only chunk headers wait for more in here: each is short, or it is an attack.
      if (in_.size() > limits_.header_bytes + limits_.body_bytes) {
        return fail({400, "a chunk's header has no end"});
      }
      break;
    }
  }
  return state_ = parser_->is_done() ? State::Done : State::NeedBody;
}

}  // namespace chasqui
