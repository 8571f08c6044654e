#include "sim/disk/sim_store.h"

#include "core/base/check.h"
#include "core/base/text.h"

namespace chasqui::sim {

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
      undo.push_back({write.key, std::move(it->second)});
      rows_.erase(it);
      continue;
    }
    const auto [it, inserted] = rows_.try_emplace(write.key);
    undo.push_back({write.key, inserted ? std::nullopt : std::optional(std::move(it->second))});
    it->second = *write.value;
  }
  undo_.push_back(std::move(undo));
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
  rows_.erase(rows_.lower_bound(begin), rows_.lower_bound(end));
  for (const Row& row : rows) {
    CHASQUI_ASSERT(row.key >= begin && row.key < end, "what is ingested is of the range");
    rows_[row.key] = row.value;
  }
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
      if (it->value) {
        rows_[it->key] = std::move(*it->value);
      } else {
        rows_.erase(it->key);
      }
    }
    undo_.pop_back();
  }
}

}  // namespace chasqui::sim
