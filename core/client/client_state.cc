// What the application says of itself and asks of others: what is hidden, who is watched, typing, privacy.
#include <utility>

#include "absl/strings/str_cat.h"
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

std::uint64_t ClientImpl::ask_receipts(Now now, const ConversationId& conversation, Seq seq, Outputs& out) {
  ClientFrame asked;
  asked.mutable_ask_receipts()->set_conversation(conversation.str());
  asked.mutable_ask_receipts()->set_seq(seq.value());
  return ask(now, Asked::Receipts, conversation, std::move(asked), out);
}

std::uint64_t ClientImpl::ask_marks(Now now, const ConversationId& conversation, Outputs& out) {
  ClientFrame asked;
  asked.mutable_marks()->add_conversations(conversation.str());
  asked.mutable_marks()->add_own_seqs(receipts_.own(conversation).value());
  return ask(now, Asked::MarksOf, conversation, std::move(asked), out);
}

std::uint64_t ClientImpl::set_privacy(Now now, std::optional<Audience> presence, std::optional<bool> read_receipts,
                                      Outputs& out) {
  ClientFrame asked;
  asked.mutable_set_privacy();
  if (read_receipts) asked.mutable_set_privacy()->set_read_receipts(*read_receipts);
  if (presence) asked.mutable_set_privacy()->set_presence(*presence);
  return ask(now, Asked::Privacy, {}, std::move(asked), out);
}

}  // namespace chasqui::client
