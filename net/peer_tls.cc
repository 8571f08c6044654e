#include "net/peer_tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "absl/strings/str_cat.h"

namespace chasqui {

namespace {

absl::StatusOr<PeerName> name_in(const X509* certificate) {
  absl::StatusOr<PeerName> name = absl::InvalidArgumentError("the certificate names no process of a cluster");
  void* extension = X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr);
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(static_cast<GENERAL_NAMES*>(extension),
                                                                            GENERAL_NAMES_free);
  int uris = 0;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); i++) {
    int type = 0;
    const auto* value =
        static_cast<const ASN1_IA5STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type));
    if (type != GEN_URI) {
      continue;
    }
    uris++;
    const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(value));
    name = parse_peer_uri(std::string(bytes, static_cast<std::size_t>(ASN1_STRING_length(value))));
  }
  if (uris > 1) {
    return absl::InvalidArgumentError("the certificate names more than one process");
  }
  return name;
}

}  // namespace

absl::StatusOr<std::shared_ptr<PeerTls>> PeerTls::load(const Files& files, const PeerName& self) {
  if (absl::Status status = check_key_mode(files.key); !status.ok()) {
    return status;
  }
  ERR_clear_error();
  std::shared_ptr<PeerTls> made(new PeerTls(SSL_CTX_new(TLS_method()), self));
  SSL_CTX* context = made->context_.get();
  if (context == nullptr) {
    return absl::InternalError(tls_error_text());
  }
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);  // every link proves itself anew
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  if (SSL_CTX_load_verify_file(context, files.ca.c_str()) != 1) {
    return absl::InvalidArgumentError(absl::StrCat("cannot use the authority ", files.ca, ": ", tls_error_text()));
  }
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot use the certificate ", files.certificate, ": ", tls_error_text()));
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot use the key ", files.key, " with ", files.certificate, ": ", tls_error_text()));
  }
  const absl::StatusOr<PeerName> named = name_in(SSL_CTX_get0_certificate(context));
  if (!named.ok() || *named != self) {
    return absl::InvalidArgumentError(absl::StrCat("the certificate ", files.certificate, " is not of ", peer_uri(self),
                                                   " but of ", named.ok() ? peer_uri(*named) : "no process",
                                                   ": see cluster.id, node.id, cluster.certificate"));
  }
  return made;
}

SslPointer PeerTls::accepting(int descriptor) const {
  SslPointer ssl(SSL_new(context_.get()));
  if (ssl) {
    SSL_set_fd(ssl.get(), descriptor);
    SSL_set_accept_state(ssl.get());
  }
  return ssl;
}

SslPointer PeerTls::connecting(int descriptor) const {
  SslPointer ssl(SSL_new(context_.get()));
  if (ssl) {
    SSL_set_fd(ssl.get(), descriptor);
    SSL_set_connect_state(ssl.get());
  }
  return ssl;
}

absl::StatusOr<PeerName> PeerTls::name_of(SSL* ssl) {
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) {
    return absl::InvalidArgumentError("it showed no certificate of this cluster's authority");
  }
  return name_in(certificate);
}

}  // namespace chasqui
