#include "core/shard/gates.h"

#include <algorithm>
#include <utility>

#include "core/base/points.h"
#include "core/shard/direct.h"
#include "core/shard/steps.h"

namespace chasqui::shard {
namespace {

client::Gate gate_of(std::uint32_t stance, bool has_written) {
  if (stance == state::BLOCKED) return client::BLOCKED;
  return stance == state::ACCEPTED || has_written ? client::OPEN : client::REQUEST;
}

bool is_with_oneself(const ConversationId& conversation) {
  return conversation.lower() == conversation.higher();
}

ToldMarks told_to_other(const state::Header& header, const ConversationId& conversation, UserId user) {
  return told_of(header, conversation, user, other_of(conversation, user));
}

// What the other was told last stands from now on.
void hold(state::Header& header, const ConversationId& conversation, UserId user) {
  const ToldMarks told = told_to_other(header, conversation, user);
  state::DirectMember& held = member(header, conversation, user);
  held.set_held(true);
  held.set_told_delivered(told.delivered.value());
  held.set_told_read(told.read.value());
}

// When the other heard of it. Of what was kept from him until now no other time is noted: it would say when somebody
// whose gate was not open yet, or who had blocked him, was there.
void note_steps(state::Header& header, const ConversationId& conversation, UserId user, const ToldMarks& before,
                LogTime time) {
  const ToldMarks now = told_to_other(header, conversation, user);
  state::MemberSteps& steps = *member(header, conversation, user).mutable_steps();
  if (now.delivered > before.delivered) note_step(*steps.mutable_delivered(), now.delivered.value(), time);
  if (now.read > before.read) note_step(*steps.mutable_read(), now.read.value(), time);
}

// The gate has opened: what was kept is told.
void tell_kept(state::Header& header, const ConversationId& conversation, UserId user, LogTime time, Effects& effects) {
  const state::DirectMember& own = member(header, conversation, user);
  if (own.held() || own.delivered() == 0 || !tells_marks(header, conversation, user)) return;
  CHASQUI_MARK("kept_marks_told");
  note_steps(header, conversation, user, {}, time);
  effects.consequences.push_back(
      MarksMoved{conversation, user, Seq(own.delivered()), Seq(own.read()), Seq(own.read_told())});
}

}  // namespace

client::Gate gate_of(const state::DirectMember& member) {
  return gate_of(member.stance(), member.opened());
}

client::Gate gate_of(const state::Index& entry, const ConversationId& conversation) {
  if (conversation.is_group() || is_with_oneself(conversation)) return client::OPEN;
  return gate_of(entry.stance(), entry.opened());
}

bool is_invitation(const state::Index& entry) {
  return entry.invited() > entry.head();
}

UserId other_of(const ConversationId& conversation, UserId user) {
  return user == conversation.lower() ? conversation.higher() : conversation.lower();
}

bool is_withheld(const state::Header& header, const ConversationId& conversation, UserId sender) {
  if (is_with_oneself(conversation) || CHASQUI_CANARY("block_ignored")) return false;
  return gate_of(*member(&header, conversation, other_of(conversation, sender))) == client::BLOCKED;
}

bool tells_marks(const state::Header& header, const ConversationId& conversation, UserId user) {
  if (is_with_oneself(conversation)) return true;
  const client::Gate own = gate_of(*member(&header, conversation, user));
  const client::Gate others = gate_of(*member(&header, conversation, other_of(conversation, user)));
  if (CHASQUI_CANARY("receipt_to_stranger")) return own != client::BLOCKED;
  if (CHASQUI_CANARY("receipt_to_blocked")) return own != client::REQUEST;
  return own == client::OPEN && others != client::BLOCKED;
}

void marks_moved(state::Header& header, const ConversationId& conversation, UserId user, const ToldMarks& before,
                 LogTime time, Effects& effects) {
  state::DirectMember& own = member(header, conversation, user);
  const bool is_private = !tells_marks(header, conversation, user);
  if (is_private) CHASQUI_MARK("marks_kept");
  if (!is_private) {
    own.clear_held();
    own.clear_told_delivered();
    own.clear_told_read();
    note_steps(header, conversation, user, before, time);
  }
  effects.consequences.push_back(MarksMoved{.conversation = conversation,
                                            .user = user,
                                            .delivered = Seq(own.delivered()),
                                            .read = Seq(own.read()),
                                            .read_told = Seq(own.read_told()),
                                            .is_private = is_private});
}

void learn_stance(state::Header& header, const ConversationId& conversation, UserId user, std::uint32_t stance,
                  std::uint64_t version, LogTime time, Effects& effects) {
  if (is_with_oneself(conversation) || version <= member(header, conversation, user).stance_version()) return;
  const client::Gate before = gate_of(member(header, conversation, user));
  if (stance == state::BLOCKED && before != client::BLOCKED) {
    hold(header, conversation, user);
    hold(header, conversation, other_of(conversation, user));
  }
  state::DirectMember& own = member(header, conversation, user);
  own.set_stance(stance);
  own.set_stance_version(version);
  if (before != client::OPEN && gate_of(own) == client::OPEN) tell_kept(header, conversation, user, time, effects);
}

bool learn_written(state::Header& header, const ConversationId& conversation, UserId user, LogTime time,
                   Effects& effects) {
  state::DirectMember& own = member(header, conversation, user);
  if (own.opened() || is_with_oneself(conversation)) return false;
  const client::Gate before = gate_of(own);
  own.set_opened(true);
  if (before == client::REQUEST) tell_kept(header, conversation, user, time, effects);
  return true;
}

void note_withheld(const ConversationId& conversation, bool as_message, client::Event& event, state::Header& header) {
  if (event.withheld() && as_message) {
    state::DirectMember& reader = member(header, conversation, other_of(conversation, UserId(event.sender())));
    reader.set_withheld(reader.withheld() + 1);
  }
  event.set_withheld_from_lower(member(header, conversation, conversation.lower()).withheld());
  event.set_withheld_from_higher(member(header, conversation, conversation.higher()).withheld());
}

std::uint64_t withheld_up_to(const client::Event& event, const ConversationId& conversation, UserId reader) {
  return reader == conversation.lower() ? event.withheld_from_lower() : event.withheld_from_higher();
}

bool holds_withheld(const client::Event& event) {
  return event.withheld_from_lower() != 0 || event.withheld_from_higher() != 0;
}

client::Event as_seen(client::Event event, UserId reader) {
  const bool is_own = event.sender() == reader.value();
  if (event.withheld() && !is_own && !CHASQUI_CANARY("withheld_served")) {
    CHASQUI_MARK("withheld_as_digest");
    client::Event husk;
    husk.set_seq(event.seq());
    husk.set_digest(std::move(*event.mutable_digest()));
    husk.set_chain(std::move(*event.mutable_chain()));
    husk.set_withheld(true);
    // What is taken back is taken back everywhere: he learns no more than that the earlier one is gone.
    if (event.about().kind() == client::About::DELETION) *husk.mutable_about() = event.about();
    return husk;
  }
  if (event.edits_withheld() && !is_own) {
    if (event.about().kind() == client::About::EDIT) {
      event.set_edited_before(event.shown_edit());
    } else {
      event.set_edited_by(event.shown_edit());
      event.set_edits(event.shown_edits());
    }
  }
  if (!CHASQUI_CANARY("block_told")) event.clear_withheld();
  event.clear_edits_withheld();
  event.clear_shown_edit();
  event.clear_shown_edits();
  event.clear_withheld_from_lower();
  event.clear_withheld_from_higher();
  return event;
}

bool is_seen_alike(const client::Event& event) {
  return !event.withheld() && !event.edits_withheld();
}

bool sees_pin(const state::Header& header, std::uint64_t seq, UserId reader) {
  return std::none_of(header.pins_withheld().begin(), header.pins_withheld().end(),
                      [&](const state::WithheldPin& pin) { return pin.seq() == seq && pin.user() == reader.value(); });
}

}  // namespace chasqui::shard
