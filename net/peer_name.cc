#include "net/peer_name.h"

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace chasqui {

namespace {

constexpr const char* uri_scheme = "chasqui://";

}  // namespace

bool is_cluster_name(const std::string& name) {
  return !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::string peer_uri(const PeerName& name) {
  return absl::StrCat(uri_scheme, name.cluster, "/node/", name.process.value());
}

absl::StatusOr<PeerName> parse_peer_uri(const std::string& uri) {
  PeerName name;
  const std::vector<std::string> parts = absl::StrSplit(uri, '/');
  std::uint64_t process = 0;
  if (parts.size() == 5 && parts[0] == "chasqui:" && parts[1].empty() && is_cluster_name(parts[2]) &&
      parts[3] == "node" && absl::SimpleAtoi(parts[4], &process) && process >= 1 && process <= processes_max) {
    name = {parts[2], ProcessId(process)};
  }
  if (!name.process || peer_uri(name) != uri) {
    return absl::InvalidArgumentError("the certificate names no process of a cluster");
  }
  return name;
}

}  // namespace chasqui
