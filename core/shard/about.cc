#include "core/shard/about.h"

#include <algorithm>
#include <utility>

#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/shard/gates.h"

namespace chasqui::shard {
namespace {

using client::About;

constexpr char marker[] = "1";  // the key of an expiry says it all

bool is_message(const client::Event& event) {
  if (event.has_change()) return false;  // of a group: a fact, not somebody's words
  return event.about().kind() == About::NOTHING || event.about().kind() == About::REPLY;
}

bool is_pinned(const state::Header& header, std::uint64_t seq) {
  return std::find(header.pins().begin(), header.pins().end(), seq) != header.pins().end();
}

void unpin(state::Header& header, std::uint64_t seq) {
  auto& pins = *header.mutable_pins();
  pins.erase(std::remove(pins.begin(), pins.end(), seq), pins.end());
  auto& withheld = *header.mutable_pins_withheld();
  const auto is_it = [seq](const state::WithheldPin& pin) { return pin.seq() == seq; };
  withheld.erase(std::remove_if(withheld.begin(), withheld.end(), is_it), withheld.end());
}

// Of an event of its own, not of an edit: that goes with its message.
bool has_expiry_row(const client::Event& event) {
  return event.expires_ms() > 0 && event.about().kind() != About::EDIT;
}

void erase(const ShardView& view, const ConversationId& conversation, client::Event& event, Seq by, Effects& effects) {
  if (has_expiry_row(event)) {
    effects.remove(keys::expiry(view.shard(), event.expires_ms(), conversation, Seq(event.seq())));
    --effects.expiries;
  }
  event.clear_payload();
  if (by)
    event.set_erased_by(by.value());
  else
    event.set_expired(true);
  effects.put(keys::event(view.shard(), conversation, Seq(event.seq())), serialize(event));
}

std::optional<std::uint32_t> refuse_edit(const ShardView& view, const client::Event& target) {
  const bool is_late = view.time().ms - target.time_ms() > bounds::edit_window_ms;
  if (is_late || target.edits() >= bounds::edits_per_message_max) return client::FAILED_PRECONDITION;
  return std::nullopt;
}

std::optional<std::uint32_t> refuse_vote(const log::Send& command, const client::Event& target) {
  if (target.poll_options() == 0) return client::FAILED_PRECONDITION;
  if (command.votes() == 0) return std::nullopt;
  const bool fits = command.votes() <= std::max<std::uint32_t>(1, target.poll_choices_max()) &&
                    command.vote_highest() < target.poll_options();
  return fits ? std::nullopt : std::optional<std::uint32_t>(client::INVALID_ARGUMENT);
}

std::optional<std::uint32_t> refuse_pin(About::Kind kind, const state::Header& header, std::uint64_t seq) {
  const bool has_room = static_cast<std::uint64_t>(header.pins_size()) < bounds::pins_max;
  const bool may = kind == About::PIN ? !is_pinned(header, seq) && has_room : is_pinned(header, seq);
  return may ? std::nullopt : std::optional<std::uint32_t>(client::FAILED_PRECONDITION);
}

}  // namespace

std::optional<std::uint32_t> refuse_about(const ShardView& view, const ConversationId& conversation,
                                          const state::Header& header, const log::Send& command,
                                          std::optional<client::Event>& target, bool is_admin) {
  if (command.about_kind() == 0) return std::nullopt;
  if (command.about_kind() > About::VOTE) return client::UNIMPLEMENTED;
  const auto kind = static_cast<About::Kind>(command.about_kind());
  if (command.about_seq() != 0) target = view.event(conversation, Seq(command.about_seq()));
  const bool is_shown = target && (!target->withheld() || target->sender() == command.sender());
  if (!is_shown || !is_message(*target)) {
    CHASQUI_MARK("about_nothing_there");
    return client::NOT_FOUND;
  }
  if (kind == About::REPLY) return std::nullopt;
  const bool is_own = target->sender() == command.sender() || (is_admin && kind == About::DELETION);
  if ((kind == About::EDIT || kind == About::DELETION) && !is_own) return client::PERMISSION_DENIED;
  if (target->erased_by() != 0 || target->expired()) {
    CHASQUI_MARK("about_erased");
    return client::FAILED_PRECONDITION;
  }
  if (kind == About::EDIT) return refuse_edit(view, *target);
  if (kind == About::VOTE) return refuse_vote(command, *target);
  if (kind == About::PIN || kind == About::UNPIN) return refuse_pin(kind, header, target->seq());
  return std::nullopt;
}

void erase_message(const ShardView& view, const ConversationId& conversation, client::Event message, Seq by,
                   state::Header& header, Effects& effects) {
  for (Seq edit(message.edited_by()); edit && !CHASQUI_CANARY("payload_kept");) {
    std::optional<client::Event> one = view.event(conversation, edit);
    CHASQUI_ASSERT(one.has_value() && one->edited_before() < one->seq(), "an edit names one before it, or none");
    edit = Seq(one->edited_before());
    erase(view, conversation, *one, by, effects);
  }
  unpin(header, message.seq());
  erase(view, conversation, message, by, effects);
}

namespace {

// Counted at its message. Who does not see all of them is shown the last one that he does (core/shard/gates.h).
void put_edit(client::Event& target, client::Event& edit) {
  const std::uint64_t shown = target.edits_withheld() ? target.shown_edit() : target.edited_by();
  const std::uint32_t shown_count = target.edits_withheld() ? target.shown_edits() : target.edits();
  if (edit.withheld() || target.edits_withheld()) {
    if (!edit.withheld()) {
      edit.set_edits_withheld(true);
      edit.set_shown_edit(shown);
    }
    target.set_edits_withheld(true);
    target.set_shown_edit(edit.withheld() ? shown : edit.seq());
    target.set_shown_edits(shown_count + (edit.withheld() ? 0 : 1));
  }
  edit.set_edited_before(target.edited_by());
  target.set_edited_by(edit.seq());
  target.set_edits(target.edits() + 1);
}

void carry_out_about(const ShardView& view, const ConversationId& conversation, client::Event& event,
                     client::Event target, state::Header& header, Effects& effects) {
  const Seq seq(event.seq());
  if (event.about().kind() == About::EDIT) {
    put_edit(target, event);
    effects.put(keys::event(view.shard(), conversation, Seq(target.seq())), serialize(target));
  } else if (event.about().kind() == About::DELETION) {
    CHASQUI_MARK("payload_erased");
    erase_message(view, conversation, std::move(target), seq, header, effects);
  } else if (event.about().kind() == About::PIN) {
    CHASQUI_MARK("message_pinned");
    header.add_pins(target.seq());
    if (event.withheld()) {
      state::WithheldPin& pin = *header.add_pins_withheld();
      pin.set_seq(target.seq());
      pin.set_user(other_of(conversation, UserId(event.sender())).value());
    }
  } else if (event.about().kind() == About::UNPIN) {
    unpin(header, target.seq());
  }
}

// The conversation's timer, as it stood before `event`, is put on it: expires_ms, and the row by which that is found.
void put_timer(const ShardView& view, const ConversationId& conversation, const state::Header& header,
               const std::optional<client::Event>& target, client::Event& event, Effects& effects) {
  const About::Kind kind = event.about().kind();
  if (kind == About::DELETION || kind == About::PIN || kind == About::UNPIN) return;  // they say nothing
  const std::int64_t by_timer =
      header.timer_s() == 0 ? 0 : view.time().ms + std::int64_t{1'000} * static_cast<std::int64_t>(header.timer_s());
  // What is said on a message, and would make no sense without it, goes when that does.
  const bool goes_with_target = kind == About::EDIT || kind == About::REACTION || kind == About::VOTE;
  event.set_expires_ms(goes_with_target && target ? target->expires_ms() : by_timer);
  if (has_expiry_row(event)) {
    effects.put_new(keys::expiry(view.shard(), event.expires_ms(), conversation, Seq(event.seq())),
                    std::string(marker));
    ++effects.expiries;
  }
}

}  // namespace

void carry_out(const ShardView& view, const ConversationId& conversation, const log::Send& command,
               std::optional<client::Event> target, client::Event& event, state::Header& header, Effects& effects) {
  event.set_payload(command.payload());
  if (command.has_timer_s()) {
    header.set_timer_s(command.timer_s());
  } else {
    put_timer(view, conversation, header, target, event, effects);
  }
  if (target) carry_out_about(view, conversation, event, *std::move(target), header, effects);
}

}  // namespace chasqui::shard
