// Network addresses: as the core's 16 bytes, as text for an operator, and cut short for a log.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/base/address.h"
#include "core/base/ids.h"

namespace chasqui {

using Endpoint = boost::asio::ip::tcp::endpoint;

// "127.0.0.1:8080" or "[::1]:8080"; port 0: any free one. InvalidArgument says what is wrong.
[[nodiscard]] absl::StatusOr<Endpoint> parse_endpoint(std::string_view text);
[[nodiscard]] std::string endpoint_text(const Endpoint& endpoint);
[[nodiscard]] Address to_address(const boost::asio::ip::address& address);
// The network alone, /24 or /48: what a log may hold (RELIABILITY.md section 6).
[[nodiscard]] std::string redacted(const Address& address);

}  // namespace chasqui
