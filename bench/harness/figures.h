// What every bench prints beside its own figures: the machine, and how fast its disk and its loopback are by
// themselves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chasqui::bench {

// The value below which `permille` of 1000 lie; 0 of nothing. Sorts.
[[nodiscard]] double percentile(std::vector<double>& values, unsigned permille);

// Rounded: as JSON's writer would print a fraction, nobody can read it.
[[nodiscard]] std::int64_t whole(double value);

// "2 x AMD EPYC, Linux 6.1, 24 GiB"
[[nodiscard]] std::string machine();
// "0.42 0.31 0.20": of the last 1, 5 and 15 minutes. Over the number of cores somebody else is measured as well.
[[nodiscard]] std::string load_average();
// Median microseconds of a write of 4 KiB and its fdatasync, in this folder: where the file's blocks and size stand
// already (what a log in preallocated or recycled files costs), and where each write makes the file longer.
struct DiskFigures {
  double in_place_p50_us = 0;
  double growing_p50_us = 0;
};
[[nodiscard]] DiskFigures fdatasync_figures(const std::string& folder);
// Median microseconds of 100 bytes to another thread and back, by TCP on loopback.
[[nodiscard]] double tcp_ping_pong_p50_us();
// User and system time of this process so far.
[[nodiscard]] std::uint64_t own_cpu_us();

}  // namespace chasqui::bench
