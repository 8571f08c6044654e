#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "storage/crash_writer/writer.h"
#include "storage/durable_file.h"

namespace chasqui::storage {
namespace {

constexpr int may_not_mount = 77;
constexpr std::uint64_t mib = 1 << 20;

const char* word(Pressure::Disk level) {
  return level == Pressure::Disk::Ok ? "ok" : level == Pressure::Disk::NoUploads ? "no-uploads" : "no-writes";
}

// A directory that this process alone sees as a disk of so many MiB. Gone with the process.
bool mount_small_disk(const std::string& directory, std::uint64_t disk_mib) {
  const std::string size = "mode=0700,size=" + std::to_string(disk_mib) + "m";
  return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("chasqui-test", directory.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, size.c_str()) == 0;
}

// Somebody else's file: leaves `free_bytes` on the disk.
void fill_up_to(const std::string& directory, std::uint64_t free_bytes) {
  const std::uint64_t available = std::filesystem::space(directory).available;
  if (available <= free_bytes) return;
  const Fd file(::open((directory + "/other").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (::fallocate(file.get(), 0, 0, static_cast<off_t>(available - free_bytes)) != 0) std::perror("fallocate");
}

using Lasts = std::uint64_t[writer_shards];

void remember(const Writer& writer, Lasts& lasts) {
  for (std::uint64_t shard = 0; shard < writer_shards; ++shard) lasts[shard] = writer.last(shard);
}

// As a node does that heeds the disk: new messages until it says no, then what must go on, then room again.
int fill_and_heed(const std::string& directory, const NodeStore::Options& options, Lasts& lasts) {
  auto node = NodeStore::open(options);
  if (!node.ok()) return 1;
  Writer writer(**node, UINT64_MAX);
  DiskSpace& disk = (*node)->disk();
  std::printf("ballast %d\n", disk.ballast_bytes() > 0);
  fill_up_to(directory, disk.marks().no_uploads_bytes + 8 * mib);
  for (Pressure::Disk level = Pressure::Disk::Ok; level != Pressure::Disk::NoWrites;) {
    const auto seen = disk.observe();
    if (!seen.ok()) return 1;
    if (*seen != level) std::printf("%s\n", word(*seen));
    level = *seen;
    while ((*node)->store().behind((*node)->store().load())) ::usleep(1000);
    for (std::uint64_t shard = 0; shard < writer_shards; ++shard) {
      if (!writer.write(shard, 8, 16'384, shard == 0).ok()) return 1;
    }
    remember(writer, lasts);
  }
  std::printf("ballast %d\n", disk.ballast_bytes() > 0);
  // What was let in before, acks and the housekeeping of a full node.
  for (std::uint64_t i = 0; i < 200; ++i) {
    if (!writer.write(i % writer_shards, 1, 64, true).ok()) return 1;
  }
  (*node)->store().flush_state();
  std::printf("state %s\n", writer.check_state().ok() ? "sound" : "unsound");
  std::filesystem::remove(directory + "/other");
  const auto seen = disk.observe();
  std::printf("%s\nballast %d\n", seen.ok() ? word(*seen) : "?", disk.ballast_bytes() > 0);
  for (int i = 0; i < 20; ++i) {
    if (!writer.write(0, 8, 16'384, true).ok()) return 1;
  }
  remember(writer, lasts);
  return 0;
}

// A core that does not listen: writes until storage puts an end to it.
int fill_and_go_on(const std::string& directory, const NodeStore::Options& options, Lasts& lasts) {
  auto node = NodeStore::open(options);
  if (!node.ok()) return 1;
  Writer writer(**node, UINT64_MAX);
  fill_up_to(directory, (*node)->disk().marks().no_uploads_bytes + 8 * mib);
  for (std::uint64_t shard = 0;; shard = (shard + 1) % writer_shards) {
    if (const auto status = writer.write(shard, 8, 16'384, shard == 0); !status.ok()) (*node)->fail(status);
    remember(writer, lasts);
  }
}

}  // namespace

int fill_disk(std::uint64_t disk_mib, bool ignore_marks) {
  std::string directory = std::filesystem::temp_directory_path().string() + "/chasqui-disk-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return 1;
  struct Remove {
    const std::string& path;
    ~Remove() {
      ::umount2(path.c_str(), MNT_DETACH);
      ::rmdir(path.c_str());
    }
  } const remove{directory};
  if (!mount_small_disk(directory, disk_mib)) return may_not_mount;
  NodeStore::Options options = writer_options(directory + "/store");
  options.disk = DiskSpace::Options{};  // as in production, ballast and all

  // The node is a process of its own, before this one has any thread; what it knew to be durable stays with us.
  void* const shared = ::mmap(nullptr, sizeof(Lasts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 1;
  Lasts& lasts = *static_cast<Lasts*>(shared);
  const pid_t child = ::fork();
  if (child == 0) {
    const int code =
        ignore_marks ? fill_and_go_on(directory, options, lasts) : fill_and_heed(directory, options, lasts);
    std::fflush(stdout);
    std::_Exit(code);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return 1;
  std::printf("ended %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));

  std::filesystem::remove(directory + "/other");
  const auto node = NodeStore::open(options);
  if (!node.ok()) {
    std::printf("open: %s\n", node.status().ToString().c_str());
    return 1;
  }
  const Writer again(**node, UINT64_MAX);
  bool all = again.check_state().ok();
  for (std::uint64_t s = 0; s < writer_shards; ++s) all = all && lasts[s] > 0 && again.last(s) >= lasts[s];
  std::printf("after restart %s\n", all ? "all there" : "LOST");
  return 0;
}

}  // namespace chasqui::storage
