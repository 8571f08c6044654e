#include "tests/conformance/crash_disk.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "core/base/check.h"

namespace chasqui::conformance {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  a = (a ^ b) * 0x9e3779b97f4a7c15ULL;
  return a ^ (a >> 29);
}

std::uint64_t number_of(const std::string& name) {
  std::uint64_t number = 0xcbf29ce484222325ULL;
  for (const char c : name) number = (number ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return number;
}

// One spelling for each path: RocksDB doubles a slash here and there.
std::string plain(const std::string& path) {
  return fs::path(path).lexically_normal().string();
}

}  // namespace

class CrashDisk::File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(CrashDisk& disk, std::shared_ptr<State> state, bool is_wal, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk), state_(std::move(state)), is_wal_(is_wal) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* dbg) override {
    const std::lock_guard lock(disk_.mutex_);
    const rocksdb::IOStatus status = FSWritableFileWrapper::Append(data, options, dbg);
    if (status.ok()) state_->written += data.size();
    return status;
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* dbg) override {
    return Append(data, options, dbg);
  }
  rocksdb::IOStatus PositionedAppend(const rocksdb::Slice&, std::uint64_t, const rocksdb::IOOptions&,
                                     rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::NotSupported("only direct I/O writes by position");
  }
  rocksdb::IOStatus PositionedAppend(const rocksdb::Slice&, std::uint64_t, const rocksdb::IOOptions&,
                                     const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::NotSupported("only direct I/O writes by position");
  }
  rocksdb::IOStatus Truncate(std::uint64_t size, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* dbg) override {
    const std::lock_guard lock(disk_.mutex_);
    state_->written = std::min(state_->written, size);
    state_->safe = std::min(state_->safe, size);
    return FSWritableFileWrapper::Truncate(size, options, dbg);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    disk_.synced(*state_, is_wal_);
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    disk_.synced(*state_, is_wal_);
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus RangeSync(std::uint64_t, std::uint64_t, const rocksdb::IOOptions&,
                              rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();  // a hint: it promises nothing
  }

 private:
  CrashDisk& disk_;
  std::shared_ptr<State> state_;
  bool is_wal_;
};

class CrashDisk::Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(CrashDisk& disk, std::string name, std::unique_ptr<rocksdb::FSDirectory> directory)
      : FSDirectoryWrapper(std::move(directory)), disk_(disk), name_(std::move(name)) {}
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    disk_.directory_synced(name_);
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus FsyncWithDirOptions(const rocksdb::IOOptions& options, rocksdb::IODebugContext* dbg,
                                        const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, dbg);
  }

 private:
  CrashDisk& disk_;
  std::string name_;
};

CrashDisk::CrashDisk() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

void CrashDisk::synced(State& state, bool is_wal) {
  std::function<void()> hook;
  {
    const std::lock_guard lock(mutex_);
    if (is_wal) hook = std::exchange(hook_, nullptr);
  }
  if (hook) hook();
  const std::lock_guard lock(mutex_);
  if (!lies_) state.safe = state.written;
}

void CrashDisk::directory_synced(const std::string& name) {
  const std::lock_guard lock(mutex_);
  for (auto& [path, state] : files_) {
    if (lies_ || fs::path(path).parent_path() != fs::path(name)) continue;
    state->name_is_safe = true;
    state->before.reset();
  }
}

void CrashDisk::at_next_wal_sync(std::function<void()> hook) {
  const std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

void CrashDisk::lie(bool on) {
  const std::lock_guard lock(mutex_);
  lies_ = on;
}

rocksdb::IOStatus CrashDisk::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* result,
                                             rocksdb::IODebugContext* dbg) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<rocksdb::FSWritableFile> file;
  rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(name, options, &file, dbg);
  if (!status.ok()) return status;
  auto state = std::make_shared<State>();
  files_[plain(name)] = state;
  *result = std::make_unique<File>(*this, std::move(state), fs::path(name).extension() == ".log", std::move(file));
  return status;
}

