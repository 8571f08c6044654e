// chasquid: the server. Options, the one right order of start, and of the end.
//
// Exit codes: 0 stopped, 1 cannot start, 2 wrong usage or configuration, 3 (admin) no server there, 74 the disk failed
// or forgot: do not start again, 75 no room: start again later.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/text.h"
#include "net/clock.h"
#include "runtime/admin.h"
#include "runtime/cluster_config.h"
#include "runtime/cluster_plan.h"
#include "runtime/config.h"
#include "runtime/limits_text.h"
#include "runtime/logging.h"
#include "runtime/node_group.h"
#include "runtime/process.h"
#include "storage/node_store.h"

namespace chasqui {
namespace {

constexpr const char* version = "chasquid 0.1.0";

struct Options {
  std::string config_file;
  std::optional<std::string> data_dir;
  std::optional<std::string> listen;
  std::optional<std::string> limits;
  bool insecure = false;
  bool allow_root = false;
  bool print_default_config = false;
  bool print_limits = false;
  bool check_config = false;
  std::string admin_data_dir;
  std::vector<std::string> admin_words;
};

int refuse(int code, const absl::Status& status) {
  std::fprintf(stderr, "chasquid: %s\n", std::string(status.message()).c_str());
  return code;
}

absl::StatusOr<Config> load(const Options& options) {
  std::string content;
  if (!options.config_file.empty()) {
    std::ifstream file(options.config_file);
    std::ostringstream all;
    all << file.rdbuf();
    if (!file) {
      return absl::NotFoundError(absl::StrCat("cannot read the configuration ", options.config_file));
    }
    content = all.str();
  }
  absl::StatusOr<Config> config =
      parse_config(content, options.config_file.empty() ? "chasquid.toml" : options.config_file, options.limits);
  if (!config.ok()) {
    return config.status();
  }
  config->data_dir = options.data_dir.value_or(config->data_dir);
  config->listen = options.listen.value_or(config->listen);
  config->insecure = config->insecure || options.insecure;
  config->allow_root = config->allow_root || options.allow_root;
  if (absl::Status status = check_config(*config); !status.ok()) {
    return status;
  }
  return config;
}

// Reads what the configuration names, so that --check-config and a reload know before they need it.
absl::StatusOr<std::shared_ptr<TlsContext>> load_tls(const Config& config) {
  if (config.tls_certificate.empty()) {
    return std::shared_ptr<TlsContext>();
  }
  return TlsContext::server(config.tls_certificate, config.tls_key);
}

[[noreturn]] void stop_the_process(const absl::Status& status) {
  logging::log_fatal("the store may not be used any more", status);
  _exit(storage::exit_code(status));
}

int serve(const Config& config, std::shared_ptr<TlsContext> tls, std::shared_ptr<PeerTls> peer_tls) {
  NodeGroup group(config, std::move(tls), std::move(peer_tls), stop_the_process);
  if (absl::Status status = group.open(); !status.ok()) {
    logging::log_fatal("cannot open the store", status);
    return storage::exit_code(status);
  }
  if (absl::Status status = group.listen(); !status.ok()) {
    logging::log_fatal("cannot listen", status);
    return 1;
  }
  group.run();
  // What follows flushes and may be skipped (R15): nothing accepted depends on it.
  std::thread([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(900));
    _exit(0);
  }).detach();
  group.close();
  logging::log(logging::Level::Info, "stopped");
  return 0;
}

int run(const Options& options) {
  if (options.print_default_config) {
    std::cout << default_config_text();
    return 0;
  }
  if (options.print_limits) {
    std::cout << limits_markdown();
    return 0;
  }
  const absl::StatusOr<Config> config = load(options);
  if (!config.ok()) {
    return refuse(2, config.status());
  }
  logging::start(config->log_format, config->log_level);
  if (absl::Status status = prepare_process(); !status.ok()) {
    return refuse(1, status);
  }
  if (absl::Status status = check_exposure(*config); !status.ok()) {
    return refuse(2, status);
  }
  if (absl::Status status = check_peer_exposure(*config); !status.ok()) {
    return refuse(2, status);
  }
  auto tls = load_tls(*config);
  if (!tls.ok()) {
    return refuse(2, tls.status());
  }
  auto peer_tls = load_peer_tls(*config);
  if (!peer_tls.ok()) {
    return refuse(2, peer_tls.status());
  }
  if (options.check_config) {
    std::cout << "the configuration is good\n";
    return 0;
  }
  return serve(*config, *std::move(tls), *std::move(peer_tls));
}

int main_with(int argc, char** argv) {
  Options options;
  CLI::App app{"The Chasqui server. Works without a configuration file; options stand above it."};
  app.set_version_flag("--version", version);
  app.add_option("--config", options.config_file, "chasquid.toml")->type_name("FILE");
  app.add_option("--data-dir", options.data_dir, "where everything is kept")->type_name("DIR");
  app.add_option("--listen", options.listen, "for clients; port 0: any free one")->type_name("ADDR:PORT");
  app.add_option("--limits", options.limits, "profile of limits")->type_name("default|bench");
  app.add_flag("--insecure", options.insecure, "plain text off loopback");
  app.add_flag("--allow-root", options.allow_root, "root off loopback");
  app.add_flag("--print-default-config", options.print_default_config, "a commented chasquid.toml");
  app.add_flag("--print-limits", options.print_limits, "every limit, as a table");
  app.add_flag("--check-config", options.check_config, "look at the configuration and its files, then end");
  CLI::App* admin = app.add_subcommand("admin", "Talks to a running server of this machine by its admin socket.");
  admin->add_option("--data-dir", options.admin_data_dir, "of that server")->type_name("DIR")->required();
  admin->add_option("command", options.admin_words, "provision N PREFIX, or stats")->required()->expected(1, 3);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return admin->parsed() ? run_admin_command(options.admin_data_dir, options.admin_words) : run(options);
}

}  // namespace
}  // namespace chasqui

int main(int argc, char** argv) {
  return chasqui::main_with(argc, argv);
}
