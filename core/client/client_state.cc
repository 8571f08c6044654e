// What the application says of itself and asks of others: what is hidden, who is watched, typing, privacy, gates.
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/client/client_impl.h"

namespace chasqui::client {

absl::Status ClientImpl::hide(Now now, const ConversationId& conversation, Seq first, Seq last, Outputs& out) {
  if (!first || first > last || last > inbox_.taken(conversation)) {
    return absl::OutOfRangeError(absl::StrCat("there is no stretch ", first.value(), " to ", last.value(),
                                              " of this conversation here, the last event is ",
                                              inbox_.taken(conversation).value()));
  }
  absl::Status status = hidden_.hide(conversation, first.value(), last.value());
  if (status.ok()) pump(now, out);
  return status;
}

void ClientImpl::watch(Now now, std::vector<UserId> users, Outputs& out) {
  watching_.watch(std::move(users), now.mono);
  pump(now, out);
}

void ClientImpl::type(Now now, const ConversationId& conversation, bool is_over, Outputs& out) {
  if (!is_connected()) return;
  if (auto typing = watching_.type(conversation, is_over, now.mono)) {
    *frame(requests_.id_alone()).mutable_typing() = *std::move(typing);
  }
  pump(now, out);
}

std::uint64_t ClientImpl::set_privacy(Now now, std::optional<Audience> presence, std::optional<Audience> adds,
                                      Outputs& out) {
  ClientFrame asked;
  asked.mutable_set_privacy();
  if (presence) asked.mutable_set_privacy()->set_presence(*presence);
  if (adds) asked.mutable_set_privacy()->set_adds(*adds);
  return ask(now, Asked::Privacy, {}, std::move(asked), out);
}

std::uint64_t ClientImpl::set_gate(Now now, UserId user, Gate gate, Outputs& out) {
  ClientFrame asked;
  asked.mutable_set_gate()->set_user(user.value());
  asked.mutable_set_gate()->set_gate(gate);
  return ask(now, Asked::SetGate, {}, std::move(asked), out);
}

// Of what is not there yet it is news only if it is unusual.
void ClientImpl::note_gate(const ConversationId& conversation, Gate gate, bool is_invitation, Outputs& out) {
  if (!Gate_IsValid(gate)) return;  // of a later protocol
  if (gates_.note(conversation, {gate, is_invitation})) {
    out.happenings.emplace_back(GateMoved{conversation, gate, is_invitation});
  }
}

}  // namespace chasqui::client
