#include "net/cluster_certificates.h"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "net/peer_tls.h"
#include "net/tls.h"

namespace chasqui {

namespace {

template <auto function>
struct Freed {
  template <class T>
  void operator()(T* pointer) const {
    function(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using File = std::unique_ptr<std::FILE, Freed<std::fclose>>;

struct Authority {
  Key key;
  Certificate certificate;
};

absl::Status openssl_failed(const char* what) {
  return absl::InternalError(absl::StrCat("OpenSSL cannot ", what, ": ", tls_error_text()));
}

// Into a new file beside it, then in its place: whoever reads it meanwhile sees the old one or the new one.
template <class Put>
absl::Status write_pem(const std::string& path, mode_t mode, Put put) {
  const std::string temporary = path + ".new";
  unlink(temporary.c_str());
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  const auto failed = [&] {
    return absl::FailedPreconditionError(absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
  };
  if (fd < 0) {
    return failed();
  }
  File file(fdopen(fd, "w"));
  const bool is_written = file && put(file.get()) == 1 && std::fflush(file.get()) == 0 && fsync(fd) == 0;
  if (!is_written || rename(temporary.c_str(), path.c_str()) != 0) {
    return failed();
  }
  return absl::OkStatus();
}

absl::Status write_pair(const std::string& stem, X509* certificate, EVP_PKEY* key) {
  absl::Status status = write_pem(stem + ".key", 0600, [key](std::FILE* out) {
    return PEM_write_PKCS8PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  if (status.ok()) {
    status = write_pem(stem + ".pem", 0644, [certificate](std::FILE* out) { return PEM_write_X509(out, certificate); });
  }
  return status;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool set_random_serial(X509* certificate) {
  const std::unique_ptr<BIGNUM, Freed<BN_free>> number(BN_new());
  return number && BN_rand(number.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

// Everything but extensions and signature.
Certificate begin_certificate(EVP_PKEY* key, const std::string& common_name, int days) {
  Certificate certificate(X509_new());
  X509* x = certificate.get();
  const auto* name = reinterpret_cast<const unsigned char*>(common_name.c_str());
  const bool made = x != nullptr && X509_set_version(x, 2) == 1 && set_random_serial(x) &&
                    X509_gmtime_adj(X509_getm_notBefore(x), -3600) != nullptr &&  // clocks differ
                    X509_time_adj_ex(X509_getm_notAfter(x), days, 0, nullptr) != nullptr &&
                    X509_set_pubkey(x, key) == 1 &&
                    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, name, -1, -1, 0) == 1;
  return made ? std::move(certificate) : nullptr;
}

absl::StatusOr<Authority> make_authority(const std::string& cluster, const std::string& stem) {
  Authority authority{Key(EVP_EC_gen("P-256")), nullptr};
  if (!authority.key) {
    return openssl_failed("make a key");
  }
  authority.certificate =
      begin_certificate(authority.key.get(), absl::StrCat("chasqui cluster ", cluster), authority_days);
  X509* x = authority.certificate.get();
  const bool made = x != nullptr && X509_set_issuer_name(x, X509_get_subject_name(x)) == 1 &&
                    add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                    add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                    add_extension(x, x, NID_subject_key_identifier, "hash") &&
                    X509_sign(x, authority.key.get(), EVP_sha256()) != 0;
  if (!made) {
    return openssl_failed("make the authority");
  }
  if (absl::Status status = write_pair(stem, x, authority.key.get()); !status.ok()) {
    return status;
  }
  return authority;
}

absl::StatusOr<Authority> read_authority(const std::string& stem) {
  if (absl::Status status = check_key_mode(stem + ".key"); !status.ok()) {
    return status;
  }
  const File key_file(std::fopen((stem + ".key").c_str(), "re"));
  const File certificate_file(std::fopen((stem + ".pem").c_str(), "re"));
  Authority authority;
  if (key_file && certificate_file) {
    authority.key.reset(PEM_read_PrivateKey(key_file.get(), nullptr, nullptr, nullptr));
    authority.certificate.reset(PEM_read_X509(certificate_file.get(), nullptr, nullptr, nullptr));
  }
  if (!authority.key || !authority.certificate ||
      X509_check_private_key(authority.certificate.get(), authority.key.get()) != 1) {
    return absl::FailedPreconditionError(absl::StrCat("cannot read ", stem, ".key and ", stem,
                                                      ".pem as one authority: restore them, or use another --out"));
  }
  return authority;
}

absl::Status check_cluster(const Authority& authority, const std::string& cluster, const std::string& stem) {
  char name[128] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(authority.certificate.get()), NID_commonName, name, sizeof name);
  if (absl::StrCat("chasqui cluster ", cluster) != name) {
    return absl::FailedPreconditionError(
        absl::StrCat(stem, ".pem is the authority of another cluster (", name, "): use another --out"));
  }
  return absl::OkStatus();
}

absl::Status make_node(const Authority& authority, const PeerName& name, const std::string& stem, int days) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) {
    return openssl_failed("make a key");
  }
  const Certificate certificate =
      begin_certificate(key.get(), absl::StrCat("chasqui ", name.cluster, " node ", name.process.value()), days);
  X509* x = certificate.get();
  X509* issuer = authority.certificate.get();
  const bool made = x != nullptr && X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 &&
                    add_extension(x, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
                    add_extension(x, issuer, NID_key_usage, "critical,digitalSignature") &&
                    add_extension(x, issuer, NID_ext_key_usage, "serverAuth,clientAuth") &&
                    add_extension(x, issuer, NID_authority_key_identifier, "keyid") &&
                    add_extension(x, issuer, NID_subject_alt_name, absl::StrCat("URI:", peer_uri(name))) &&
                    X509_sign(x, authority.key.get(), EVP_sha256()) != 0;
  return made ? write_pair(stem, x, key.get()) : openssl_failed("make a certificate");
}

}  // namespace

absl::Status make_cluster_certificates(const std::string& cluster, const std::vector<ProcessId>& processes,
                                       const std::string& directory, int node_days) {
  if (!is_cluster_name(cluster)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", cluster, "\" is no name of a cluster: 1 to 63 of a-z, 0-9 and -"));
  }
  for (const ProcessId process : processes) {
    if (!process || process.value() > processes_max) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no node ", process.value(), ": numbers go from 1 to ", processes_max));
    }
  }
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::FailedPreconditionError(absl::StrCat("cannot make ", directory, ": ", std::strerror(errno)));
  }
  const std::string stem = directory + "/ca";
  struct stat info{};
  const bool is_there = lstat((stem + ".pem").c_str(), &info) == 0 || lstat((stem + ".key").c_str(), &info) == 0;
  const absl::StatusOr<Authority> authority = is_there ? read_authority(stem) : make_authority(cluster, stem);
  if (!authority.ok()) {
    return authority.status();
  }
  if (absl::Status status = check_cluster(*authority, cluster, stem); !status.ok()) {
    return status;
  }
  for (const ProcessId process : processes) {
    const std::string node_stem = absl::StrCat(directory, "/node-", process.value());
    if (absl::Status status = make_node(*authority, {cluster, process}, node_stem, node_days); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace chasqui
