// What every bench prints beside its own figures: the machine, and how fast its disk and its loopback are by
// themselves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chasqui::bench {

// The value below which `permille` of 1000 lie; 0 of nothing. Sorts.
[[nodiscard]] double percentile(std::vector<double>& values, unsigned permille);

// "2 x AMD EPYC, Linux 6.1, 24 GiB"
[[nodiscard]] std::string machine();
// Median microseconds of appending 4 KiB and fdatasync, in this folder.
[[nodiscard]] double fdatasync_p50_us(const std::string& folder);
// Median microseconds of 100 bytes to another thread and back, by TCP on loopback.
[[nodiscard]] double tcp_ping_pong_p50_us();
// User and system time of this process so far.
[[nodiscard]] std::uint64_t own_cpu_us();

}  // namespace chasqui::bench
