// HTTP/1.1 requests out of a byte stream: no socket, no clock; what is refused is refused for good.
//
// Strict first (http_rules.h), then Beast's parser. What was consumed is wiped, since bodies hold passwords.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_rules.h"
#include "net/problem.h"

namespace chasqui {

using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;

class HttpReader {
 public:
  enum class State { NeedHeader, NeedBody, Done, Failed };

  explicit HttpReader(const HttpLimits& limits) : limits_(limits) {}
  HttpReader(const HttpReader&) = delete;
  HttpReader& operator=(const HttpReader&) = delete;
  ~HttpReader();

  // Takes all of `bytes`, which may hold the end of one request and the beginning of the next. Bytes fed after Done are
  // kept for later; after Failed they are dropped.
  State feed(std::string_view bytes);
  [[nodiscard]] State state() const { return state_; }
  // Done: the request, once. Then next() goes on with what was fed behind it.
  [[nodiscard]] HttpRequest take_request();
  State next();
  // Failed: what to answer before closing.
  [[nodiscard]] HttpResponse refusal() const;
  // NeedBody: how many bytes are announced; 0 if chunked.
  [[nodiscard]] std::uint64_t body_bytes_announced() const;
  // What was fed behind the request: WebSocket frames of a hasty client.
  [[nodiscard]] std::string take_rest();
  [[nodiscard]] bool has_bytes() const { return !in_.empty(); }

 private:
  State parse();
  State fail(HttpRefusal refusal);
  void consume(std::size_t bytes);

  HttpLimits limits_;
  State state_ = State::NeedHeader;
  std::string in_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;  // from the header on
  HttpRefusal refusal_;
};

}  // namespace chasqui
