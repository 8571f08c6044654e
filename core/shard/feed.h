// What one entry owes to users' indexes: the marks of all its commands, merged, as one feed row.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "core/base/index_marks.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

class OwedMarks {
 public:
  void add(const state::FeedItem& item);  // merged by max with what is there for that user and conversation
  [[nodiscard]] bool empty() const { return marks_.empty(); }
  [[nodiscard]] state::Feed row() const;  // ascending by user, then conversation

 private:
  std::map<std::pair<std::uint64_t, std::string>, IndexMarks> marks_;
};

}  // namespace chasqui::shard
