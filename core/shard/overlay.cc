#include "core/shard/overlay.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace chasqui::shard {
namespace {

std::string to_bytes(const RowValue& row) {
  return std::visit(
      [](const auto& value) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>) {
          return value;
        } else {
          return serialize(value);
        }
      },
      row);
}

}  // namespace

Overlay::Cell& Overlay::at(const std::string& key) const {
  const auto [it, fresh] = cells_.try_emplace(key);
  if (fresh) it->second.bytes = store_.get(key);
  return it->second;
}

const std::string* Overlay::find_bytes(const std::string& key) const {
  const Cell& cell = at(key);
  if (cell.parsed) return cell.row ? &std::get<std::string>(*cell.row) : nullptr;
  return cell.bytes ? &*cell.bytes : nullptr;
}

bool Overlay::has(const std::string& key) const {
  const auto it = cells_.find(key);
  if (it == cells_.end()) return store_.get(key).has_value();
  return it->second.parsed ? it->second.row.has_value() : it->second.bytes.has_value();
}

void Overlay::put(std::string key, RowValue row) {
  Cell& cell = cells_[std::move(key)];
  cell.row = std::move(row);
  cell.parsed = cell.changed = true;
}

void Overlay::remove(const std::string& key) {
  Cell& cell = cells_[key];
  cell.row.reset();
  cell.parsed = cell.changed = true;
}

WriteBatch Overlay::batch() const {
  WriteBatch batch;
  for (const auto& [key, cell] : cells_) {
    if (!cell.changed) continue;
    if (cell.row) {
      batch.put(key, to_bytes(*cell.row));
    } else {
      batch.remove(key);
    }
  }
  return batch;
}

std::string serialize(const google::protobuf::MessageLite& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    const bool written = message.SerializeToCodedStream(&coded);
    CHASQUI_ASSERT(written, "a row fits in memory and has no required field");
  }
  return bytes;
}

}  // namespace chasqui::shard
