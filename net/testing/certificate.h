// A key and a self-signed certificate for 127.0.0.1 and localhost, made on the spot: no key lies in the repository.
#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <memory>
#include <string>

namespace chasqui::testing {

// Writes DIRECTORY/cert.pem and DIRECTORY/key.pem (0600). False: OpenSSL or the disk failed.
inline bool make_certificate(const std::string& directory) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  if (!key || !certificate) {
    return false;
  }
  X509* x = certificate.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), 24 * 3600);
  X509_set_pubkey(x, key.get());
  X509_NAME* name = X509_get_subject_name(x);
  const unsigned char common_name[] = "localhost";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
  X509_set_issuer_name(x, name);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  X509_add_ext(x, names, -1);
  X509_EXTENSION_free(names);
  if (X509_sign(x, key.get(), EVP_sha256()) == 0) {
    return false;
  }
  const auto write = [&](const std::string& file, auto put) {
    std::FILE* out = std::fopen((directory + file).c_str(), "w");
    const bool is_written = out != nullptr && put(out) == 1;
    return (out == nullptr || std::fclose(out) == 0) && is_written && chmod((directory + file).c_str(), 0600) == 0;
  };
  return write("/cert.pem", [&](std::FILE* out) { return PEM_write_X509(out, x); }) &&
         write("/key.pem", [&](std::FILE* out) {
           return PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
         });
}

}  // namespace chasqui::testing
