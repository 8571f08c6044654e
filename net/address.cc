#include "net/address.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "core/base/text.h"

namespace chasqui {

namespace ip = boost::asio::ip;

absl::StatusOr<Endpoint> parse_endpoint(std::string_view given) {
  const auto wrong = [&](std::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text(given), "\" is no address to listen on (", text(why),
                                                   "): write ADDR:PORT, e.g. 127.0.0.1:8080 or [::1]:8080"));
  };
  const std::size_t colon = given.rfind(':');
  if (colon == std::string_view::npos) {
    return wrong("it has no port");
  }
  std::string_view host = given.substr(0, colon);
  const std::string_view port_text = given.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (error != std::errc{} || end != port_text.data() + port_text.size()) {
    return wrong("its port is not a number from 0 to 65535");
  }
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong("an IPv6 address stands in brackets");
  }
  boost::system::error_code code;
  const ip::address address = ip::make_address(std::string(host == "localhost" ? "127.0.0.1" : host), code);
  if (code) {
    return wrong("its host is not an IP address");
  }
  return Endpoint{address, port};
}

std::string endpoint_text(const Endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? absl::StrCat("[", host, "]:", endpoint.port())
                                    : absl::StrCat(host, ":", endpoint.port());
}

Address to_address(const ip::address& address) {
  const ip::address_v6 v6 = address.is_v6() ? address.to_v6() : ip::make_address_v6(ip::v4_mapped, address.to_v4());
  const auto bytes = v6.to_bytes();
  Address result{};
  std::copy(bytes.begin(), bytes.end(), result.begin());
  return result;
}

namespace {

ip::address_v6 to_v6(const Address& address) {
  ip::address_v6::bytes_type bytes{};
  std::copy(address.begin(), address.end(), bytes.begin());
  return ip::address_v6(bytes);
}

}  // namespace

std::string redacted(const Address& address) {
  const ip::address_v6 v6 = to_v6(address);
  if (v6.is_v4_mapped()) {
    auto bytes = ip::make_address_v4(ip::v4_mapped, v6).to_bytes();
    bytes[3] = 0;
    return absl::StrCat(ip::address_v4(bytes).to_string(), "/24");
  }
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 6, bytes.end(), std::uint8_t{0});
  return absl::StrCat(ip::address_v6(bytes).to_string(), "/48");
}

}  // namespace chasqui
