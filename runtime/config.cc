#include "runtime/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <functional>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "core/base/text.h"
#include "net/address.h"
#include "net/peer_hello.h"
#include "runtime/cluster_config.h"
#include "runtime/limits_text.h"

namespace chasqui {

namespace {

// One key. `path`: with the table before a dot.
struct Row {
  std::string_view path;
  std::string_view doc;
  std::function<absl::Status(Config&, const toml::node&)> set;
  std::function<std::string(const Config&)> show;  // as TOML
};

std::string quoted(std::string_view s) {
  return absl::StrCat("\"", text(s), "\"");
}

Row string_row(std::string_view path, std::string_view doc, std::string Config::* member,
               std::vector<std::string_view> choices = {}) {
  return {path, doc,
          [member, choices](Config& config, const toml::node& node) -> absl::Status {
            const auto value = node.value_exact<std::string>();
            if (!value) {
              return absl::InvalidArgumentError("must be a string");
            }
            if (!choices.empty() && std::find(choices.begin(), choices.end(), *value) == choices.end()) {
              std::string list;
              for (const std::string_view choice : choices) {
                absl::StrAppend(&list, list.empty() ? "" : ", ", text(choice));
              }
              return absl::InvalidArgumentError(absl::StrCat("is ", quoted(*value), ": must be one of ", list));
            }
            config.*member = *value;
            return absl::OkStatus();
          },
          [member](const Config& config) { return quoted(config.*member); }};
}

Row bool_row(std::string_view path, std::string_view doc, bool Config::* member) {
  return {path, doc,
          [member](Config& config, const toml::node& node) -> absl::Status {
            const auto value = node.value_exact<bool>();
            if (!value) {
              return absl::InvalidArgumentError("must be true or false");
            }
            config.*member = *value;
            return absl::OkStatus();
          },
          [member](const Config& config) { return config.*member ? "true" : "false"; }};
}

absl::StatusOr<std::uint64_t> number(const toml::node& node, std::uint64_t min, std::uint64_t max) {
  const auto value = node.value_exact<std::int64_t>();
  if (!value || *value < 0 || static_cast<std::uint64_t>(*value) < min || static_cast<std::uint64_t>(*value) > max) {
    return absl::InvalidArgumentError(absl::StrCat("must be a whole number from ", min, " to ", max));
  }
  return static_cast<std::uint64_t>(*value);
}

Row number_row(std::string_view path, std::string_view doc, std::uint64_t Config::* member, std::uint64_t min,
               std::uint64_t max) {
  return {path, doc,
          [member, min, max](Config& config, const toml::node& node) -> absl::Status {
            const auto value = number(node, min, max);
            if (value.ok()) {
              config.*member = *value;
            }
            return value.status();
          },
          [member](const Config& config) { return absl::StrCat(config.*member); }};
}

Row list_row(std::string_view path, std::string_view doc, std::vector<std::string> Config::* member) {
  return {path, doc,
          [member](Config& config, const toml::node& node) -> absl::Status {
            const toml::array* array = node.as_array();
            std::vector<std::string> values;
            if (array != nullptr) {
              for (const toml::node& element : *array) {
                if (const auto value = element.value_exact<std::string>()) {
                  values.push_back(*value);
                }
              }
            }
            if (array == nullptr || values.size() != array->size()) {
              return absl::InvalidArgumentError("must be a list of strings");
            }
            config.*member = std::move(values);
            return absl::OkStatus();
          },
          [member](const Config& config) {
            std::string out = "[";
            for (const std::string& value : config.*member) {
              absl::StrAppend(&out, out.size() > 1 ? ", " : "", quoted(value));
            }
            return absl::StrCat(out, "]");
          }};
}

Row peers_row(std::string_view path, std::string_view doc) {
  return {path, doc, read_peers, [](const Config& config) { return peers_text(config.peers); }};
}

constexpr std::uint64_t bytes_max = std::uint64_t{1} << 50;

// In the order in which they are printed: keys without a table first, as TOML wants it.
const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      string_row("listen", "Address and port for clients (HTTP and WebSocket). Port 0: any free one, told in the log.",
                 &Config::listen),
      string_row("data_dir", "Directory of everything that must survive. Made if it is not there, for its owner alone.",
                 &Config::data_dir),
      bool_row("insecure", "Serve plain text to other machines. Without it plain text is only served on loopback.",
               &Config::insecure),
      bool_row("allow_root", "Run as root on an address that other machines reach.", &Config::allow_root),
      string_row("tls.certificate", "PEM file: the certificate, then its chain. Empty: plain text.",
                 &Config::tls_certificate),
      string_row("tls.key", "PEM file: its key, readable by its owner alone. SIGHUP reads both again.",
                 &Config::tls_key),
      list_row("http.origins",
               "Origins whose pages may connect from a browser, e.g. \"https://chat.example.org\". Programs send none.",
               &Config::http_origins),
      number_row("node.id", "Number of this process in its cluster, another one in each: 1 to 4095.", &Config::node_id,
                 1, 1'000'000),
      number_row("node.shards", "Shards of a new cluster. It cannot be changed later.", &Config::shards, 1,
                 bounds::shards_max),
      string_row(
          "cluster.id",
          "Name of the cluster (a-z, 0-9 and -), the same in each of its processes. Empty: this one stands alone.",
          &Config::cluster_id),
      peers_row("cluster.peers",
                "All processes of the cluster, this one among them: their node.id, and where they listen for each "
                "other. One, or three and more; e.g. [{node = 1, address = \"10.0.0.1:7400\"}, ...]"),
      string_row("cluster.listen_peers",
                 "Address and port for the others. Empty: the one of this node in cluster.peers.",
                 &Config::listen_peers),
      number_row("cluster.nodes_per_process",
                 "Nodes in this process, one thread each; the same everywhere, for good. 0: as many as the first start "
                 "finds cores for.",
                 &Config::nodes_per_process, 0, nodes_per_process_max),
      string_row("cluster.certificate",
                 "PEM file of this node, by `chasqui cluster init-certs`. Empty: plain text, on loopback alone.",
                 &Config::peer_certificate),
      string_row("cluster.key", "PEM file: its key, readable by its owner alone. SIGHUP reads all three again.",
                 &Config::peer_key),
      string_row("cluster.ca", "PEM file: the cluster's own authority.", &Config::peer_ca),
      number_row("storage.ballast_bytes_max",
                 "A file that is thrown out when the disk is nearly full: 2 % of the disk, at most this. 0: none.",
                 &Config::ballast_bytes_max, 0, bytes_max),
      number_row("storage.disk_bytes_max", "Behave as if the disk were no larger. 0: the whole disk.",
                 &Config::disk_bytes_max, 0, bytes_max),
      number_row("storage.block_cache_bytes", "Memory for rows that were read.", &Config::block_cache_bytes, 1 << 20,
                 bytes_max),
      string_row("log.format", "text, json (one object a line), or auto: text on a terminal, else json.",
                 &Config::log_format, {"auto", "text", "json"}),
      string_row("log.level", "debug, info, warn or error: what is less is not logged.", &Config::log_level,
                 {"debug", "info", "warn", "error"}),
  };
  return all;
}

