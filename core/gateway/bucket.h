// Token buckets: how often somebody may do something.
//
// GCRA (ITU-T I.371): a bucket is one number, the time at which it will be full again. It costs nothing while idle.
#pragma once

#include <cstdint>

#include "core/base/hash_index.h"
#include "core/base/ids.h"
#include "core/base/now.h"

namespace chasqui::gateway {

struct Rate {
  std::uint64_t burst = 1;     // tokens that may be taken at once after a pause
  std::uint64_t token_ns = 1;  // time in which one comes back
  [[nodiscard]] static Rate per_token_ms(std::uint64_t burst, std::uint64_t ms) { return {burst, ms * 1'000'000}; }
  [[nodiscard]] static Rate per_second(std::uint64_t burst, std::uint64_t tokens) {
    return {burst, 1'000'000'000 / (tokens == 0 ? 1 : tokens)};
  }
};

class Bucket {
 public:
  // Takes `tokens`; false: not enough are there, and nothing is taken.
  [[nodiscard]] bool take(MonoTime now, Rate rate, std::uint64_t tokens = 1);
  // After a refusal: how long until that many will be there, at least 1 ms.
  [[nodiscard]] std::uint32_t wait_ms(MonoTime now, Rate rate, std::uint64_t tokens = 1) const;

 private:
  std::int64_t full_at_ns_ = 0;  // the bucket is full from then on
  bool used_ = false;            // a new one is full, whatever the clock's origin
};

// Buckets by a key that strangers choose, in bounded memory: two generations of at most half the limit each; what was
// not touched for a whole generation is forgotten (and so full again).
template <class Key>
class BucketTable {
 public:
  explicit BucketTable(std::uint64_t entries_max) : half_(entries_max / 2 + 1) {}
  Bucket& at(const Key& key) {
    if (Bucket* found = young_.find(key)) return *found;
    Bucket bucket;
    if (const Bucket* found = old_.find(key)) bucket = *found;
    if (young_.size() >= half_) {
      old_ = std::move(young_);
      young_ = {};
    }
    young_.insert(key, bucket);
    return *young_.find(key);
  }
  [[nodiscard]] std::uint64_t size() const { return young_.size() + old_.size(); }

 private:
  std::uint64_t half_;
  HashIndex<Key, Bucket> young_;
  HashIndex<Key, Bucket> old_;
};

}  // namespace chasqui::gateway
