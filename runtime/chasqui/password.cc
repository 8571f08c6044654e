#include "runtime/chasqui/password.h"

#include <fcntl.h>
#include <sodium.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/text.h"
#include "runtime/chasqui/file.h"
#include "runtime/chasqui/outcome.h"

namespace chasqui::cli {
namespace {

constexpr std::size_t password_file_bytes_max = 4096;

// Up to the first newline or the end.
absl::StatusOr<Password> read_line(int fd, const std::string& path) {
  std::string line;
  char c = 0;
  for (;;) {
    const ssize_t count = ::read(fd, &c, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_status("read", path);
    if (count == 0 || c == '\n') break;
    line.push_back(c);
    if (line.size() > password_file_bytes_max)
      return usage_error(absl::StrCat(path, " is no password: it is too long"));
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.empty()) return usage_error(absl::StrCat("the password in ", path, " is empty"));
  return Password(std::move(line));
}

// Switches the echo off while it lives, even if reading fails.
class Silence {
 public:
  explicit Silence(int fd) : fd_(fd), works_(::tcgetattr(fd, &before_) == 0) {
    if (!works_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= ICANON | ECHONL | ISIG;
    ::tcsetattr(fd_, TCSAFLUSH, &silent);
  }
  ~Silence() {
    if (works_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  int fd_;
  termios before_{};
  bool works_;
};

absl::StatusOr<Password> prompt(int terminal, const std::string& question) {
  if (absl::Status asked = write_all(terminal, question, "/dev/tty"); !asked.ok()) return asked;
  const Silence silence(terminal);
  return read_line(terminal, "/dev/tty");
}

}  // namespace

Password::~Password() {
  ::sodium_memzero(bytes_.data(), bytes_.size());
}

absl::StatusOr<Password> ask_password(const std::string& file, std::string_view handle, bool is_new) {
  if (file == "-") return read_line(STDIN_FILENO, "stdin");
  if (!file.empty()) {
    const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!descriptor.is_open()) return usage_error(std_view(errno_status("open", file).message()));
    return read_line(descriptor.get(), file);
  }
  const Descriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal.is_open()) return usage_error("there is no terminal to ask for the password: say --password-file FILE");
  auto first = prompt(terminal.get(), absl::StrCat("Password for @", text(handle), ": "));
  if (!first.ok() || !is_new) return first;
  auto second = prompt(terminal.get(), "Once more: ");
  if (!second.ok()) return second;
  if (first->bytes() != second->bytes()) return usage_error("the two passwords differ: nothing was done");
  return first;
}

}  // namespace chasqui::cli
