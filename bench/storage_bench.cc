// What the disk and the log give: `storage_bench [DIRECTORY]` (default: a new directory under TMPDIR, else /tmp).
//
// Prints the machine, the bare fdatasync of the same disk, group appends with 1, 16 and 128 entries of 256 bytes in a
// group, and the cost of a state batch as one message makes it. Each line for about two seconds.
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "core/base/keys.h"
#include "storage/durable_file.h"
#include "storage/node_store.h"

namespace chasqui::storage {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds run_time{2};

// Runs `once` for run_time; prints the rate of `items` per call and the call's quantiles.
void measure(const std::string& what, std::uint64_t items, const std::function<void()>& once) {
  std::vector<double> us;
  const auto begin = Clock::now();
  auto now = begin;
  while (now - begin < run_time) {
    once();
    const auto end = Clock::now();
    us.push_back(std::chrono::duration<double, std::micro>(end - now).count());
    now = end;
  }
  const double seconds = std::chrono::duration<double>(now - begin).count();
  std::sort(us.begin(), us.end());
  std::printf("%-34s %10.0f calls/s %11.0f items/s   p50 %8.1f us   p99 %9.1f us\n", what.c_str(),
              static_cast<double>(us.size()) / seconds, static_cast<double>(us.size() * items) / seconds,
              us[us.size() / 2], us[us.size() * 99 / 100]);
}

void print_machine(const std::string& directory) {
  utsname name{};
  ::uname(&name);
  std::string model = "cpu not known";
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.rfind("model name", 0) == 0) {
      model = line.substr(line.find(':') + 2);
      break;
    }
  }
  std::printf("machine: %s, %u cores, %s %s; directory %s\n", model.c_str(), std::thread::hardware_concurrency(),
              name.sysname, name.release, directory.c_str());
}

void bench_disk(const std::string& directory) {
  const std::string path = directory + "/bare";
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const std::string bytes(4096, 'x');
  measure("disk: write 4 KiB, fdatasync", 1, [&] {
    if (!write_all(file.get(), bytes, path).ok() || ::fdatasync(file.get()) != 0) std::abort();
  });
}

int run(const std::string& directory) {
  print_machine(directory);
  bench_disk(directory);
  NodeStore::Options options;
  options.directory = directory + "/store";
  options.disk.ballast_bytes_max = 0;
  const auto opened = NodeStore::open(options);
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.status().ToString().c_str());
    return 1;
  }
  NodeStore& node = **opened;
  std::uint64_t append_id = 0;
  std::vector<std::uint64_t> last(options.shards.value, 0);
  const auto payload = std::make_shared<const std::string>(256, 'p');
  for (const std::uint64_t group : {1U, 16U, 128U}) {
    measure("log: group of " + std::to_string(group) + ", synced", group, [&] {
      std::vector<LogAppend> appends(group);
      for (std::uint64_t i = 0; i < group; ++i) {
        const std::uint64_t shard = i % last.size();
        appends[i].id = AppendId(++append_id);
        appends[i].shard = ShardId(shard);
        appends[i].first_index = RaftIndex(++last[shard]);
        appends[i].entries = {{RaftTerm(1), EntryType::Command, payload}};
      }
      if (const auto status = node.log().write(appends); !status.ok()) node.fail(status);
    });
  }
  // Header, event, feed row, numbers: what one message to one person writes.
  std::uint64_t seq = 0;
  const ConversationId conversation = ConversationId::direct(UserId(1), UserId(2));
  const auto one_message = [&] {
    WriteBatch batch;
    ++seq;
    batch.put(keys::header(ShardId(0), conversation), std::string(200, 'h'));
    batch.put(keys::event(ShardId(0), conversation, Seq(seq)), std::string(256, 'e'));
    batch.put(keys::feed(ShardId(0), RaftIndex(seq)), std::string(40, 'f'));
    batch.put(keys::numbers(ShardId(0)), std::string(40, 'n'));
    node.store().write(batch);
  };
  measure("state: batch of one message", 1, one_message);
  // The same while the log thread syncs: the node's thread must not feel the disk.
  std::atomic<bool> stop{false};
  std::thread log_thread([&] {
    while (!stop.load()) {
      LogAppend append;
      append.id = AppendId(++append_id);
      append.shard = ShardId(1);
      append.first_index = RaftIndex(++last[1]);
      append.entries = {{RaftTerm(1), EntryType::Command, payload}};
      if (const auto status = node.log().write(std::span(&append, 1)); !status.ok()) node.fail(status);
    }
  });
  measure("state: the same beside syncs", 1, one_message);
  stop.store(true);
  log_thread.join();
  measure("state: get of a header", 1, [&] { (void)node.store().get(keys::header(ShardId(0), conversation)); });
  // What was measured is no state that a log could have made: it is not kept.
  std::fflush(stdout);
  return 0;
}

}  // namespace
}  // namespace chasqui::storage

int main(int argc, char** argv) {
  std::string directory;
  if (argc > 1) {
    directory = argv[1];
    if (!chasqui::storage::make_directory(directory).ok()) return 1;
  }
  const std::string parent = argc > 1 ? directory : std::filesystem::temp_directory_path().string();
  std::string own = parent + "/storage-bench-XXXXXX";
  if (::mkdtemp(own.data()) == nullptr) return 1;
  const int code = chasqui::storage::run(own);
  std::filesystem::remove_all(own);
  return code;
}
