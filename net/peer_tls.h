// Mutual TLS between the processes of a cluster: 1.3 only, an authority of the cluster's own, and certificates that
// name the cluster and one process in their subject alternative name, as the URI chasqui://CLUSTER/node/N.
//
// The handshake proves that the other side has a certificate of the same authority; name_of() says whose.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "net/peer_name.h"
#include "net/tls.h"

namespace chasqui {

class PeerTls {
 public:
  struct Files {
    std::string certificate;
    std::string key;
    std::string ca;
  };
  // InvalidArgument: a file cannot be read, the key is another one's, or the certificate does not name `self`.
  // FailedPrecondition: others can read the key.
  static absl::StatusOr<std::shared_ptr<PeerTls>> load(const Files& files, const PeerName& self);

  [[nodiscard]] SslPointer accepting(int descriptor) const;
  [[nodiscard]] SslPointer connecting(int descriptor) const;
  // Of the other side, once the handshake is done. InvalidArgument: its certificate names no process of a cluster.
  [[nodiscard]] static absl::StatusOr<PeerName> name_of(SSL* ssl);
  [[nodiscard]] const PeerName& self() const { return self_; }

 private:
  PeerTls(SSL_CTX* context, PeerName self) : context_(context), self_(std::move(self)) {}
  std::unique_ptr<SSL_CTX, SslFree> context_;
  PeerName self_;
};

}  // namespace chasqui
