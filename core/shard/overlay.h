// The rows of one entry under way: what its commands have read and changed so far, over a Store that is only read.
//
// Invariants: (1) a row is parsed once and serialized once for an entry, however many of its commands touch it; (2) the
// batch holds exactly the rows that were changed, each once, in the order of their keys; (3) a pointer from find() is
// good until that row is changed or the overlay ends.
//
// A row that does not parse is not ours: the store's checksums have caught what rots on a disk, and its format version
// what another program wrote, so it is the author's error, and asserted.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/check.h"
#include "core/store.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

// What a row may hold; a plain string is an event, which is written as bytes, and read by find_bytes().
using RowValue =
    std::variant<std::string, state::Header, state::Account, state::Device, state::Index, state::Version, state::Handle,
                 state::Feed, state::Parked, state::Group, state::GroupMarks, state::FormerMember, state::SenderRow>;

class Overlay {
 public:
  explicit Overlay(const Store& store) : store_(store) {}

  // nullptr: no such row, or removed by this entry. Each key is always asked for with the same type.
  template <class Message>
  [[nodiscard]] const Message* find(const std::string& key) const {
    Cell& cell = at(key);
    if (!cell.parsed && cell.bytes) {
      Message row;
      CHASQUI_ASSERT(row.ParseFromString(*cell.bytes), "a row of the store is one that this machine wrote");
      cell.row = std::move(row);
    }
    cell.parsed = true;
    return cell.row ? &std::get<Message>(*cell.row) : nullptr;
  }
  // The bytes of a row that is put as a string; nullptr: there is none.
  [[nodiscard]] const std::string* find_bytes(const std::string& key) const;
  // Whether there is such a row; remembers nothing.
  [[nodiscard]] bool has(const std::string& key) const;

  void put(std::string key, RowValue row);
  void remove(const std::string& key);

  [[nodiscard]] WriteBatch batch() const;

 private:
  struct Cell {
    std::optional<std::string> bytes;  // as read
    std::optional<RowValue> row;       // as it is now; nullopt and parsed: there is none
    bool parsed = false;
    bool changed = false;
  };
  [[nodiscard]] Cell& at(const std::string& key) const;

  const Store& store_;
  mutable std::map<std::string, Cell, std::less<>> cells_;  // nodes do not move: invariant 3
};

// The one way a row becomes bytes: equal messages are equal bytes.
[[nodiscard]] std::string serialize(const google::protobuf::MessageLite& message);

}  // namespace chasqui::shard
