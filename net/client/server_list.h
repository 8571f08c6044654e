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
  // The n-th of the others, from the next one on and round; n = 0, 1, ... Only of several.
  [[nodiscard]] const Endpoint& other(std::size_t n) const { return servers_[index_of_other(n)]; }
  void take_other(std::size_t n) { current_ = index_of_other(n); }
  void next() { current_ = (current_ + 1) % servers_.size(); }
  [[nodiscard]] std::size_t size() const { return servers_.size(); }
  [[nodiscard]] std::string text() const;  // as it is printed and kept
  void set_ca_file(const std::string& ca_file);

 private:
  friend absl::StatusOr<ServerList> parse_servers(std::string_view urls);
  explicit ServerList(std::vector<Endpoint> servers) : servers_(std::move(servers)) {}

  [[nodiscard]] std::size_t index_of_other(std::size_t n) const {
    return (current_ + 1 + n % (servers_.size() - 1)) % servers_.size();
  }

  std::vector<Endpoint> servers_;  // at least one
  std::size_t current_ = 0;
};

constexpr std::size_t servers_max = 32;

// InvalidArgument: one of them is no URL of a server, or there are more than servers_max.
[[nodiscard]] absl::StatusOr<ServerList> parse_servers(std::string_view urls);

}  // namespace chasqui::net
