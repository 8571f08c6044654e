// TLS settings and certificates, over OpenSSL 3. The stream that uses them is stream.h.
//
// 1.3, and 1.2 with ECDHE and AEAD only; no compression, no renegotiation, no early data; ALPN http/1.1. Idle sessions
// give their buffers back (SSL_MODE_RELEASE_BUFFERS): 15 KB each instead of 79.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace chasqui {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslPointer = std::unique_ptr<SSL, SslFree>;

class TlsContext {
 public:
  // PEM files: the certificate with its chain, and its key. The key's file must not be readable by others:
  // FailedPrecondition. InvalidArgument: a file cannot be read, or the two do not belong together.
  static absl::StatusOr<std::shared_ptr<TlsContext>> server(const std::string& certificate_file,
                                                            const std::string& key_file);
  // ca_file: whom to trust; empty: the system's own list.
  static absl::StatusOr<std::shared_ptr<TlsContext>> client(const std::string& ca_file);

  // One connection on `descriptor`, which stays its owner's and must be non-blocking. A client names whom it expects.
  [[nodiscard]] SslPointer accepting(int descriptor) const;
  [[nodiscard]] SslPointer connecting(int descriptor, const std::string& host) const;

 private:
  explicit TlsContext(SSL_CTX* context) : context_(context) {}
  std::unique_ptr<SSL_CTX, SslFree> context_;
};

// FailedPrecondition: others can read the key's file. InvalidArgument: it is not there.
[[nodiscard]] absl::Status check_key_mode(const std::string& file);

// What OpenSSL's queue of this thread says, in words; empties it.
[[nodiscard]] std::string tls_error_text();

}  // namespace chasqui
