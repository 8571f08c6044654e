#include "sim/plan/marks.h"

namespace chasqui::sim {

const std::vector<std::string_view>& known_marks() {
  static const std::vector<std::string_view> all{
      "ack_clamped",       "answer_forgotten",   "batch_resent",     "command_expired",   "content_refused",
      "feed_full",         "feed_read",          "half_open_closed", "head_told",         "hello_storm",
      "late_frame",        "leads_after_replay", "log_compacted",    "notify_given_back", "notify_refused",
      "number_of_another", "number_too_high",    "older_session",    "outcome_unknown",   "pending_mark_told",
      "push_missed",       "rate_refused",       "reads_full",       "retry_answered",    "session_behind",
      "session_replaced",  "unanswered_full",
  };
  return all;
}

}  // namespace chasqui::sim
