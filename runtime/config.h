// chasquid.toml: every key, its default and what it means; and what the command line may override.
//
// One row for each key (config.cc): parsing, --print-default-config and the documentation come from it. An unknown key
// is an error with its line and the nearest key there is, since a limit that is silently ignored is no limit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/bounds.h"

namespace chasqui {

// A process of the cluster and where it listens for the others.
struct PeerEntry {
  std::uint64_t node = 0;
  std::string address;
  friend bool operator==(const PeerEntry&, const PeerEntry&) = default;
};

struct Config {
  std::string listen = "127.0.0.1:8080";
  std::string data_dir = "chasqui-data";
  bool insecure = false;
  bool allow_root = false;

  std::string tls_certificate;  // PEM file; empty: plain text
  std::string tls_key;

  std::vector<std::string> http_origins;

  std::uint64_t node_id = 1;
  std::uint64_t shards = 64;

  std::string cluster_id;  // empty: this process stands alone
  std::string listen_peers;
  std::vector<PeerEntry> peers;
  std::uint64_t nodes_per_process = 0;
  std::string peer_certificate;
  std::string peer_key;
  std::string peer_ca;

  std::uint64_t ballast_bytes_max = std::uint64_t{2} << 30;
  std::uint64_t disk_bytes_max = 0;
  std::uint64_t block_cache_bytes = 64 << 20;

  std::string log_format = "auto";  // auto, text, json
  std::string log_level = "info";   // debug, info, warn, error

  std::string limits_profile = "default";  // default, bench
  Limits limits;
};

// `profile`: overrides the file's, if given. `name`: of the file, for messages. InvalidArgument: line, what and why.
[[nodiscard]] absl::StatusOr<Config> parse_config(std::string_view toml, std::string_view name,
                                                  std::optional<std::string> profile = std::nullopt);

// What no single key can say: values that do not go together. Looks at no file and no system.
[[nodiscard]] absl::Status check_config(const Config& config);

// A commented chasquid.toml that says what is so without it.
[[nodiscard]] std::string default_config_text();

}  // namespace chasqui
