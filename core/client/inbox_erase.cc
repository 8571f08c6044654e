// What is deleted, or disappears, is gone from a device too: core/client/inbox.h.
#include <algorithm>

#include "core/base/points.h"
#include "core/client/inbox.h"

namespace chasqui::client {
namespace {

bool is_of(const Event& event, std::uint64_t message) {
  return event.seq() == message || (event.about().kind() == About::EDIT && event.about().seq() == message);
}

}  // namespace

// `event` is taken: what it does to those before it, and when it goes itself.
void Inbox::note_erasure(Lane& lane, const Event& event) {
  if (event.expires_ms() != 0 && !event.payload().empty()) {
    const WallTime at{event.expires_ms()};
    next_expiry_ = next_expiry_ ? std::min(*next_expiry_, at) : at;
  }
  if (event.about().kind() != About::DELETION || CHASQUI_CANARY("journal_keeps")) return;
  lane.has_deletion = true;
  // Of what was shown, or sent, nobody knows here whether the journal has it still.
  if (lane.shown > lane.shown_elsewhere || lane.own_in_journal) holds_erased_ = true;
  for (Event& kept : lane.kept) {
    if (!is_of(kept, event.about().seq()) || kept.payload().empty()) continue;
    kept.clear_payload();
    kept.set_erased_by(event.seq());
    holds_erased_ = true;
  }
}

void Inbox::expire(WallTime wall) {
  if (!next_expiry_ || wall < *next_expiry_) return;
  next_expiry_.reset();
  holds_erased_ = true;
  for (auto& [conversation, lane] : lanes_) {
    for (Event& kept : lane.kept) {
      if (kept.expires_ms() == 0 || kept.payload().empty()) continue;
      const WallTime at{kept.expires_ms()};
      if (wall < at) {
        next_expiry_ = next_expiry_ ? std::min(*next_expiry_, at) : at;
      } else if (kept.seq() <= lane.taken.value()) {  // what is not handed out yet is handed out first
        kept.clear_payload();
        kept.set_expired(true);
      } else {
        next_expiry_ = wall;
      }
    }
  }
}

void Inbox::note_own(const ConversationId& conversation, Seq seq) {
  Lane* lane = lane_of(conversation);
  if (lane == nullptr) return;
  lane->own_in_journal = true;
  // Perhaps it was deleted before the answer came, by another device: now, or before the journal was replaced.
  if (lane->has_deletion || seq <= lane->shown_elsewhere) holds_erased_ = true;
}

void Inbox::journal_replaced() {
  holds_erased_ = false;
  for (auto& [conversation, lane] : lanes_) {
    lane.shown_elsewhere = lane.shown;
    lane.own_in_journal = lane.has_deletion = false;
  }
}

}  // namespace chasqui::client
