// Who writes in a conversation just now, as far as this device was told (client::TypingHeard).
#pragma once

#include <map>

#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/base/now.h"

namespace chasqui::cli {

class ChatWriters {
 public:
  // True: that is news. It is said again and again while somebody writes: a line for each would be too much.
  [[nodiscard]] bool begins(UserId user, bool is_over, MonoTime now) {
    std::erase_if(until_, [now](const auto& writer) { return writer.second <= now; });
    if (is_over) return until_.erase(user), false;
    return until_.insert_or_assign(user, now + milliseconds(static_cast<std::int64_t>(bounds::typing_ms))).second;
  }
  void has_written(UserId user) { until_.erase(user); }

 private:
  std::map<UserId, MonoTime> until_;
};

}  // namespace chasqui::cli
