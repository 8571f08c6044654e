#include "net/peer_address.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "net/address.h"

namespace chasqui {

bool PeerEndpoint::is_on_loopback() const {
  boost::system::error_code error;
  const boost::asio::ip::address address = boost::asio::ip::make_address(host, error);
  return host == "localhost" || (!error && is_loopback(to_address(address)));
}

absl::StatusOr<PeerEndpoint> parse_peer_endpoint(const std::string& address) {
  const auto wrong = [&](const char* why) {
    return absl::InvalidArgumentError(absl::StrCat("\"", address, "\" is no address of a peer (", why,
                                                   "): write HOST:PORT, e.g. 10.0.0.2:7400 or [fd00::2]:7400"));
  };
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return wrong("it has no port");
  }
  PeerEndpoint endpoint{address.substr(0, colon), address.substr(colon + 1)};
  std::uint32_t port = 0;
  if (!absl::SimpleAtoi(endpoint.port, &port) || port == 0 || port > 65535) {
    return wrong("its port is not a number from 1 to 65535");
  }
  std::string& host = endpoint.host;
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return wrong("an IPv6 address stands in brackets");
  }
  const bool is_plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == ':';
  });
  if (host.empty() || host.size() > 253 || !is_plain) {
    return wrong("its host is neither an address nor a name");
  }
  return endpoint;
}

}  // namespace chasqui
