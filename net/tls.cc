#include "net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace chasqui {

namespace {

constexpr unsigned char alpn_http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int select_alpn(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned in_size, void* /*context*/) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, alpn_http11, sizeof alpn_http11, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // it offers protocols, and none that we speak (RFC 7301)
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

SSL_CTX* new_context(const SSL_METHOD* method) {
  SSL_CTX* context = SSL_CTX_new(method);
  if (context == nullptr) {
    return nullptr;
  }
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");  // of 1.2; those of 1.3 are all AEAD
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

}  // namespace

absl::Status check_key_mode(const std::string& file) {
  struct stat status{};
  if (stat(file.c_str(), &status) != 0) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read the key ", file, ": ", std::strerror(errno)));
  }
  if ((status.st_mode & (S_IRWXO | S_IWGRP | S_IXGRP)) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the key ", file, " is open to others (mode ", absl::Hex(status.st_mode >> 6 & 7),
                     absl::Hex(status.st_mode >> 3 & 7), absl::Hex(status.st_mode & 7), "): chmod 600 ", file));
  }
  return absl::OkStatus();
}

std::string tls_error_text() {
  std::string text;
  for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    absl::StrAppend(&text, text.empty() ? "" : "; ", reason != nullptr ? reason : "unknown TLS error");
  }
  return text.empty() ? "unknown TLS error" : text;
}

absl::StatusOr<std::shared_ptr<TlsContext>> TlsContext::server(const std::string& certificate_file,
                                                               const std::string& key_file) {
  if (absl::Status status = check_key_mode(key_file); !status.ok()) {
    return status;
  }
  ERR_clear_error();
  std::shared_ptr<TlsContext> made(new TlsContext(new_context(TLS_server_method())));
  SSL_CTX* context = made->context_.get();
  if (context == nullptr) {
    return absl::InternalError(tls_error_text());
  }
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot use the certificate ", certificate_file, ": ", tls_error_text()));
  }
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot use the key ", key_file, " with ", certificate_file, ": ", tls_error_text()));
  }
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_alpn_select_cb(context, select_alpn, nullptr);
  // Tickets need no memory here; OpenSSL draws their key anew for each context, so a reload rotates it.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, 24 * 3600);
  return made;
}

absl::StatusOr<std::shared_ptr<TlsContext>> TlsContext::client(const std::string& ca_file) {
  ERR_clear_error();
  std::shared_ptr<TlsContext> made(new TlsContext(new_context(TLS_client_method())));
  SSL_CTX* context = made->context_.get();
  if (context == nullptr) {
    return absl::InternalError(tls_error_text());
  }
  const int loaded =
      ca_file.empty() ? SSL_CTX_set_default_verify_paths(context) : SSL_CTX_load_verify_file(context, ca_file.c_str());
  if (loaded != 1) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read whom to trust from ",
                                                   ca_file.empty() ? "the system" : ca_file, ": ", tls_error_text()));
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(context, alpn_http11, sizeof alpn_http11);
  return made;
}

SslPointer TlsContext::accepting(int descriptor) const {
  SslPointer ssl(SSL_new(context_.get()));
  if (ssl) {
    SSL_set_fd(ssl.get(), descriptor);
    SSL_set_accept_state(ssl.get());
  }
  return ssl;
}

SslPointer TlsContext::connecting(int descriptor, const std::string& host) const {
  SslPointer ssl(SSL_new(context_.get()));
  if (ssl) {
    SSL_set_fd(ssl.get(), descriptor);
    SSL_set_connect_state(ssl.get());
    in6_addr parsed{};
    const bool is_address =
        inet_pton(AF_INET, host.c_str(), &parsed) == 1 || inet_pton(AF_INET6, host.c_str(), &parsed) == 1;
    if (is_address) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host.c_str());
    } else {
      SSL_set1_host(ssl.get(), host.c_str());
      // What SSL_set_tlsext_host_name does, without its C cast. The library copies the name.
      SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str()));
    }
  }
  return ssl;
}

}  // namespace chasqui
