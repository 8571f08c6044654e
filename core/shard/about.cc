#include "core/shard/about.h"

#include <utility>

#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/keys.h"
#include "core/base/points.h"

namespace chasqui::shard {
namespace {

using client::About;

bool is_message(const client::Event& event) {
  if (event.has_change()) return false;  // of a group: a fact, not somebody's words
  return event.about().kind() == About::NOTHING || event.about().kind() == About::REPLY;
}

void erase(const ShardView& view, const ConversationId& conversation, client::Event& event, Seq by, Effects& effects) {
  event.clear_payload();
  event.set_erased_by(by.value());
  effects.put(keys::event(view.shard(), conversation, Seq(event.seq())), serialize(event));
}

}  // namespace

std::optional<std::uint32_t> refuse_about(const ShardView& view, const ConversationId& conversation,
                                          const log::Send& command, std::optional<client::Event>& target,
                                          bool is_admin) {
  if (command.about_kind() == 0) return std::nullopt;
  if (command.about_kind() > About::REACTION) return client::UNIMPLEMENTED;
  const auto kind = static_cast<About::Kind>(command.about_kind());
  if (command.about_seq() != 0) target = view.event(conversation, Seq(command.about_seq()));
  if (!target || !is_message(*target)) {
    CHASQUI_MARK("about_nothing_there");
    return client::NOT_FOUND;
  }
  if (kind == About::REPLY) return std::nullopt;
  const bool is_own = target->sender() == command.sender() || (is_admin && kind == About::DELETION);
  if (kind != About::REACTION && !is_own) return client::PERMISSION_DENIED;
  if (target->erased_by() != 0) {
    CHASQUI_MARK("about_erased");
    return client::FAILED_PRECONDITION;
  }
  if (kind != About::EDIT) return std::nullopt;
  const bool is_late = view.time().ms - target->time_ms() > bounds::edit_window_ms;
  if (is_late || target->edits() >= bounds::edits_per_message_max) return client::FAILED_PRECONDITION;
  return std::nullopt;
}

void carry_out_about(const ShardView& view, const ConversationId& conversation, client::Event& event,
                     client::Event target, Effects& effects) {
  const Seq seq(event.seq());
  if (event.about().kind() == About::EDIT) {
    event.set_edited_before(target.edited_by());
    target.set_edited_by(seq.value());
    target.set_edits(target.edits() + 1);
    effects.put(keys::event(view.shard(), conversation, Seq(target.seq())), serialize(target));
  } else if (event.about().kind() == About::DELETION) {
    CHASQUI_MARK("payload_erased");
    for (Seq edit(target.edited_by()); edit;) {
      std::optional<client::Event> one = view.event(conversation, edit);
      CHASQUI_ASSERT(one.has_value() && one->edited_before() < one->seq(), "an edit names one before it, or none");
      edit = Seq(one->edited_before());
      erase(view, conversation, *one, seq, effects);
    }
    erase(view, conversation, target, seq, effects);
  }
}

}  // namespace chasqui::shard
