// A shard's rows in memory: what was read and written lately, ahead of the store (ARCHITECTURE.md section 6).
//
// Commands read and write here; the owner carries what has changed to the store every now and then, as one batch. So a
// conversation in use is neither read nor parsed again, and what comes and goes in between is never written.
//
// Invariants: (1) the store, with take_changes() written to it, holds the rows as they are here; (2) a row is parsed
// once while it stays here, and serialized once for each entry that changes it; (3) what an entry has changed is told
// in the order of its keys, each once; (4) a pointer from find() is good until that row is changed or entry_ends().
//
// A row that does not parse is not ours: the store's checksums have caught what rots on a disk, and its format version
// what another program wrote, so it is the author's error, and asserted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/check.h"
#include "core/base/hash_index.h"
#include "core/store.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

// What a row may hold; a plain string is an event, which is written as bytes, and read by find_bytes().
using RowValue = std::variant<std::string, state::Header, state::Account, state::Device, state::Index, state::Version,
                              state::Handle, state::Feed, state::Parked, state::Hidden, state::Group, state::GroupMarks,
                              state::FormerMember, state::SenderRow, state::MemberCounts, state::Gate>;

class Overlay {
 public:
  // `store` outlives it.
  explicit Overlay(const Store& store) : store_(&store) {}

  // nullptr: no such row. Each key is always asked for with the same type.
  template <class Message>
  [[nodiscard]] const Message* find(const std::string& key) {
    Cell& cell = at(key);
    if (!cell.parsed && cell.bytes) {
      Message row;
      CHASQUI_ASSERT(row.ParseFromString(*cell.bytes), "a row of the store is one that this machine wrote");
      cell.row = std::move(row);
      cell.bytes.reset();
    }
    cell.parsed = true;
    return cell.row ? &std::get<Message>(*cell.row) : nullptr;
  }
  // A row that the store cannot have, since only the entry under way can have begun it; it is not looked for there.
  template <class Message>
  [[nodiscard]] const Message* find_begun(const std::string& key) {
    return index_.find(key) == nullptr ? nullptr : find<Message>(key);
  }
  // The bytes of a row that is put as a string; nullptr: there is none.
  [[nodiscard]] const std::string* find_bytes(const std::string& key);
  // Whether there is such a row; keeps nothing of it.
  [[nodiscard]] bool has(const std::string& key) const;

  // `is_new`: the store certainly has no row under this key, nor ever had under this name.
  void put(std::string key, RowValue row, bool is_new = false);
  void remove(const std::string& key);

  struct Changed {
    std::string_view key;
    const std::string* bytes;  // nullptr: removed
  };
  // What the entry under way has changed, good until the next change here.
  [[nodiscard]] std::vector<Changed> entry_changes();
  void entry_ends() { in_entry_.clear(); }

  // Appends what the store lacks; it has it from now on. Then at most `kept_bytes_max` stay here, those used last.
  void take_changes(WriteBatch& batch, std::uint64_t kept_bytes_max);
  [[nodiscard]] bool has_changes() const { return !ahead_.empty(); }
  // Of keys in [begin, end).
  [[nodiscard]] bool has_changes(std::string_view begin, std::string_view end) const;
  [[nodiscard]] std::uint64_t changed_bytes() const { return changed_bytes_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }  // of all that is here, roughly

 private:
  enum class Stored : std::uint8_t { Unknown, No, Yes };  // is there a row of this key in the store?
  struct Cell {
    std::string key;
    std::optional<std::string> bytes;  // as read, or as it has to be written
    std::optional<RowValue> row;       // as it is now; nullopt and parsed: there is none
    bool parsed = false;
    Stored stored = Stored::Unknown;
    std::uint64_t size = 0;  // counted in bytes_, and while the store lacks it in changed_bytes_
    bool is_ahead = false;
  };
  using Cells = std::list<Cell>;  // used last first

  [[nodiscard]] Cell& at(const std::string& key);  // reads it if it is not here
  [[nodiscard]] Cell& cell_of(std::string key);    // without reading
  void change(Cell& cell);
  void resize(Cell& cell, std::uint64_t bytes);
  void settle(Cell& cell);
  void drop(Cells::iterator cell);

  const Store* store_;
  Cells cells_;
  HashIndex<std::string_view, Cells::iterator> index_;  // keys are those of the cells
  absl::btree_map<std::string_view, Cell*> in_entry_;
  absl::btree_map<std::string_view, Cell*> ahead_;  // of the store
  std::uint64_t bytes_ = 0;
  std::uint64_t changed_bytes_ = 0;
};

// Equal messages give equal bytes.
[[nodiscard]] std::string serialize(const google::protobuf::MessageLite& message);

}  // namespace chasqui::shard
