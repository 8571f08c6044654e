// What is heard of others' marks, of this user's own from other devices, and of what is unread.
#include <utility>

#include "core/client/client_impl.h"

namespace chasqui::client {

bool ClientImpl::on_receipt(const Receipt& receipt, Outputs& out) {
  const std::optional<ConversationId> conversation = ConversationId::parse(receipt.conversation());
  const UserId user(receipt.user());
  if (!conversation || !is_valid(user)) return false;
  const UserId self = identity_.credentials().user;
  if (user == self) {
    if (acks_.on_confirmed(*conversation, Seq(receipt.delivered_seq()), Seq(receipt.read_seq()))) {
      marks_dirty_.insert(*conversation);
    }
    if (Seq(receipt.read_seq()) <= acks_.read(*conversation)) return true;  // our own echo
  }
  if (auto moved = receipts_.merge(*conversation, user, Seq(receipt.delivered_seq()), Seq(receipt.read_seq()))) {
    out.happenings.emplace_back(*moved);
    marks_dirty_.insert(*conversation);
  }
  return true;
}

// What this user has read, on whichever device.
void ClientImpl::on_own_read(const ConversationId& conversation, Seq read, Outputs& out) {
  if (read <= acks_.read(conversation)) return;  // this device has said so itself
  const UserId self = identity_.credentials().user;
  if (auto moved = receipts_.merge(conversation, self, Seq(), read)) out.happenings.emplace_back(*moved);
}

void ClientImpl::count(const ConversationId& conversation, const Event& event, bool is_repeated, Outputs& out) {
  const bool is_own = UserId(event.sender()) == identity_.credentials().user;
  if (auto moved = unread_.on_event(conversation, event, is_own, is_repeated)) out.happenings.emplace_back(*moved);
}

bool ClientImpl::on_group_receipts(const GroupReceipts& receipts, Outputs& out) {
  for (const MemberMarks& marks : receipts.members()) {
    Receipt receipt;
    receipt.set_conversation(receipts.conversation());
    receipt.set_user(marks.user());
    receipt.set_delivered_seq(marks.delivered_seq());
    receipt.set_read_seq(marks.read_seq());
    if (!on_receipt(receipt, out)) return false;
  }
  for (const ReceiptCounts& counts : receipts.counts()) {
    if (!on_counted(counts, receipts.conversation(), out)) return false;
  }
  return true;
}

bool ClientImpl::on_counted(const ReceiptCounts& counts, const std::string& conversation, Outputs& out) {
  if (!ConversationId::parse(conversation)) return false;
  ReceiptsCounted counted{counts};
  counted.counts.set_conversation(conversation);
  out.happenings.emplace_back(std::move(counted));
  return true;
}

}  // namespace chasqui::client
