#include "core/testing/mem_store.h"

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/digest.h"

namespace chasqui::testing {

std::optional<std::string> MemStore::get(std::string_view key) const {
  const auto it = rows_.find(key);
  if (it == rows_.end()) return std::nullopt;
  return it->second;
}

void MemStore::write(const WriteBatch& batch) {
  for (const Write& write : batch.writes) {
    if (write.value) {
      rows_.insert_or_assign(write.key, *write.value);
    } else {
      rows_.erase(write.key);
    }
  }
}

RangeResult MemStore::read(const RangeRead& range) const {
  RangeResult result;
  if (range.begin >= range.end) return result;
  auto low = rows_.lower_bound(range.begin);
  auto high = rows_.lower_bound(range.end);
  std::uint64_t bytes = 0;
  while (low != high) {
    if (result.rows.size() >= range.rows_max || (bytes >= range.bytes_max && !result.rows.empty())) {
      result.more = true;
      break;
    }
    const auto at = range.backwards ? --high : low++;
    bytes += at->first.size() + at->second.size();
    result.rows.push_back({at->first, at->second});
  }
  return result;
}

std::uint64_t MemStore::digest() const {
  std::string bytes;
  for (const auto& [key, value] : rows_) absl::StrAppend(&bytes, key.size(), " ", value.size(), ":", key, value);
  return xxh3_64(bytes);
}

}  // namespace chasqui::testing
