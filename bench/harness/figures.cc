#include "bench/harness/figures.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"

namespace chasqui::bench {
namespace {

using Clock = std::chrono::steady_clock;

double us_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

constexpr std::size_t ping_bytes = 100;

bool exchange(int fd, bool send_first) {
  std::array<char, ping_bytes> bytes{};
  const auto send_all = [&] { return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == ping_bytes; };
  const auto receive_all = [&] { return ::recv(fd, bytes.data(), bytes.size(), MSG_WAITALL) == ping_bytes; };
  return send_first ? send_all() && receive_all() : receive_all() && send_all();
}

// A connected pair by TCP on loopback; -1 if there is none to be had.
std::array<int, 2> tcp_pair() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* where = reinterpret_cast<sockaddr*>(&address);
  std::array<int, 2> pair{-1, -1};
  if (::bind(listener, where, size) == 0 && ::listen(listener, 1) == 0 && ::getsockname(listener, where, &size) == 0) {
    pair[0] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(pair[0], where, size) == 0) pair[1] = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  }
  ::close(listener);
  const int on = 1;
  for (const int fd : pair) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return pair;
}

}  // namespace

double percentile(std::vector<double>& values, unsigned permille) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, values.size() * permille / 1000)];
}

std::int64_t whole(double value) {
  return std::llround(value);
}

std::string machine() {
  utsname system{};
  ::uname(&system);
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGE_SIZE);
  return absl::StrCat(std::thread::hardware_concurrency(), " x ", processor(), ", Linux ", system.release, ", ",
                      (pages * page_bytes + (1L << 29)) >> 30, " GiB");
}

std::string load_average() {
  std::ifstream file("/proc/loadavg");
  std::string one;
  std::string five;
  std::string fifteen;
  return file >> one >> five >> fifteen ? absl::StrCat(one, " ", five, " ", fifteen) : "unknown";
}

DiskFigures fdatasync_figures(const std::string& folder) {
  constexpr int writes = 300;
  const std::string path = folder + "/fdatasync";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const std::vector<char> block(4096, 'x');
  const auto measure = [&] {
    std::vector<double> times;
    for (int i = 0; i < writes && fd >= 0; ++i) {
      const auto begin = Clock::now();
      if (::write(fd, block.data(), block.size()) < 0 || ::fdatasync(fd) != 0) break;
      times.push_back(us_since(begin));
    }
    return percentile(times, 500);
  };
  DiskFigures figures;
  figures.growing_p50_us = measure();
  ::fsync(fd);
  ::lseek(fd, 0, SEEK_SET);
  figures.in_place_p50_us = measure();
  ::close(fd);
  ::unlink(path.c_str());
  return figures;
}

double tcp_ping_pong_p50_us() {
  const auto pair = tcp_pair();
  if (pair[1] < 0) return 0;
  std::thread echo([fd = pair[1]] {
    while (exchange(fd, false)) {
    }
  });
  std::vector<double> times;
  for (int i = 0; i < 5000; ++i) {
    const auto begin = Clock::now();
    if (!exchange(pair[0], true)) break;
    times.push_back(us_since(begin));
  }
  ::shutdown(pair[0], SHUT_RDWR);
  echo.join();
  ::close(pair[0]);
  ::close(pair[1]);
  return percentile(times, 500);
}

std::uint64_t own_cpu_us() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& t) {
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(t.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

}  // namespace chasqui::bench
