// What one entry owes to users' indexes: the marks of all its commands, merged, as one feed row.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "proto/state.pb.h"

namespace chasqui::shard {

class OwedMarks {
 public:
  void add(const state::FeedItem& item);  // merged by max with what is there for that user and conversation
  [[nodiscard]] bool empty() const { return marks_.empty(); }
  [[nodiscard]] state::Feed row() const;  // ascending by user, then conversation

 private:
  struct Marks {
    std::uint64_t head = 0;
    std::uint64_t read = 0;
  };
  std::map<std::pair<std::uint64_t, std::string>, Marks> marks_;
};

}  // namespace chasqui::shard
