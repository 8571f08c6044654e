// Makes the cluster's own authority and a certificate for each of its processes (`chasqui cluster init-certs`).
//
//   DIR/ca.pem DIR/ca.key            the authority, 10 years; the key is needed again only to make more certificates
//   DIR/node-N.pem DIR/node-N.key    of process N, 90 days
//
// All keys are 0600. An authority that is there is used again, so that the same call renews or adds certificates.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "net/peer_hello.h"

namespace chasqui {

constexpr int authority_days = 3650;
constexpr int node_certificate_days = 90;

// InvalidArgument: a name or number that cannot be. FailedPrecondition: a file cannot be read or written.
[[nodiscard]] absl::Status make_cluster_certificates(const std::string& cluster,
                                                     const std::vector<ProcessId>& processes,
                                                     const std::string& directory,
                                                     int node_days = node_certificate_days);

}  // namespace chasqui
