#include "sim/disk/sim_store.h"

#include <array>

#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/text.h"

namespace chasqui::sim {
namespace {

// As core/base/keys.h lays keys out: a shard in two bytes, then a letter.
constexpr std::size_t letter_at = 2;

std::uint64_t shard_in(const std::string& key) {
  return std::uint64_t{static_cast<std::uint8_t>(key[0])} << 8 | static_cast<std::uint8_t>(key[1]);
}

bool is_numbers(const std::string& key) {
  return key.size() == letter_at + 1 && key[letter_at] == 'R';
}

}  // namespace

// Sums: a row that is taken away takes its hash with it, so the order of writes does not matter.
void SimStore::count(const std::string& key, const std::string& value, bool there) {
  if (key.size() <= letter_at || key[letter_at] == 'L') return;
  const std::uint64_t shard = shard_in(key);
  if (digests_.size() <= shard) digests_.resize(static_cast<std::size_t>(shard) + 1);
  const std::uint64_t hashes[] = {xxh3_64(key), xxh3_64(value)};
  std::array<char, 16> bytes;
  for (std::size_t i = 0; i < 16; ++i) bytes[i] = static_cast<char>(hashes[i / 8] >> (8 * (i % 8)));
  const std::uint64_t hash = xxh3_64({bytes.data(), bytes.size()});
  std::uint64_t& digest = digests_[static_cast<std::size_t>(shard)];
  digest = there ? digest + hash : digest - hash;
}

std::optional<std::string> SimStore::get(std::string_view key) const {
  const auto it = rows_.find(text(key));
  if (it == rows_.end()) return std::nullopt;
  return it->second;
}

void SimStore::write(const WriteBatch& batch) {
  Undo undo;
  undo.reserve(batch.writes.size());
  for (const Write& write : batch.writes) {
    if (!write.value) {
      const auto it = rows_.find(write.key);
      if (it == rows_.end()) continue;
      if (watcher_) count(it->first, it->second, false);
      undo.push_back({write.key, std::move(it->second)});
      rows_.erase(it);
      continue;
    }
    const auto [it, inserted] = rows_.try_emplace(write.key);
    if (watcher_ && !inserted) count(it->first, it->second, false);
    if (watcher_) count(it->first, *write.value, true);
    undo.push_back({write.key, inserted ? std::nullopt : std::optional(std::move(it->second))});
    it->second = *write.value;
  }
  undo_.push_back(std::move(undo));
  if (!watcher_) return;
  std::vector<Row> numbers;
  for (const Write& write : batch.writes) {
    if (write.value && is_numbers(write.key)) numbers.push_back({write.key, *write.value});
  }
  tell(numbers);
}

void SimStore::tell(const std::vector<Row>& rows) const {
  for (const Row& row : rows) {
    if (!is_numbers(row.key)) continue;
    const std::uint64_t shard = shard_in(row.key);
    watcher_(ShardId(shard), row.value, digests_[static_cast<std::size_t>(shard)]);
  }
}

RangeResult SimStore::read(const Rows& rows, const RangeRead& range) {
  RangeResult result;
  if (range.begin >= range.end) return result;
  std::uint64_t bytes = 0;
  // True while there is room for another row.
  const auto take = [&](const auto& row) {
    if (result.rows.size() >= range.rows_max || (bytes >= range.bytes_max && !result.rows.empty())) {
      result.more = true;
      return false;
    }
    bytes += row.first.size() + row.second.size();
    result.rows.push_back({row.first, row.second});
    return true;
  };
  const auto begin = rows.lower_bound(range.begin);
  const auto end = rows.lower_bound(range.end);
  if (range.backwards) {
    for (auto it = end; it != begin;) {
      --it;
      if (!take(*it)) break;
    }
  } else {
    for (auto it = begin; it != end; ++it) {
      if (!take(*it)) break;
    }
  }
  return result;
}

void SimStore::ingest(const std::string& begin, const std::string& end, const std::vector<Row>& rows) {
  for (Undo& undo : undo_) {
    std::erase_if(undo, [&](const Write& write) { return write.key >= begin && write.key < end; });
  }
  const auto last = rows_.lower_bound(end);
  for (auto it = rows_.lower_bound(begin); watcher_ && it != last; ++it) count(it->first, it->second, false);
  rows_.erase(rows_.lower_bound(begin), last);
  for (const Row& row : rows) {
    CHASQUI_ASSERT(row.key >= begin && row.key < end, "what is ingested is of the range");
    rows_[row.key] = row.value;
    if (watcher_) count(row.key, row.value, true);
  }
  if (watcher_) tell(rows);
}

void SimStore::flush(std::uint64_t version) {
  CHASQUI_ASSERT(version <= this->version(), "only what was written is flushed");
  while (flushed_ < version) {
    undo_.pop_front();
    ++flushed_;
  }
}

void SimStore::rewind(std::uint64_t version) {
  CHASQUI_ASSERT(version >= flushed_ && version <= this->version(), "a crash keeps what was flushed");
  while (this->version() > version) {
    // Backwards, so that a key that stands twice in a batch gets its first value.
    Undo& undo = undo_.back();
    for (auto it = undo.rbegin(); it != undo.rend(); ++it) {
      if (watcher_) {
        const auto now = rows_.find(it->key);
        if (now != rows_.end()) count(now->first, now->second, false);
        if (it->value) count(it->key, *it->value, true);
      }
      if (it->value) {
        rows_[it->key] = std::move(*it->value);
      } else {
        rows_.erase(it->key);
      }
    }
    undo_.pop_back();
  }
}

void SimStore::wipe() {
  rows_.clear();
  digests_.clear();
  flush(version());
}

}  // namespace chasqui::sim
