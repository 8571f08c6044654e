#include "runtime/process.h"

#include <google/protobuf/stubs/logging.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "absl/strings/str_cat.h"
#include "net/address.h"
#include "runtime/logging.h"

namespace chasqui {

absl::Status prepare_process() {
  std::signal(SIGPIPE, SIG_IGN);
  umask(0077);
  google::protobuf::SetLogHandler(nullptr);  // what a client sends wrong is answered, not printed
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  if (sodium_init() < 0) {
    return absl::InternalError("libsodium finds no source of randomness");
  }
  return absl::OkStatus();
}

absl::Status check_exposure(const Config& config) {
  const absl::StatusOr<Endpoint> endpoint = parse_endpoint(config.listen);
  if (!endpoint.ok()) {
    return endpoint.status();
  }
  const bool is_local = is_loopback(to_address(endpoint->address()));
  if (!is_local && config.tls_certificate.empty() && !config.insecure) {
    return absl::FailedPreconditionError(
        absl::StrCat("refused to serve plain text on ", config.listen,
                     ", which other machines reach: set tls.certificate and tls.key, or say --insecure"));
  }
  if (geteuid() == 0) {
    if (!is_local && !config.allow_root) {
      return absl::FailedPreconditionError(
          absl::StrCat("refused to run as root on ", config.listen,
                       ", which other machines reach: use another user, or say --allow-root"));
    }
    logging::log(logging::Level::Warn, "running as root: a user of its own would be safer");
  }
  return absl::OkStatus();
}

}  // namespace chasqui
