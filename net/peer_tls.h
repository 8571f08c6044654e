// Mutual TLS between the processes of a cluster: 1.3 only, an authority of the cluster's own, and certificates that
// name the cluster and one process in their subject alternative name, as the URI chasqui://CLUSTER/node/N.
//
// The handshake proves that the other side has a certificate of the same authority; name_of() says whose.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "net/peer_hello.h"
#include "net/tls.h"

namespace chasqui {

struct PeerName {
  std::string cluster;
  ProcessId process;
  friend bool operator==(const PeerName&, const PeerName&) = default;
};

// "chasqui://home/node/2", and back; nullopt-like: InvalidArgument.
[[nodiscard]] std::string peer_uri(const PeerName& name);
[[nodiscard]] absl::StatusOr<PeerName> parse_peer_uri(const std::string& uri);
// 1 to 63 of a-z, 0-9 and -: what may stand in such a name.
[[nodiscard]] bool is_cluster_name(const std::string& name);

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
