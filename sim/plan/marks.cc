#include "sim/plan/marks.h"

#include <array>
#include <utility>

namespace chasqui::sim {

namespace {
constexpr std::string_view all[] = {
    "ack_clamped",
    "answer_forgotten",
    "ask_expired",
    "ask_waits",
    "asked_again",
    "asked_elsewhere",
    "batch_resent",
    "catch_up_put_off",
    "clock_disagrees",
    "command_waited_long",
    "content_turned_down",
    "deposed_by_announcement",
    "destination_silent",
    "events_kept",
    "parked_found",
    "parked_sent",
    "ephemeral_unwanted",
    "event_withheld",
    "feed_full",
    "gate_asked",
    "gate_not_yet_in_force",
    "gate_unanswered",
    "kept_marks_told",
    "marks_kept",
    "stranger_rate_refused",
    "withheld_as_digest",
    "withheld_passed",
    "feed_read",
    "half_open_closed",
    "head_told",
    "hello_storm",
    "lacking_head_told",
    "late_frame",
    "leadership_handed_over",
    "leads_after_replay",
    "leads_from_the_middle",
    "log_compacted",
    "notify_given_back",
    "notify_refused",
    "number_of_another",
    "number_too_high",
    "older_session",
    "outcome_unknown",
    "pending_mark_told",
    "push_missed",
    "rate_refused",
    "read_by_barrier",
    "read_unfresh",
    "reads_full",
    "sums_differ",
    "registered_amid_hello",
    "registered_but_revoked",
    "replaced_elsewhere",
    "retry_answered",
    "revoked_amid_hello",
    "session_lags",
    "session_replaced",
    "sessions_registered",
    "tells_lost",
    "transfer_given_up",
    "unanswered_full",
    "chunk_unsound",
    "stream_refused",
    "stream_given_up",
    "part_asked_again",
    "state_staged",
    "stream_goes_on",
    "state_ingested",
    "stream_left_for_another",
    "stream_idle",
    "stream_loses_its_log",
    "install_ends_at_start",
    "install_given_up",
    "log_kept_for_stream",
    "install_put_off",
    "hash_check_put_off",
    "hash_check_proposed",
    "state_doubted",
    "state_differs",
    "slow_disk_gives_way",
    "stream_left_for_vote",
    "about_nothing_there",
    "about_erased",
    "payload_erased",
    "payload_expired",
    "message_pinned",
    "expiry_read",
    "typing_told",
    "group_typing_told",
    "presence_told",
    "unread_told",
    // Of groups: a plan without any aims at none of these.
    "asked_to_join",
    "feed_members_read",
    "group_created",
    "group_deleted",
    "joined_by_link",
    "invited_to_group",
    "member_came_back",
    "member_may_not_send",
    "member_removed",
    "owner_succeeded",
    "member_named",
    "group_receipts_told",
};
constexpr std::size_t of_groups = 12;
}  // namespace

std::string_view why_unreached(std::string_view mark) {
  // A row is a debt: it says what the world cannot do yet.
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 1> reasons{{
      {"stranger_rate_refused", "nobody here writes to so many strangers that it would take minutes to settle"},
  }};
  for (const auto& [name, reason] : reasons) {
    if (name == mark) return reason;
  }
  return {};
}

std::span<const std::string_view> known_marks() {
  return all;
}

std::span<const std::string_view> marks_without_groups() {
  return std::span(all).first(std::size(all) - of_groups);
}

}  // namespace chasqui::sim
