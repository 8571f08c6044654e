// The servers of a cluster, as a person writes them: URLs with commas between. Whoever does not answer is left for the
// next one; any of them serves everybody.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "net/client/endpoint.h"

namespace chasqui::net {

class ServerList {
 public:
  ServerList(Endpoint only) : servers_{std::move(only)} {}  // NOLINT(google-explicit-constructor): most have one

  [[nodiscard]] const Endpoint& current() const { return servers_[current_]; }
  void next() { current_ = (current_ + 1) % servers_.size(); }
  [[nodiscard]] std::size_t size() const { return servers_.size(); }
  [[nodiscard]] std::string text() const;  // as it is printed and kept
  void set_ca_file(const std::string& ca_file);

 private:
  friend absl::StatusOr<ServerList> parse_servers(std::string_view urls);
  explicit ServerList(std::vector<Endpoint> servers) : servers_(std::move(servers)) {}

  std::vector<Endpoint> servers_;  // at least one
  std::size_t current_ = 0;
};

constexpr std::size_t servers_max = 32;

// InvalidArgument: one of them is no URL of a server, or there are more than servers_max.
[[nodiscard]] absl::StatusOr<ServerList> parse_servers(std::string_view urls);

}  // namespace chasqui::net
