// What the gateway holds, for metrics and judges.
#include <algorithm>

#include "core/base/check.h"
#include "core/gateway/gateway.h"

namespace chasqui::gateway {

Gateway::Sizes Gateway::sizes() const {
  Sizes sizes;
  sizes.sessions = sessions_.size();
  sizes.sockets_before_hello = not_logged_in_.size();
  sizes.rate_entries_most = std::max({connections_.size(), look_ups_.size(), group_creations_.size()});
  for (const SessionId id : all_) {
    const std::unique_ptr<Session>* session = sessions_.find(id);
    CHASQUI_ASSERT(session != nullptr, "every session is in both");
    sizes.missed_most = std::max<std::uint64_t>(sizes.missed_most, (*session)->missed.size());
    sizes.unanswered_most = std::max(sizes.unanswered_most, (*session)->unanswered);
  }
  return sizes;
}

std::uint64_t Gateway::memory_bytes() const {
  return sessions_.size() * (sizeof(Session) + 200) +
         (missed_ + connections_.size() + look_ups_.size() + group_creations_.size()) * 112;
}

}  // namespace chasqui::gateway