const Row limits_profile_row =
    string_row("limits.profile", "default, or bench: rates that never bite, for benches and load. See docs/limits.md.",
               &Config::limits_profile, {"default", "bench"});

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); j++) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); i++) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); j++) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string nearest_key(std::string_view unknown) {
  std::string best;
  std::size_t best_distance = std::string::npos;
  const auto consider = [&](std::string_view key) {
    if (const std::size_t distance = edit_distance(unknown, key); distance < best_distance) {
      best_distance = distance;
      best = std::string(key);
    }
  };
  for (const Row& row : rows()) {
    consider(row.path);
  }
  consider(limits_profile_row.path);
  for (const LimitRow& row : limit_rows()) {
    consider(absl::StrCat("limits.", text(row.name)));
  }
  return best;
}

// Goes through the document once, so that nothing in it stays unread.
class Reader {
 public:
  Reader(std::string_view file, std::optional<std::string> profile) : file_(file), profile_(std::move(profile)) {}

  absl::StatusOr<Config> read(const toml::table& document) {
    // The profile first: single limits stand above it, wherever they are written.
    if (absl::Status status = read_profile(document); !status.ok()) {
      return status;
    }
    for (const auto& [key, node] : document) {
      if (absl::Status status = read_key(key.str(), node); !status.ok()) {
        return status;
      }
    }
    return config_;
  }

