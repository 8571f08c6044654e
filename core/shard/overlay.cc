#include "core/shard/overlay.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <iterator>
#include <utility>

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

Overlay::Cell& Overlay::at(const std::string& key) {
  if (const Cells::iterator* found = index_.find(key)) {
    cells_.splice(cells_.begin(), cells_, *found);
    return cells_.front();
  }
  Cell& cell = cell_of(key);
  cell.bytes = store_->get(key);
  cell.stored = cell.bytes ? Stored::Yes : Stored::No;
  resize(cell, cell.bytes ? cell.bytes->size() : 0);
  return cell;
}

Overlay::Cell& Overlay::cell_of(std::string key) {
  if (const Cells::iterator* found = index_.find(key)) {
    cells_.splice(cells_.begin(), cells_, *found);
    return cells_.front();
  }
  cells_.emplace_front().key = std::move(key);
  Cell& cell = cells_.front();
  index_[cell.key] = cells_.begin();
  resize(cell, 0);
  return cell;
}

const std::string* Overlay::find_bytes(const std::string& key) {
  const Cell& cell = at(key);
  if (cell.parsed) return cell.row ? &std::get<std::string>(*cell.row) : nullptr;
  return cell.bytes ? &*cell.bytes : nullptr;
}

bool Overlay::has(const std::string& key) const {
  const Cells::iterator* found = index_.find(key);
  if (found == nullptr) return store_->get(key).has_value();
  const Cell& cell = **found;
  return cell.parsed ? cell.row.has_value() : cell.bytes.has_value();
}

void Overlay::put(std::string key, RowValue row, bool is_new) {
  Cell& cell = cell_of(std::move(key));
  if (is_new && cell.stored == Stored::Unknown) cell.stored = Stored::No;
  cell.row = std::move(row);
  change(cell);
}

void Overlay::remove(const std::string& key) {
  Cell& cell = cell_of(key);
  cell.row.reset();
  change(cell);
}

void Overlay::change(Cell& cell) {
  cell.parsed = true;
  cell.bytes.reset();
  in_entry_.emplace(cell.key, &cell);
  if (std::exchange(cell.is_ahead, true)) return;
  ahead_.emplace(cell.key, &cell);
  changed_bytes_ += cell.size;
}

// What a cell costs: its key, its row as bytes and about as much parsed, and what holds them.
void Overlay::resize(Cell& cell, std::uint64_t bytes) {
  constexpr std::uint64_t holders = 200;
  const std::uint64_t size = cell.key.size() + 2 * bytes + holders;
  bytes_ += size - cell.size;
  if (cell.is_ahead) changed_bytes_ += size - cell.size;
  cell.size = size;
}

std::vector<Overlay::Changed> Overlay::entry_changes() {
  std::vector<Changed> changes;
  changes.reserve(in_entry_.size());
  for (const auto& [key, cell] : in_entry_) {
    if (cell->row && !cell->bytes) {
      cell->bytes = to_bytes(*cell->row);
      resize(*cell, cell->bytes->size());
    }
    changes.push_back({key, cell->bytes ? &*cell->bytes : nullptr});
  }
  return changes;
}

void Overlay::take_changes(WriteBatch& batch, std::uint64_t kept_bytes_max) {
  CHASQUI_ASSERT(in_entry_.empty(), "an entry is written wholly or not at all");
  for (const auto& [key, cell] : ahead_) {
    cell->is_ahead = false;
    if (cell->row) {
      batch.put(cell->key, std::move(*cell->bytes));
    } else if (cell->stored != Stored::No) {  // or it came and went
      batch.remove(cell->key);
    }
    cell->bytes.reset();
    cell->stored = Stored::Yes;
    // Nobody asks for an event again, nor for what is gone.
    if (!cell->row || std::holds_alternative<std::string>(*cell->row)) drop(*index_.find(key));
  }
  ahead_.clear();
  changed_bytes_ = 0;
  while (bytes_ > kept_bytes_max) drop(std::prev(cells_.end()));
}

bool Overlay::has_changes(std::string_view begin, std::string_view end) const {
  const auto it = ahead_.lower_bound(begin);
  return it != ahead_.end() && it->first < end;
}

void Overlay::drop(Cells::iterator cell) {
  bytes_ -= cell->size;
  index_.erase(cell->key);
  cells_.erase(cell);
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