rocksdb::IOStatus CrashDisk::NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                          std::unique_ptr<rocksdb::FSDirectory>* result, rocksdb::IODebugContext* dbg) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  rocksdb::IOStatus status = FileSystemWrapper::NewDirectory(name, options, &directory, dbg);
  if (status.ok()) *result = std::make_unique<Directory>(*this, plain(name), std::move(directory));
  return status;
}

rocksdb::IOStatus CrashDisk::RenameFile(const std::string& from, const std::string& to,
                                        const rocksdb::IOOptions& options, rocksdb::IODebugContext* dbg) {
  const std::lock_guard lock(mutex_);
  std::optional<std::string> before;
  if (fs::exists(to)) before = slurp(to);
  rocksdb::IOStatus status = FileSystemWrapper::RenameFile(from, to, options, dbg);
  const auto moved = files_.find(plain(from));
  if (!status.ok() || moved == files_.end()) return status;
  const std::shared_ptr<State> state = moved->second;
  files_.erase(moved);
  const auto replaced = files_.find(plain(to));
  // What stood under the name and was not safe itself: the one before it may come back.
  if (replaced != files_.end() && !replaced->second->name_is_safe) before = replaced->second->before;
  state->name_is_safe = false;
  state->before = std::move(before);
  files_[plain(to)] = state;
  return status;
}

rocksdb::IOStatus CrashDisk::LinkFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                                      rocksdb::IODebugContext* dbg) {
  const std::lock_guard lock(mutex_);
  rocksdb::IOStatus status = FileSystemWrapper::LinkFile(from, to, options, dbg);
  const auto linked = files_.find(plain(from));
  if (!status.ok() || linked == files_.end()) return status;
  // The same bytes, as safe as they are; another name, which is not.
  auto state = std::make_shared<State>(*linked->second);
  state->name_is_safe = false;
  state->before.reset();
  files_[plain(to)] = std::move(state);
  return status;
}

rocksdb::IOStatus CrashDisk::DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                                        rocksdb::IODebugContext* dbg) {
  const std::lock_guard lock(mutex_);
  files_.erase(plain(name));
  return FileSystemWrapper::DeleteFile(name, options, dbg);
}

std::uint64_t CrashDisk::bytes_kept(const State& state, const Cut& cut, std::uint64_t draw) const {
  const std::uint64_t unsafe = state.written - state.safe;
  switch (cut.unsynced) {
    case Unsynced::Gone: return state.safe;
    case Unsynced::Torn:
    case Unsynced::Zeros: return state.safe + draw % (unsafe + 1);
    case Unsynced::Whole: return state.written;
  }
  return state.safe;
}

void CrashDisk::copy_after(const Cut& cut, const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  fs::create_directories(to);
  fs::permissions(to, fs::perms::owner_all);
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    const fs::path target = to / fs::relative(entry.path(), from);
    if (entry.is_directory()) {
      fs::create_directories(target);
      continue;
    }
    const auto file = files_.find(plain(entry.path().string()));
    if (file == files_.end()) {
      fs::copy_file(entry.path(), target);
      continue;
    }
    const State& state = *file->second;
    const std::uint64_t draw = mix(cut.draw, number_of(entry.path().filename().string()));
    std::string bytes = slurp(entry.path());
    CHASQUI_ASSERT(bytes.size() >= state.written, "what was written is there while the power is on");
    const bool has_name =
        state.name_is_safe || cut.unsynced == Unsynced::Whole || (cut.unsynced != Unsynced::Gone && draw >> 63 != 0);
    if (!has_name && !state.before) continue;
    if (has_name) {
      bytes.resize(bytes_kept(state, cut, draw));
      if (cut.unsynced == Unsynced::Zeros) bytes.resize(state.written, '\0');
    } else {
      bytes = *state.before;
    }
    std::ofstream(target, std::ios::binary) << bytes;
  }
}

}  // namespace chasqui::conformance
