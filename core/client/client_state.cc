// What the application says of itself and asks of others: what is hidden, who is watched, typing, privacy, gates,
// marks; and how its questions wait for a session.
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/client/client_impl.h"

namespace chasqui::client {
namespace {

constexpr std::uint64_t calls_max = 64;  // of the application, waiting or unanswered

}  // namespace

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

std::uint64_t ClientImpl::set_privacy(Now now, std::optional<Audience> presence, std::optional<Audience> adds,
                                      std::optional<bool> read_receipts, Outputs& out) {
  ClientFrame asked;
  asked.mutable_set_privacy();
  if (read_receipts) asked.mutable_set_privacy()->set_read_receipts(*read_receipts);
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

std::uint64_t ClientImpl::ask(Now now, Asked asked, const ConversationId& conversation, ClientFrame frame,
                              Outputs& out) {
  Call call{++last_call_, asked, conversation, std::move(frame)};
  const std::uint64_t id = call.id;
  if (link_.state() == Link::State::Ended) {
    refuse(call, absl::UnavailableError("the session has ended"), out);
  } else if (calls_.size() + requests_.count(Asked::Lookup) + requests_.count(Asked::History) +
                 requests_.count(Asked::Describe) + requests_.count(Asked::Receipts) +
                 requests_.count(Asked::MarksOf) >=
             calls_max) {
    refuse(call, absl::ResourceExhaustedError(absl::StrCat(calls_max, " questions are unanswered: ask later")), out);
  } else {
    calls_.push_back(std::move(call));
  }
  pump(now, out);
  return id;
}

void ClientImpl::refuse(const Call& call, const absl::Status& status, Outputs& out) {
  if (call.asked == Asked::Lookup) out.happenings.emplace_back(LookupDone{call.id, status, {}});
  if (call.asked == Asked::Describe) out.happenings.emplace_back(GroupDescribed{call.id, status, {}});
  if (call.asked == Asked::History) out.happenings.emplace_back(HistoryDone{call.id, status, {}});
  if (call.asked == Asked::Privacy) out.happenings.emplace_back(PrivacyDone{call.id, status, {}, {}, true});
  if (call.asked == Asked::SetGate) out.happenings.emplace_back(GateDone{call.id, status, {}});
  if (call.asked == Asked::MarksOf) out.happenings.emplace_back(MarksDone{call.id, status, {}});
  if (call.asked == Asked::Receipts) out.happenings.emplace_back(ReceiptsDone{call.id, status, {}});
}

}  // namespace chasqui::client
