#include "storage/crash_writer/writer.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/keys.h"
#include "core/base/random.h"

namespace chasqui::storage {
namespace {

// Told apart by its place, so that a row of another entry does not pass; then bytes that no compression makes less.
std::string payload_of(std::uint64_t shard, std::uint64_t index, std::uint64_t bytes) {
  std::string payload = absl::StrCat(shard, "/", index, "/");
  for (std::uint64_t x = index * 4 + shard + 1; payload.size() < bytes;) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    payload.append(reinterpret_cast<const char*>(&x), sizeof x);
  }
  return payload;
}

}  // namespace

NodeStore::Options writer_options(const std::string& directory) {
  NodeStore::Options options;
  options.directory = directory;
  options.shards = ShardCount{writer_shards};
  options.block_cache_bytes = 1 << 20;
  options.disk.ballast_bytes_max = 0;
  options.disk.disk_bytes_max = 256 << 20;  // buffers of 1 MiB: many flushes in a short life
  return options;
}

Writer::Writer(NodeStore& node, std::uint64_t window) : node_(node), window_(window) {
  for (std::uint64_t shard = 0; shard < writer_shards; ++shard) last_[shard] = 0;
  for (const ReplicaImage& image : node_.take_log()) {
    const std::uint64_t shard = image.shard.value();
    const auto numbers = node_.store().numbers(image.shard);
    const std::uint64_t applied = numbers.ok() ? numbers->applied_index() : 0;
    std::uint64_t index = image.first_index.value();
    for (const LogEntry& entry : image.entries) {
      if (index > applied) apply(shard, index, *entry.payload);
      last_[shard] = index++;
    }
  }
}

void Writer::apply(std::uint64_t shard, std::uint64_t index, const std::string& payload) {
  state::Shard numbers;
  numbers.set_applied_index(index);
  numbers.set_applied_term(1);
  WriteBatch batch;
  batch.put(keys::feed(ShardId(shard), RaftIndex(index)), payload);
  if (index > window_) batch.remove(keys::feed(ShardId(shard), RaftIndex(index - window_)));
  batch.put(keys::numbers(ShardId(shard)), numbers.SerializeAsString());
  node_.store().write(batch);
}

absl::Status Writer::write(std::uint64_t shard, std::uint64_t count, std::uint64_t payload_bytes, bool drop) {
  LogAppend append;
  append.id = AppendId(++append_);
  append.shard = ShardId(shard);
  append.first_index = RaftIndex(last_[shard] + 1);
  for (std::uint64_t i = 1; i <= count; ++i) {
    append.entries.push_back({RaftTerm(1), EntryType::Command,
                              std::make_shared<const std::string>(payload_of(shard, last_[shard] + i, payload_bytes))});
  }
  const RaftIndex flushed = drop ? node_.store().flushed_applied(ShardId(shard)) : RaftIndex{};
  if (flushed) {
    append.snapshot = Snapshot{flushed, RaftTerm(1), "configuration", RaftIndex(1)};
    append.drop_below = flushed;
  }
  if (auto status = node_.log().write(std::span(&append, 1)); !status.ok()) return status;
  for (const LogEntry& entry : append.entries) apply(shard, ++last_[shard], *entry.payload);
  return absl::OkStatus();
}

absl::Status Writer::check_state() const {
  const auto snapshot = node_.store().snapshot();
  for (std::uint64_t shard = 0; shard < writer_shards; ++shard) {
    const auto numbers = node_.store().numbers(ShardId(shard));
    const std::uint64_t applied = numbers.ok() ? numbers->applied_index() : 0;
    const RangeResult rows =
        node_.store().read(*snapshot, {keys::feed(ShardId(shard), RaftIndex(0)),
                                       keys::feed(ShardId(shard), RaftIndex(UINT64_MAX)), UINT64_MAX, UINT64_MAX});
    std::uint64_t expected = applied > window_ ? applied - window_ + 1 : 1;
    for (const Row& row : rows.rows) {
      if (row.key != keys::feed(ShardId(shard), RaftIndex(expected)) ||
          row.value.rfind(payload_of(shard, expected, 0), 0) != 0) {
        return absl::DataLossError(absl::StrCat("shard ", shard, " has applied ", applied, ", and row ", expected,
                                                " is not where it belongs"));
      }
      ++expected;
    }
    if (expected != applied + 1) {
      return absl::DataLossError(
          absl::StrCat("shard ", shard, " has applied ", applied, ", its rows end at ", expected - 1));
    }
  }
  return absl::OkStatus();
}

int write_until_killed(const std::string& directory, std::uint64_t seed) {
  Seed bytes{};
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(seed >> (8 * i));
  Random random(bytes);
  auto node = NodeStore::open(writer_options(directory));
  if (!node.ok()) {
    std::fprintf(stderr, "%s\n", node.status().ToString().c_str());
    return exit_code(node.status());
  }
  Writer writer(**node);
  for (;;) {
    while ((*node)->store().behind((*node)->store().load())) ::usleep(1000);
    const std::uint64_t shard = random.below(writer_shards);
    const auto status = writer.write(shard, 1 + random.below(8), random.below(16'384), random.below(4) == 0);
    if (!status.ok()) (*node)->fail(status);
    const std::string line = absl::StrCat(shard, " ", writer.last(shard), "\n");
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) return 1;
  }
}

}  // namespace chasqui::storage
