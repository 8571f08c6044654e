// Opens a byte stream to a server: resolve, connect, and over TLS its handshake. For http.cc and websocket.cc alone.
//
// One deadline covers all steps. An address given as numbers is not looked up, so that a thousand clients of a bench do
// not queue for the resolver's thread.
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "net/client/endpoint.h"

namespace chasqui::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Tcp = asio::ip::tcp;
using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;
template <class Stream>
constexpr bool is_tls = std::is_same_v<Stream, TlsStream>;

// What an error of the network is called: always something that passes, or that the operator can mend.
inline absl::Status unreachable(const Endpoint& endpoint, const char* step, const boost::system::error_code& error) {
  return absl::UnavailableError(absl::StrCat("cannot reach ", endpoint.url(), ": ", step, ": ", error.message()));
}

// A context that checks the server's certificate; nullptr in `error` is fine.
inline std::shared_ptr<asio::ssl::context> make_tls_context(const Endpoint& endpoint,
                                                            boost::system::error_code& error) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_verify_mode(asio::ssl::verify_peer, error);
  if (endpoint.ca_file.empty()) {
    context->set_default_verify_paths(error);
  } else {
    context->load_verify_file(endpoint.ca_file, error);
  }
  return context;
}

// The name for SNI, and what the certificate must say.
inline boost::system::error_code name_server(TlsStream& stream, const Endpoint& endpoint) {
  boost::system::error_code error;
  asio::ip::make_address(endpoint.host, error);
  const bool is_name = error.failed();
  error.clear();
  // SSL_set_tlsext_host_name, without the macro's old-style cast.
  std::string host = endpoint.host;
  if (is_name &&
      SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data()) != 1) {
    return asio::error::invalid_argument;
  }
  stream.set_verify_callback(asio::ssl::host_name_verification(endpoint.host), error);
  return error;
}

// Calls `done(step, error)` once, from the io_context; on success the stream stands and has no deadline any more.
// `keep` keeps stream and resolver alive meanwhile.
template <class Stream>
void open_stream(Stream& stream, Tcp::resolver& resolver, const Endpoint& endpoint, std::shared_ptr<void> keep,
                 std::function<void(const char*, boost::system::error_code)> done) {
  auto connected = [&stream, &endpoint, keep, done](boost::system::error_code error, const Tcp::endpoint&) {
    if (error) return done("connect", error);
    boost::system::error_code ignored;
    beast::get_lowest_layer(stream).socket().set_option(Tcp::no_delay(true), ignored);
    if constexpr (is_tls<Stream>) {
      if (const auto naming = name_server(stream, endpoint)) return done("TLS", naming);
      stream.async_handshake(asio::ssl::stream_base::client,
                             [keep, done](boost::system::error_code shaken) { done("TLS handshake", shaken); });
    } else {
      done("connect", {});
    }
  };
  boost::system::error_code error;
  const auto address = asio::ip::make_address(endpoint.host, error);
  if (!error) {
    const auto port = static_cast<std::uint16_t>(std::stoul(endpoint.port));
    beast::get_lowest_layer(stream).async_connect(
        Tcp::endpoint(address, port),
        [connected, where = Tcp::endpoint(address, port)](boost::system::error_code ec) { connected(ec, where); });
    return;
  }
  resolver.async_resolve(endpoint.host, endpoint.port,
                         [&stream, keep, done, connected](boost::system::error_code resolved,
                                                          const Tcp::resolver::results_type& addresses) {
                           if (resolved) return done("look up the host", resolved);
                           beast::get_lowest_layer(stream).async_connect(addresses, connected);
                         });
}

}  // namespace chasqui::net
