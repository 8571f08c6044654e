// A hash map for look-up only. It has no begin(), since the order of a hash map is not deterministic; where order is
// needed, absl::btree_map.
#pragma once

#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace chasqui {

template <class Key, class Value>
class HashIndex {
 public:
  // nullptr: not there. The pointer is good until the next insertion or removal.
  [[nodiscard]] Value* find(const Key& key) {
    const auto it = map_.find(key);
    return it == map_.end() ? nullptr : &it->second;
  }
  [[nodiscard]] const Value* find(const Key& key) const {
    const auto it = map_.find(key);
    return it == map_.end() ? nullptr : &it->second;
  }
  [[nodiscard]] bool contains(const Key& key) const { return map_.contains(key); }
  // The value there, made by default if there was none.
  Value& operator[](const Key& key) { return map_[key]; }
  // False if the key was there already: then nothing changes.
  bool insert(const Key& key, Value value) { return map_.try_emplace(key, std::move(value)).second; }
  bool erase(const Key& key) { return map_.erase(key) != 0; }
  void clear() { map_.clear(); }
  [[nodiscard]] std::size_t size() const { return map_.size(); }
  [[nodiscard]] bool empty() const { return map_.empty(); }

 private:
  absl::flat_hash_map<Key, Value> map_;
};

}  // namespace chasqui
