// What a bench measures: one server that stands alone, or a cluster of processes with one node each, on loopback.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/harness/server_process.h"
#include "net/client/server_list.h"

namespace chasqui::bench {

class Servers {
 public:
  struct Options {
    std::uint64_t nodes = 1;
    std::uint64_t shards = 64;
    std::string limits = "bench";
  };
  // Their data go into `folder`, which must be there.
  Servers(const std::string& folder, const Options& options);

  // Until all are ready, and each leads its part of the shards.
  [[nodiscard]] absl::Status start();
  // Users PREFIX0 .. PREFIX(n-1), by the admin socket of the first.
  [[nodiscard]] absl::StatusOr<std::vector<client::Credentials>> provision(std::uint64_t count,
                                                                           const std::string& prefix) const;

  [[nodiscard]] std::size_t size() const { return all_.size(); }
  [[nodiscard]] ServerProcess& at(std::size_t place) { return *all_[place]; }
  // All of them, those from this place on first: a device tries them in this order.
  [[nodiscard]] net::ServerList list(std::size_t first) const;
  // User and system time of all so far.
  [[nodiscard]] std::uint64_t cpu_us() const;
  [[nodiscard]] std::int64_t rss_kib() const;  // resident memory of all, now
  // A number of their inside, by its name in the stats, summed over all; -1: one does not answer.
  [[nodiscard]] std::int64_t stat(const std::string& name) const;

 private:
  [[nodiscard]] bool each_leads_its_part() const;

  Options options_;
  std::vector<std::unique_ptr<ServerProcess>> all_;
};

}  // namespace chasqui::bench
