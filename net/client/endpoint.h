// Where a server is, as a person writes it: http://HOST[:PORT] or https://HOST[:PORT] (ws and wss mean the same).
//
// A path, a query or a user in the URL is refused: the API's paths are fixed. IPv6 hosts stand in [brackets].
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace chasqui::net {

struct Endpoint {
  bool secure = false;  // TLS
  std::string host;     // name or address, without brackets
  std::string port;     // decimal
  std::string ca_file;  // PEM; empty: the system's authorities

  [[nodiscard]] std::string url() const;          // as it is printed and kept
  [[nodiscard]] std::string host_header() const;  // of HTTP
};

// InvalidArgument: it is no such URL; the message says what is wrong.
[[nodiscard]] absl::StatusOr<Endpoint> parse_endpoint(std::string_view url);

}  // namespace chasqui::net
