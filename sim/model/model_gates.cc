// Of the model: gates of direct conversations (docs/decisions/0013-gates.md), written from the rules, not from core/.
#include <algorithm>

#include "proto/state.pb.h"
#include "sim/model/model.h"

namespace chasqui::sim {

UserId Model::other_of(const ConversationId& id, UserId user) {
  return user == id.lower() ? id.higher() : id.lower();
}

bool Model::tells_marks(Conversation& conversation, const ConversationId& id, UserId user) {
  if (id.lower() == id.higher()) return true;
  return conversation.gates[user].is_open() && !conversation.gates[other_of(id, user)].is_blocked();
}

// "The gate of X is X's stance towards the other": what X has said last, or that X has written.
bool Model::Gate::is_blocked() const {
  return said.stance == state::BLOCKED;
}

bool Model::Gate::is_open() const {
  return !is_blocked() && (said.stance == state::ACCEPTED || has_written);
}

Model::Conversation& Model::conversation_at(const ConversationId& id) {
  Conversation*& found = by_id_[id];
  if (found == nullptr) found = &conversations_[id];
  return *found;
}

// "Idempotent, the higher version wins, creating the header if need be."
void Model::learn(const ConversationId& id, UserId user, const LoggedStance& said) {
  if (id.is_group() || id.lower() == id.higher() || !id.has_direct_member(user)) return;
  Conversation& conversation = conversation_at(id);
  Gate& gate = conversation.gates[user];
  if (said.version <= gate.said.version) return;
  const bool was_blocked = gate.is_blocked();
  gate.said = said;
  if (gate.is_blocked() && !was_blocked) {
    for (const UserId member : {id.lower(), id.higher()}) conversation.gates[member].is_held = true;
  }
  tell_marks(conversation, id, user);
}

// It stands in the user's own index; the conversation is told by a notice.
void Model::apply(const LoggedEntry& entry, const LoggedGate& gate) {
  if (!is_valid(gate.user) || !is_valid(gate.other) || gate.user == gate.other) return;
  Index& index = indexes_[gate.user];
  const ConversationId conversation = ConversationId::direct(gate.user, gate.other);
  if (gate.stance == state::NOTHING_SAID && !index.contains(conversation)) return;  // as it was
  index[conversation].changed = entry.index;
}

// "No receipt goes back to the sender before the gate is open; marks are kept and told after that"; none flows either
// way while one has blocked the other. Of reading never more than the reader lets be known.
void Model::tell_marks(Conversation& conversation, const ConversationId& id, UserId user) {
  Gate& gate = conversation.gates[user];
  if (gate.is_held || !tells_marks(conversation, id, user)) return;
  const Marks& marks = conversation.marks[user];
  gate.told.delivered = std::max(gate.told.delivered, marks.delivered);
  gate.told.read = std::max(gate.told.read, marks.read_told);
}

// "An event accepted while the recipient's gate is BLOCKED is stamped withheld"; so is what makes no sense without one.
bool Model::is_withheld(Conversation& conversation, const LoggedSend& send) {
  const UserId other = other_of(send.conversation, send.sender);
  if (other == send.sender) return false;
  if (conversation.gates[other].is_blocked()) return true;
  const bool goes_along = send.about_kind == client::About::EDIT || send.about_kind == client::About::REACTION ||
                          send.about_kind == client::About::VOTE || send.about_kind == client::About::PIN ||
                          send.about_kind == client::About::UNPIN;
  return goes_along && conversation.events[send.about.value() - 1].withheld;
}

Model::Marks Model::marks_told(const ConversationId& id, UserId user) const {
  const Conversation* known = conversation(id);
  if (id.is_group() || known == nullptr || id.lower() == id.higher()) {
    const Marks all = marks(id, user);
    return {all.delivered, all.read_told};
  }
  const auto gate = known->gates.find(user);
  return gate == known->gates.end() ? Marks() : gate->second.told;
}

}  // namespace chasqui::sim
