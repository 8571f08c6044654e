// One socket before it is a session: TLS, then HTTP/1.1 requests one after the other, until one is an upgrade.
//
// Serves POST /v1/accounts, POST /v1/login, GET /healthz, GET /readyz, and GET /v1/connect (the upgrade). Every phase
// has a deadline; a refusal of the request's form ends the connection, since where the next one begins is unknown.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "net/http_reader.h"
#include "net/server.h"

namespace chasqui {

class HttpConnection final : public Connection, public std::enable_shared_from_this<HttpConnection> {
 public:
  // `wait`: before the TLS handshake may begin.
  HttpConnection(Server& server, std::uint64_t number, const Address& address, Stream stream);

  void start(Duration wait);
  void answer(CallId call, AccountAnswer answer);
  void abort();
  void finish();  // after the answer under way, or at once if there is none
  [[nodiscard]] bool is_answering() const { return phase_ == Phase::Answering; }

  MonoTime check(MonoTime now) override;

 private:
  enum class Phase { Handshake, Header, Body, Answering, Writing, Closing, Ended };

  void enter(Phase phase, Duration at_most);
  void handshake();
  void read();
  void on_read(ErrorCode error, std::size_t bytes);
  void on_request(HttpRequest request);
  void on_account_request(HttpRequest request, bool create);
  [[nodiscard]] HttpResponse ready_response();
  // Why it cannot be one, or nothing: then `subprotocol` is what to echo.
  [[nodiscard]] std::optional<HttpResponse> refuse_upgrade(const HttpRequest& request, std::string& subprotocol) const;
  void upgrade(HttpRequest request, std::string subprotocol);
  void respond(const HttpResponse& response);
  void on_written(ErrorCode error);
  void shut_down();
  void end();

  Stream stream_;
  HttpReader reader_;
  std::array<char, 4096> in_;
  std::string out_;
  MonoTime deadline_ = MonoTime::never();
  CallId call_;  // the one that is waited for
  Phase phase_ = Phase::Handshake;
  bool keep_alive_ = true;
  bool reading_ = false;
  bool creates_ = false;  // the call under way is of /v1/accounts
};

}  // namespace chasqui