 private:
  absl::Status at(const toml::node& node, std::string_view path, std::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat(text(file_), ":", node.source().begin.line, ": ", text(path), " ", text(what)));
  }

  absl::Status read_profile(const toml::table& document) {
    const toml::node* node = document.get("limits");
    if (node != nullptr && node->is_table()) {
      node = node->as_table()->get("profile");
    }
    if (node != nullptr) {
      if (const absl::Status status = limits_profile_row.set(config_, *node); !status.ok()) {
        return at(*node, "limits", std_view(status.message()));
      }
    }
    if (profile_) {
      config_.limits_profile = *profile_;
    }
    config_.limits = config_.limits_profile == "bench" ? Limits::bench() : Limits();
    return absl::OkStatus();
  }

  absl::Status read_key(std::string_view path, const toml::node& node) {
    if (path == "limits.profile" || (path == "limits" && node.is_string())) {
      return absl::OkStatus();  // read before
    }
    for (const Row& row : rows()) {
      if (row.path == path) {
        const absl::Status status = row.set(config_, node);
        return status.ok() ? status : at(node, path, std_view(status.message()));
      }
    }
    for (const LimitRow& row : limit_rows()) {
      if (absl::StrCat("limits.", text(row.name)) == text(path)) {
        const auto value = number(node, 1, std::uint64_t{1} << 40);
        if (!value.ok()) {
          return at(node, path, std_view(value.status().message()));
        }
        config_.limits.*row.member = *value;
        return absl::OkStatus();
      }
    }
    if (const toml::table* table = node.as_table(); table != nullptr && path.find('.') == std::string_view::npos) {
      for (const auto& [key, inner] : *table) {
        if (absl::Status status = read_key(absl::StrCat(text(path), ".", text(key.str())), inner); !status.ok()) {
          return status;
        }
      }
      return absl::OkStatus();
    }
    return at(node, path,
              absl::StrCat("is no key of this file. The nearest is ", nearest_key(path),
                           "; chasquid --print-default-config shows all"));
  }

  std::string file_;
  std::optional<std::string> profile_;
  Config config_;
};

void print_row(const Row& row, std::string_view key, std::string& out) {
  absl::StrAppend(&out, "\n# ", text(row.doc), "\n", text(key), " = ", row.show(Config()), "\n");
}

}  // namespace

absl::StatusOr<Config> parse_config(std::string_view toml, std::string_view name, std::optional<std::string> profile) {
  if (profile && *profile != "default" && *profile != "bench") {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no profile of limits ", quoted(*profile), ": say default or bench"));
  }
  try {
    const toml::table document = toml::parse(toml, name);
    return Reader(name, std::move(profile)).read(document);
  } catch (const toml::parse_error& error) {
    const std::string_view what = error.description();
    return absl::InvalidArgumentError(absl::StrCat(text(name), ":", error.source().begin.line, ": ", text(what)));
  }
}

absl::Status check_config(const Config& config) {
  if (const auto endpoint = parse_endpoint(config.listen); !endpoint.ok()) {
    return endpoint.status();
  }
  if (config.tls_certificate.empty() != config.tls_key.empty()) {
    return absl::InvalidArgumentError("tls.certificate and tls.key go together: give both or none");
  }
  if (config.data_dir.empty()) {
    return absl::InvalidArgumentError("data_dir is empty: name a directory");
  }
  const Limits& limits = config.limits;
  if (limits.websocket_message_bytes_max < limits.message_bytes_max + 1'024) {
    return absl::InvalidArgumentError(absl::StrCat(
        "limits.websocket_message_bytes_max is ", limits.websocket_message_bytes_max,
        ": it must hold limits.message_bytes_max (", limits.message_bytes_max, ") and 1024 bytes around it"));
  }
  if (limits.election_timeout_ms < 3 * limits.heartbeat_ms) {
    return absl::InvalidArgumentError(absl::StrCat("limits.election_timeout_ms is ", limits.election_timeout_ms,
                                                   ": it must be at least three of limits.heartbeat_ms (",
                                                   limits.heartbeat_ms, ")"));
  }
  if (limits.idle_timeout_ms <= limits.ping_interval_ms) {
    return absl::InvalidArgumentError(absl::StrCat("limits.idle_timeout_ms is ", limits.idle_timeout_ms,
                                                   ": it must be above limits.ping_interval_ms (",
                                                   limits.ping_interval_ms, ")"));
  }
  if (limits.password_bytes_min < 8) {
    return absl::InvalidArgumentError(
        absl::StrCat("limits.password_bytes_min is ", limits.password_bytes_min, ": it must not be under 8"));
  }
  return check_cluster(config);
}

std::string default_config_text() {
  std::string out =
      "# chasquid.toml: every key, with what is so without it. A key that is not known is an error.\n"
      "# Options of the command line stand above this file.\n";
  std::string table;
  for (const Row& row : rows()) {
    const std::size_t dot = row.path.find('.');
    if (dot != std::string_view::npos && row.path.substr(0, dot) != table) {
      table = std::string(row.path.substr(0, dot));
      absl::StrAppend(&out, "\n[", table, "]\n");
    }
    print_row(row, dot == std::string_view::npos ? row.path : row.path.substr(dot + 1), out);
  }
  absl::StrAppend(&out, "\n[limits]\n");
  print_row(limits_profile_row, "profile", out);
  for (const LimitRow& row : limit_rows()) {
    absl::StrAppend(&out, "\n# ", text(row.unit), row.reason.empty() ? "" : ": ", text(row.reason), "\n# ",
                    text(row.name), " = ", row.normal, "\n");
  }
  return out;
}

}  // namespace chasqui
