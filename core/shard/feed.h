// What one entry owes to users' indexes: the marks of all its commands, merged, as one feed row.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>

#include "core/base/owed.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

class OwedMarks {
 public:
  void add(const state::FeedItem& item);  // merged with what is there for that user and conversation
  [[nodiscard]] bool empty() const { return marks_.empty(); }
  [[nodiscard]] state::Feed row() const;  // ascending by user, then conversation

 private:
  struct To {
    std::uint64_t user = 0;
    std::string conversation;
    bool is_stance = false;  // else to the user's shard
    friend auto operator<=>(const To&, const To&) = default;
  };
  std::map<To, Owed> marks_;
};

}  // namespace chasqui::shard
