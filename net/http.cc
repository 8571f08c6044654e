#include "net/http.h"

#include <sodium.h>

#include <boost/asio/write.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "net/clock.h"
#include "net/websocket.h"

namespace chasqui {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr std::string_view subprotocol_spoken = "chasqui.v1";

Duration ms(std::uint64_t n) {
  return milliseconds(static_cast<std::int64_t>(n));
}

std::string_view std_text(boost::beast::string_view s) {
  return {s.data(), s.size()};
}

HttpLimits http_limits(const Limits& limits) {
  return {limits.http_header_bytes_max, limits.http_fields_max, limits.http_target_bytes_max,
          limits.http_body_bytes_max};
}

HttpResponse method_not_allowed(std::string_view allowed) {
  HttpResponse response = http_problem(405, "this method is not served here: see the Allow field");
  response.fields.emplace_back("Allow", std::string(allowed));
  return response;
}

}  // namespace

HttpConnection::HttpConnection(Server& server, std::uint64_t number, const Address& address, Stream stream)
    : Connection(server, number, address), stream_(std::move(stream)), reader_(http_limits(server.config_.limits)) {}

void HttpConnection::start(Duration wait) {
  enter(Phase::Handshake, ms(server_.config_.limits.http_header_ms));
  if (wait.ns <= 0) {
    return handshake();
  }
  auto timer = std::make_shared<Timer>(stream_.get_executor());
  timer->expires_after(std::chrono::nanoseconds(wait.ns));
  timer->async_wait([self = shared_from_this(), timer](ErrorCode) { self->handshake(); });
}

void HttpConnection::handshake() {
  if (phase_ != Phase::Handshake) {
    return;
  }
  stream_.async_handshake([self = shared_from_this()](ErrorCode error) {
    if (error || self->phase_ != Phase::Handshake) {
      return self->end();
    }
    self->enter(Phase::Header, ms(self->server_.config_.limits.http_header_ms));
    self->read();
  });
}

void HttpConnection::enter(Phase phase, Duration at_most) {
  phase_ = phase;
  deadline_ = mono_now() + at_most;
  server_.wake_at(*this, deadline_);
}

void HttpConnection::read() {
  if (reading_) {
    return;
  }
  reading_ = true;
  stream_.async_read_some(asio::buffer(in_), [self = shared_from_this()](ErrorCode error, std::size_t bytes) {
    self->on_read(error, bytes);
  });
}

