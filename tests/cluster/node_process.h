// One chasquid of a cluster as a child process, which is killed, paused and restarted on its data and its address.
//
// Its log goes to FOLDER/chasquid.log, since nobody reads a pipe while the clients' loop runs. Nothing here waits, but
// for the death of what was killed. No child outlives its object.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/cluster/faulty_disk/disk_faults.h"
#include "tests/e2e/program.h"

namespace chasqui::cluster {

class NodeProcess {
 public:
  // `folder` holds chasquid.toml; `network`: the file of a network namespace to run in, or empty; `faulty_disk`: what
  // it writes and syncs can be made to fail by disk().
  NodeProcess(std::string folder, std::string network, bool faulty_disk)
      : folder_(std::move(folder)), network_(std::move(network)) {
    if (faulty_disk) disk_ = std::make_unique<DiskFaults>(folder_ + "/faults", data());
  }
  ~NodeProcess() { kill_9(); }
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;

  void spawn() {
    std::filesystem::remove(data() + "/listen");
    const pid_t parent = ::getpid();
    std::vector<std::string> words{
        CHASQUI_BIN_DIR "/chasquid", "--config", folder_ + "/chasquid.toml", "--data-dir", data(), "--limits", "bench"};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::vector<std::string> more;
    if (disk_) more = disk_->environment();
    std::vector<char*> environment;
    for (char** variable = environ; *variable != nullptr; ++variable) environment.push_back(*variable);
    for (std::string& variable : more) environment.push_back(variable.data());
    environment.push_back(nullptr);
    const std::string log = log_path();
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    if (!network_.empty()) {
      const int file = ::open(network_.c_str(), O_RDONLY | O_CLOEXEC);
      if (file < 0 || ::setns(file, CLONE_NEWNET) != 0) ::_exit(126);
    }
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd >= 0) {
      ::dup2(fd, STDOUT_FILENO);
      ::dup2(fd, STDERR_FILENO);
    }
    ::execve(argv[0], argv.data(), environment.data());
    ::_exit(127);
  }
  void kill_9() {
    if (!is_running()) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  void signal(int number) {
    if (is_running()) ::kill(pid_, number);
  }
  [[nodiscard]] bool is_running() {
    if (pid_ < 0) return false;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
    pid_ = -1;
    ended_with_ = status;
    return false;
  }
  // The status of waitpid, of the last time that it ended without kill_9().
  [[nodiscard]] std::optional<int> ended_with() const { return ended_with_; }
  // Its exit code; -1: it was ended by a signal.
  [[nodiscard]] int exit_code() const {
    return ended_with_ && WIFEXITED(*ended_with_) ? WEXITSTATUS(*ended_with_) : -1;
  }
  // It writes this file once it is ready.
  [[nodiscard]] bool is_ready() { return is_running() && std::filesystem::exists(data() + "/listen"); }

  [[nodiscard]] std::string data() const { return folder_ + "/data"; }
  [[nodiscard]] std::string log_path() const { return folder_ + "/chasquid.log"; }
  // The end of its log, for whoever looks for what went wrong.
  [[nodiscard]] std::string last_words(std::size_t bytes_max = 3'000) const {
    std::ifstream file(log_path());
    std::stringstream text;
    text << file.rdbuf();
    const std::string all = text.str();
    return all.size() <= bytes_max ? all : all.substr(all.size() - bytes_max);
  }
  // How many of its lines so far hold these words.
  [[nodiscard]] std::size_t lines_with(const std::string& words) const {
    std::ifstream file(log_path());
    std::size_t count = 0;
    for (std::string line; std::getline(file, line);) {
      if (line.find(words) != std::string::npos) ++count;
    }
    return count;
  }
  [[nodiscard]] DiskFaults& disk() { return *disk_; }
  [[nodiscard]] e2e::Ran admin(const std::vector<std::string>& rest) const {
    std::vector<std::string> words{CHASQUI_BIN_DIR "/chasquid", "admin", "--data-dir", data()};
    words.insert(words.end(), rest.begin(), rest.end());
    return e2e::run(words);
  }

 private:
  std::string folder_;
  std::string network_;
  std::unique_ptr<DiskFaults> disk_;  // or none
  pid_t pid_ = -1;
  std::optional<int> ended_with_;
};

}  // namespace chasqui::cluster
