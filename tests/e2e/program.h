// A program of ours as a child process: its stdin, what it prints, and how it ends.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace chasqui::e2e {

class Program {
 public:
  enum class Terminal { No, Yes };

  // `words`: the program's path and its arguments. On a terminal stdout and stderr are one.
  explicit Program(const std::vector<std::string>& words, Terminal terminal = Terminal::No) {
    terminal == Terminal::Yes ? spawn_on_terminal(words) : spawn_on_pipes(words);
  }
  ~Program() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    close_stdin();
    if (out_ >= 0) ::close(out_);
    if (err_ >= 0) ::close(err_);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void type(const std::string& text) const {
    std::size_t at = 0;
    while (at < text.size()) {
      const ssize_t count = ::write(in_, text.data() + at, text.size() - at);
      if (count <= 0) return;
      at += static_cast<std::size_t>(count);
    }
  }
  void close_stdin() {
    if (in_ >= 0 && in_ != out_) ::close(in_);
    in_ = -1;
  }
  void signal(int number) const { ::kill(pid_, number); }

  // Reads until stdout holds `text` beyond what an earlier call saw; false: not within 20 s.
  bool sees(const std::string& text, int timeout_ms = 20'000) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    for (;;) {
      const std::size_t at = stdout_.find(text, seen_);
      if (at != std::string::npos) {
        seen_ = at + text.size();
        return true;
      }
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      if (left.count() <= 0 || !read_some(static_cast<int>(left.count()))) return false;
    }
  }

  // Its exit code; -1: a signal, or it did not end within 60 s.
  int wait() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while ((out_ >= 0 || err_ >= 0) && std::chrono::steady_clock::now() < until) read_some(200);
    int status = 0;
    while (::waitpid(pid_, &status, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() >= until) return -1;
      ::usleep(2'000);
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  // What it has printed to stderr until now.
  const std::string& errors_so_far() {
    while (err_ >= 0 && read_some(0)) {
    }
    return stderr_;
  }
  [[nodiscard]] const std::string& out() const { return stdout_; }
  [[nodiscard]] const std::string& err() const { return stderr_; }

 private:
  [[noreturn]] static void become(const std::vector<std::string>& words) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }

  void spawn_on_pipes(const std::vector<std::string>& words) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0 ||
        ::pipe2(err.data(), O_CLOEXEC) != 0) {
      std::abort();
    }
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setsid();  // no terminal: a password cannot be asked for
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      ::dup2(err[1], STDERR_FILENO);
      become(words);
    }
    ::close(in[0]);
    ::close(out[1]);
    ::close(err[1]);
    in_ = in[1];
    out_ = out[0];
    err_ = err[0];
    ::signal(SIGPIPE, SIG_IGN);
  }

  void spawn_on_terminal(const std::vector<std::string>& words) {
    winsize size{24, 80, 0, 0};
    pid_ = ::forkpty(&out_, nullptr, nullptr, &size);
    if (pid_ == 0) {
      ::setenv("TERM", "xterm", 1);
      become(words);
    }
    in_ = out_;
  }

  // False: nothing more will come, or nothing came in time.
  bool read_some(int timeout_ms) {
    std::array<pollfd, 2> fds{{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), timeout_ms) <= 0) return false;
    if (fds[0].revents != 0) take(out_, stdout_);
    if (fds[1].revents != 0) take(err_, stderr_);
    return out_ >= 0 || err_ >= 0;
  }

  static void take(int& fd, std::string& into) {
    std::array<char, 65536> chunk;
    const ssize_t count = ::read(fd, chunk.data(), chunk.size());
    if (count > 0) {
      into.append(chunk.data(), static_cast<std::size_t>(count));
    } else {
      ::close(fd);
      fd = -1;
    }
  }

  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::size_t seen_ = 0;
  std::string stdout_;
  std::string stderr_;
};

struct Ran {
  int exit_code = 0;
  std::string out;
  std::string err;
};

inline Ran run(const std::vector<std::string>& words, const std::string& input = "") {
  Program program(words);
  program.type(input);
  program.close_stdin();
  Ran ran;
  ran.exit_code = program.wait();
  ran.out = program.out();
  ran.err = program.err();
  return ran;
}

}  // namespace chasqui::e2e