void HttpConnection::on_read(ErrorCode error, std::size_t bytes) {
  reading_ = false;
  if (phase_ == Phase::Ended || phase_ == Phase::Closing) {
    return;
  }
  if (error) {
    return end();  // also while a call is under way: nobody waits for its answer
  }
  const HttpReader::State state = reader_.feed({in_.data(), bytes});
  sodium_memzero(in_.data(), bytes);
  if (phase_ == Phase::Answering || phase_ == Phase::Writing) {
    return;  // the next request came early: kept, and read on from after the answer
  }
  switch (state) {
    case HttpReader::State::NeedHeader: return read();
    case HttpReader::State::NeedBody:
      if (phase_ == Phase::Header) {
        const Limits& limits = server_.config_.limits;
        const std::uint64_t announced = std::min(std::max<std::uint64_t>(reader_.body_bytes_announced(), 1),
                                                 std::uint64_t{limits.http_body_bytes_max});
        enter(Phase::Body, ms(limits.http_header_ms +
                              announced * 1'000 / std::max<std::uint64_t>(limits.http_body_bytes_per_s_min, 1)));
      }
      return read();
    case HttpReader::State::Failed: keep_alive_ = false; return respond(reader_.refusal());
    case HttpReader::State::Done: return on_request(reader_.take_request());
  }
}

void HttpConnection::on_request(HttpRequest request) {
  keep_alive_ = request.keep_alive();
  const std::string_view target = std_text(request.target());
  const std::string_view path = target.substr(0, target.find('?'));
  const bool is_get = request.method() == http::verb::get;
  if (path == "/v1/accounts" || path == "/v1/login") {
    if (request.method() != http::verb::post) {
      return respond(method_not_allowed("POST"));
    }
    return on_account_request(std::move(request), path == "/v1/accounts");
  }
  if (path == "/healthz" || path == "/readyz") {
    if (!is_get) {
      return respond(method_not_allowed("GET"));
    }
    return respond(path == "/healthz" ? HttpResponse{200, "application/json", R"({"status":"ok"})", {}, false}
                                      : ready_response());
  }
  if (path == "/v1/connect") {
    if (!is_get) {
      return respond(method_not_allowed("GET"));
    }
    std::string subprotocol;
    if (auto refused = refuse_upgrade(request, subprotocol)) {
      return respond(*refused);
    }
    return upgrade(std::move(request), std::move(subprotocol));
  }
  respond(http_problem(404, "there is nothing at this path"));
}

HttpResponse HttpConnection::ready_response() {
  const std::vector<std::string> reasons = server_.owner_.why_not_ready();
  boost::json::object body;
  body["status"] = reasons.empty() ? "ready" : "not ready";
  boost::json::array list;
  for (const std::string& reason : reasons) {
    list.emplace_back(reason);
  }
  body["reasons"] = std::move(list);
  return {reasons.empty() ? 200U : 503U, "application/json", boost::json::serialize(body), {}, false};
}

void HttpConnection::on_account_request(HttpRequest request, bool create) {
  if (!is_json(std_text(request[http::field::content_type]))) {
    return respond(http_problem(415, "the body must be application/json"));
  }
  absl::StatusOr<AccountRequest> parsed = parse_account_request(create, request.body());
  if (!parsed.ok()) {
    const absl::string_view message = parsed.status().message();
    return respond(http_problem(400, {message.data(), message.size()}));
  }
  creates_ = create;
  call_ = server_.new_call();
  server_.calls_.emplace(call_.value(), number());
  enter(Phase::Answering, ms(server_.config_.limits.http_answer_ms));
  server_.owner_.on_account_call(call_, address(), *std::move(parsed));
  read();  // to notice when the other side goes away
}

void HttpConnection::answer(CallId call, AccountAnswer answer) {
  if (phase_ != Phase::Answering || call != call_) {
    return;
  }
  call_ = CallId();
  if (answer.code != 0) {
    return respond(problem(answer.code, answer.message, answer.retry_after_ms));
  }
  respond({creates_ ? 201U : 200U, "application/json", account_answer_json(answer), {}, false});
}

std::optional<HttpResponse> HttpConnection::refuse_upgrade(const HttpRequest& request, std::string& subprotocol) const {
  if (!boost::beast::websocket::is_upgrade(request)) {
    HttpResponse response = http_problem(426, "this path speaks WebSocket: ask for an upgrade");
    response.fields.emplace_back("Upgrade", "websocket");
    return response;
  }
  const auto origins = request.equal_range(http::field::origin);
  for (auto origin = origins.first; origin != origins.second; ++origin) {
    const std::string_view given = std_text(origin->value());
    const auto& allowed = server_.config_.origins;
    if (std::find(allowed.begin(), allowed.end(), given) == allowed.end()) {
      return http_problem(403, "pages of this origin may not connect: it is not in the server's http.origins");
    }
  }
  const auto offers = request.equal_range(http::field::sec_websocket_protocol);
  for (auto offer = offers.first; offer != offers.second; ++offer) {
    const absl::string_view list(offer->value().data(), offer->value().size());
    for (const absl::string_view name : absl::StrSplit(list, ',')) {
      if (absl::StripAsciiWhitespace(name) == absl::string_view(subprotocol_spoken.data(), subprotocol_spoken.size())) {
        subprotocol = std::string(subprotocol_spoken);
      }
    }
  }
  if (offers.first != offers.second && subprotocol.empty()) {
    return http_problem(400, "of the subprotocols that were offered none is chasqui.v1");
  }
  if (server_.is_stopping_) {
    return problem(14, "this server is shutting down", 1'000);
  }
  if (const std::string why = server_.owner_.why_elsewhere(); !why.empty()) {
    return problem(14, why + ": try another server", 1'000);
  }
  return std::nullopt;
}

void HttpConnection::upgrade(HttpRequest request, std::string subprotocol) {
  stream_.unread(reader_.take_rest());
  phase_ = Phase::Ended;
  auto session = std::make_shared<WebSocketSession>(server_, number(), address(), std::move(stream_));
  server_.replace(*this, session);
  session->start(std::make_shared<const HttpRequest>(std::move(request)), std::move(subprotocol));
}

void HttpConnection::respond(const HttpResponse& response) {
  keep_alive_ = keep_alive_ && !response.close && !server_.is_stopping_;
  out_ = serialized(response, keep_alive_);
  enter(Phase::Writing, ms(server_.config_.limits.close_ms_max));
  asio::async_write(stream_, asio::buffer(out_),
                    [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_written(error); });
}

void HttpConnection::on_written(ErrorCode error) {
  if (phase_ != Phase::Writing) {
    return;
  }
  if (error) {
    return end();
  }
  if (!keep_alive_) {
    return shut_down();
  }
  enter(Phase::Header, ms(server_.config_.limits.http_header_ms));
  switch (reader_.next()) {
    case HttpReader::State::Done: return on_request(reader_.take_request());
    case HttpReader::State::Failed: keep_alive_ = false; return respond(reader_.refusal());
    case HttpReader::State::NeedHeader:
    case HttpReader::State::NeedBody: return read();
  }
}

void HttpConnection::shut_down() {
  enter(Phase::Closing, ms(server_.config_.limits.close_ms_max));
  stream_.async_shutdown([self = shared_from_this()](ErrorCode) { self->end(); });
}

MonoTime HttpConnection::check(MonoTime now) {
  if (now < deadline_) {
    return deadline_;
  }
  const bool has_begun = reader_.has_bytes() || phase_ == Phase::Body;
  if (phase_ == Phase::Answering) {
    keep_alive_ = false;
    server_.abandon(std::exchange(call_, CallId()));
    respond(http_problem(504, "no answer came in time: it may have been done; repeat the same request"));
    return deadline_;
  }
  if ((phase_ == Phase::Header && has_begun) || phase_ == Phase::Body) {
    keep_alive_ = false;
    respond(http_problem(408, "the request did not come in time"));
    return deadline_;
  }
  end();
  return MonoTime::never();
}

void HttpConnection::finish() {
  keep_alive_ = false;
  if (phase_ == Phase::Handshake || phase_ == Phase::Header) {
    end();
  }
}

void HttpConnection::abort() {
  end();
}

void HttpConnection::end() {
  if (phase_ == Phase::Ended) {
    return;
  }
  phase_ = Phase::Ended;
  if (call_) {
    server_.abandon(std::exchange(call_, CallId()));
  }
  stream_.close();
  server_.forget(*this);
}

}  // namespace chasqui
