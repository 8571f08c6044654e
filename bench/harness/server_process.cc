#include "bench/harness/server_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/check.h"

namespace chasqui::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto ready_max = std::chrono::seconds(30);
constexpr auto poll_every = std::chrono::milliseconds(10);

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class Socket {
 public:
  explicit Socket(int family) : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] bool connect(const sockaddr* address, socklen_t size) const {
    return ::connect(fd_, address, size) == 0;
  }
  [[nodiscard]] bool send(std::string_view bytes) const {
    return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  // What there is; empty at the end.
  [[nodiscard]] std::string receive() const {
    std::array<char, 65536> chunk;
    const ssize_t count = ::recv(fd_, chunk.data(), chunk.size(), 0);
    return count <= 0 ? std::string() : std::string(chunk.data(), static_cast<std::size_t>(count));
  }

 private:
  int fd_;
};

bool says_ready(std::uint16_t port) {
  const Socket socket(AF_INET);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!socket.connect(reinterpret_cast<const sockaddr*>(&address), sizeof address)) return false;
  if (!socket.send("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")) return false;
  return socket.receive().starts_with("HTTP/1.1 200");
}

}  // namespace

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  void* raw = &address;
  socklen_t size = sizeof address;
  const bool bound =
      ::bind(fd, static_cast<sockaddr*>(raw), size) == 0 && ::getsockname(fd, static_cast<sockaddr*>(raw), &size) == 0;
  ::close(fd);
  CHASQUI_ASSERT(bound, "loopback has a free port");
  return ntohs(address.sin_port);
}

std::string program_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

TemporaryFolder::TemporaryFolder(const std::string& parent) {
  std::string pattern = (parent.empty() ? std::filesystem::temp_directory_path().string() : parent) + "/chasqui-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) std::perror(pattern.c_str());
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

ServerProcess::ServerProcess(std::string program, std::string data_dir, std::string limits, std::string config)
    : program_(std::move(program)),
      data_dir_(std::move(data_dir)),
      limits_(std::move(limits)),
      config_(std::move(config)) {
  endpoint_.host = "127.0.0.1";
}

ServerProcess::~ServerProcess() {
  kill_9();
}

absl::Status ServerProcess::start() {
  if (absl::Status spawned = spawn(); !spawned.ok()) return spawned;
  return wait_until_ready();
}

absl::Status ServerProcess::spawn() {
  std::error_code ignored;
  std::filesystem::create_directories(data_dir_, ignored);
  std::filesystem::remove(data_dir_ + "/listen", ignored);
  const std::string listen = absl::StrCat("127.0.0.1:", endpoint_.port.empty() ? "0" : endpoint_.port);
  const std::string config_path = data_dir_ + "/../chasquid.toml";
  if (!config_.empty()) std::ofstream(config_path) << config_;
  // The address of one that has a configuration is its own.
  const std::array<const char*, 8> words{program_.c_str(),
                                         "--data-dir",
                                         data_dir_.c_str(),
                                         "--limits",
                                         limits_.c_str(),
                                         config_.empty() ? "--listen" : "--config",
                                         config_.empty() ? listen.c_str() : config_path.c_str(),
                                         nullptr};
  const std::string log = log_path();
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) return absl::InternalError(absl::StrCat("fork: ", std::strerror(errno)));
  if (pid_ == 0) {
    // A child of a program that was killed goes as well.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd >= 0) {
      ::dup2(fd, STDOUT_FILENO);
      ::dup2(fd, STDERR_FILENO);
    }
    ::execv(program_.c_str(), const_cast<char* const*>(words.data()));
    ::_exit(127);
  }
  return absl::OkStatus();
}

bool ServerProcess::has_ended() {
  if (pid_ < 0) return true;
  if (::waitpid(pid_, &exit_status_, WNOHANG) != pid_) return false;
  pid_ = -1;
  return true;
}

