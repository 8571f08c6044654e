// A real chasquid as a child process: for benches and end-to-end tests.
//
// It is found in the given folder, gets a data directory and a free port of loopback, and logs to DIR/chasquid.log.
// Invariant: no child outlives its object.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/client/client.h"
#include "net/client/endpoint.h"

namespace chasqui::bench {

// The folder of this very program: where its neighbours are.
[[nodiscard]] std::string program_folder();

// Of loopback, one that nobody had a moment ago: for addresses that must be known before their processes are there.
[[nodiscard]] std::uint16_t free_port();

// A folder that goes away with all that is in it.
class TemporaryFolder {
 public:
  // Under `parent`, or $TMPDIR, or /tmp.
  explicit TemporaryFolder(const std::string& parent = "");
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class ServerProcess {
 public:
  // `config`: the text of its chasquid.toml, which names its address then; empty: it has none.
  ServerProcess(std::string program, std::string data_dir, std::string limits, std::string config = "");
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Starts it, on the port that it had before if there was one, and waits until it is ready. The kernel kills it when
  // the thread that spawned it ends: spawn from one that lives.
  [[nodiscard]] absl::Status start();
  [[nodiscard]] absl::Status spawn();             // the first half of start()
  [[nodiscard]] absl::Status wait_until_ready();  // the second, from any thread
  void kill_9();                                  // and waits for it
  [[nodiscard]] absl::Status stop();  // SIGTERM; not Ok if it takes over 10 s or says that something is wrong

  [[nodiscard]] const net::Endpoint& endpoint() const { return endpoint_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] std::string log_path() const { return data_dir_ + "/../chasquid.log"; }
  // Users PREFIX0 .. PREFIX(n-1), by the admin socket.
  [[nodiscard]] absl::StatusOr<std::vector<client::Credentials>> provision(std::uint64_t count,
                                                                           const std::string& prefix) const;
  // What its admin socket says of its inside, in one line of JSON; empty if it does not answer.
  [[nodiscard]] std::string stats() const;
  // User and system time so far; 0 if it does not run.
  [[nodiscard]] std::uint64_t cpu_us() const;

 private:
  [[nodiscard]] bool has_ended();

  std::string program_;
  std::string data_dir_;
  std::string limits_;
  std::string config_;
  pid_t pid_ = -1;
  int exit_status_ = 0;
  net::Endpoint endpoint_;
};

}  // namespace chasqui::bench
