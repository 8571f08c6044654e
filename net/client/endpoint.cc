#include "net/client/endpoint.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/text.h"

namespace chasqui::net {
namespace {

absl::Status bad(std::string_view url, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("server ", text(url), ": ", text(why), "; write http://HOST:PORT or https://HOST:PORT"));
}

bool take_prefix(std::string_view& rest, std::string_view prefix) {
  if (!rest.starts_with(prefix)) return false;
  rest.remove_prefix(prefix.size());
  return true;
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : absl::StrCat("[", host, "]");
}

bool is_default_port(const Endpoint& endpoint) {
  return endpoint.port == (endpoint.secure ? "443" : "80");
}

}  // namespace

std::string Endpoint::url() const {
  return absl::StrCat(secure ? "https://" : "http://", bracketed(host), ":", port);
}

std::string Endpoint::host_header() const {
  return is_default_port(*this) ? bracketed(host) : absl::StrCat(bracketed(host), ":", port);
}

absl::StatusOr<Endpoint> parse_endpoint(std::string_view url) {
  Endpoint endpoint;
  std::string_view rest = url;
  if (take_prefix(rest, "https://") || take_prefix(rest, "wss://")) {
    endpoint.secure = true;
  } else if (!take_prefix(rest, "http://") && !take_prefix(rest, "ws://")) {
    return bad(url, "the scheme is missing or unknown");
  }
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  if (rest.find_first_of("/?#@ ") != std::string_view::npos) return bad(url, "only a host and a port belong there");

  if (!rest.empty() && rest.front() == '[') {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return bad(url, "the address lacks its ]");
    endpoint.host = std::string(rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
  } else {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    endpoint.host = std::string(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  if (endpoint.host.empty()) return bad(url, "the host is missing");

  if (rest.empty()) {
    endpoint.port = endpoint.secure ? "443" : "80";
    return endpoint;
  }
  std::uint32_t port = 0;
  if (rest.front() != ':' || !absl::SimpleAtoi(text(rest.substr(1)), &port) || port == 0 || port > 65'535) {
    return bad(url, "the port is not a number from 1 to 65535");
  }
  endpoint.port = absl::StrCat(port);
  return endpoint;
}

}  // namespace chasqui::net
