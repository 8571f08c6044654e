#include "runtime/chasqui/account.h"

#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "net/client/http.h"
#include "runtime/chasqui/names.h"
#include "runtime/chasqui/outcome.h"

namespace chasqui::cli {
namespace {

namespace json = boost::json;
constexpr std::size_t device_name_bytes_max = 64;

std::string device_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) return "chasqui";
  return absl::StrCat("chasqui on ", host.data()).substr(0, device_name_bytes_max);
}

std::string string_of(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string().c_str()) : std::string();
}

std::int64_t number_of(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  boost::system::error_code inexact;
  return value != nullptr && value->is_number() ? value->to_number<std::int64_t>(inexact) : 0;
}

// problem+json (RFC 9457) with our `code`; a reply that is none (a proxy's page) is judged by its HTTP status.
absl::Status refusal(const net::HttpReply& reply) {
  boost::system::error_code error;
  const json::value value = json::parse(reply.body, error);
  if (error || !value.is_object()) {
    const std::string message = absl::StrCat("the server answered HTTP ", reply.status);
    return reply.status >= 500 ? absl::UnavailableError(message) : absl::UnknownError(message);
  }
  const json::object& problem = value.get_object();
  std::string message = string_of(problem, "detail");
  if (message.empty()) message = string_of(problem, "title");
  if (const std::int64_t wait_ms = number_of(problem, "retry_after_ms"); wait_ms > 0) {
    absl::StrAppend(&message, " (try again in ", (wait_ms + 999) / 1000, " s)");
  }
  const absl::StatusCode code = code_from_name(string_of(problem, "code"));
  return absl::Status(code == absl::StatusCode::kOk ? absl::StatusCode::kUnknown : code, message);
}

absl::StatusOr<Login> parse_login(const net::HttpReply& reply, const std::string& servers, std::string secret) {
  boost::system::error_code error;
  const json::value value = json::parse(reply.body, error);
  std::uint64_t user = 0;
  if (error || !value.is_object() || !absl::SimpleAtoi(string_of(value.get_object(), "user"), &user)) {
    return absl::InternalError("the server's answer is not what this program knows: is it a chasqui server?");
  }
  const json::object& object = value.get_object();
  Login login{servers,
              {UserId(user), DeviceId(static_cast<std::uint64_t>(number_of(object, "device"))), std::move(secret),
               string_of(object, "handle")}};
  if (!is_valid(login.credentials.user) || !login.credentials.device) {
    return absl::InternalError("the server's answer names no valid user and device");
  }
  return login;
}

// Each in turn, until one has an answer that is more than "not now": the secret makes the call one that may be
// repeated.
absl::StatusOr<net::HttpReply> ask_any(net::ServerList& servers, const std::string& path, const std::string& body,
                                       Duration timeout) {
  absl::StatusOr<net::HttpReply> reply = absl::UnavailableError("no server");
  const Duration each = servers.size() == 1 ? timeout : std::min(timeout, seconds(10));
  for (std::size_t i = 0; i < servers.size(); i++) {
    if (i != 0) servers.next();
    auto next = net::http_post(servers.current(), path, body, each);
    const bool has_reply = next.ok() && next->status < 500;
    if (has_reply || next.ok() || !reply.ok()) reply = std::move(next);
    if (has_reply) break;
  }
  return reply;
}

}  // namespace

absl::StatusOr<Login> call_account(const Home& home, net::ServerList servers, AccountCall call,
                                   const std::string& handle, const Password& password, Duration timeout) {
  const std::string kind = call == AccountCall::Register ? "accounts" : "login";
  auto secret = pending_secret(home, servers.text(), handle, kind);
  if (!secret.ok()) return secret.status();
  const Digest hash = blake2b_256(*secret);
  std::string body = json::serialize(json::object{{"handle", handle},
                                                  {"password", password.bytes()},
                                                  {"device_name", device_name()},
                                                  {"secret_hash", to_hex(view(hash))}});
  auto reply = ask_any(servers, absl::StrCat("/v1/", kind), body, timeout);
  ::sodium_memzero(body.data(), body.size());
  if (!reply.ok()) return reply.status();
  if (reply->status != 200 && reply->status != 201) {
    absl::Status refused = refusal(*reply);
    // A final refusal: the secret was not taken. (When it is unknown, it must stay for the retry.)
    if (exit_code(refused) == exit_refused && !absl::IsResourceExhausted(refused)) {
      forget_pending(home).IgnoreError();
    }
    return refused;
  }
  auto login = parse_login(*reply, servers.text(), *std::move(secret));
  if (!login.ok()) return login;
  if (absl::Status kept = write_login(home, *login); !kept.ok()) return kept;
  if (absl::Status forgotten = forget_pending(home); !forgotten.ok()) return forgotten;
  Names(home).remember(login->credentials.user, login->credentials.handle);
  return login;
}

}  // namespace chasqui::cli