absl::Status ServerProcess::wait_until_ready() {
  const auto until = Clock::now() + ready_max;
  while (Clock::now() < until) {
    if (has_ended()) {
      return absl::InternalError(absl::StrCat(program_, " ended at its start:\n", read_text(log_path())));
    }
    const std::string listen = read_text(data_dir_ + "/listen");
    const std::size_t colon = listen.rfind(':');
    std::uint32_t port = 0;
    if (colon != std::string::npos && absl::SimpleAtoi(listen.substr(colon + 1), &port) && port <= 65'535 &&
        says_ready(static_cast<std::uint16_t>(port))) {
      endpoint_.port = absl::StrCat(port);
      return absl::OkStatus();
    }
    std::this_thread::sleep_for(poll_every);
  }
  return absl::DeadlineExceededError(absl::StrCat(program_, " is not ready after 30 s:\n", read_text(log_path())));
}

void ServerProcess::kill_9() {
  if (has_ended()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, &exit_status_, 0);
  pid_ = -1;
}

absl::Status ServerProcess::stop() {
  if (has_ended()) return absl::InternalError("the server was not running any more");
  ::kill(pid_, SIGTERM);
  const auto until = Clock::now() + std::chrono::seconds(10);
  while (Clock::now() < until) {
    if (has_ended()) {
      if (WIFEXITED(exit_status_) && WEXITSTATUS(exit_status_) == 0) return absl::OkStatus();
      return absl::InternalError(absl::StrCat("the server ended badly:\n", read_text(log_path())));
    }
    std::this_thread::sleep_for(poll_every);
  }
  return absl::DeadlineExceededError("the server did not stop within 10 s");
}

absl::StatusOr<std::vector<client::Credentials>> ServerProcess::provision(std::uint64_t count,
                                                                          const std::string& prefix) const {
  const Socket socket(AF_UNIX);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = data_dir_ + "/admin.sock";
  if (path.size() >= sizeof address.sun_path) return absl::InvalidArgumentError(path + ": too long for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (!socket.connect(reinterpret_cast<const sockaddr*>(&address), sizeof address) ||
      !socket.send(absl::StrCat("provision ", count, " ", prefix, "\n"))) {
    return absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  std::vector<client::Credentials> users;
  std::string text;
  while (users.size() < count) {
    const std::string more = socket.receive();
    if (more.empty()) return absl::UnavailableError(absl::StrCat(path, " ended after ", users.size(), " users"));
    text += more;
    std::size_t begin = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
      const std::vector<std::string> words = absl::StrSplit(text.substr(begin, end - begin), ' ');
      begin = end + 1;
      std::uint64_t user = 0;
      std::uint64_t device = 0;
      if (words.size() != 4 || !absl::SimpleAtoi(words[1], &user) || !absl::SimpleAtoi(words[2], &device)) {
        return absl::InternalError(absl::StrCat("provision: ", absl::StrJoin(words, " ")));
      }
      users.push_back({UserId(user), DeviceId(device), absl::HexStringToBytes(words[3]), words[0]});
    }
    text.erase(0, begin);
  }
  return users;
}

std::string ServerProcess::stats() const {
  const Socket socket(AF_UNIX);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = data_dir_ + "/admin.sock";
  if (path.size() >= sizeof address.sun_path) return "";
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (!socket.connect(reinterpret_cast<const sockaddr*>(&address), sizeof address) || !socket.send("stats\n"))
    return "";
  return socket.receive();
}

std::uint64_t ServerProcess::cpu_us() const {
  if (pid_ < 0) return 0;
  const std::string stat = read_text(absl::StrCat("/proc/", pid_, "/stat"));
  // Fields behind the name, which may hold anything but ends in ')': utime and stime are numbers 14 and 15 of all.
  const std::vector<std::string> fields = absl::StrSplit(stat.substr(stat.rfind(')') + 2), ' ');
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  if (fields.size() < 13 || !absl::SimpleAtoi(fields[11], &user) || !absl::SimpleAtoi(fields[12], &system)) return 0;
  return (user + system) * 1'000'000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
}

}  // namespace chasqui::bench
