#include "core/gateway/private_reads.h"

namespace chasqui::gateway {

void strip_reads(client::ServerFrame& frame, UserId own) {
  const auto is_other = [own](std::uint64_t user) { return UserId(user) != own; };
  if (frame.has_receipt() && is_other(frame.receipt().user())) frame.mutable_receipt()->clear_read_seq();
  if (frame.has_marks()) {
    for (client::Receipt& receipt : *frame.mutable_marks()->mutable_receipts()) {
      if (is_other(receipt.user())) receipt.clear_read_seq();
    }
    for (client::ReceiptCounts& counts : *frame.mutable_marks()->mutable_counts()) counts.clear_read();
  }
  if (frame.has_group()) {
    for (client::GroupMember& member : *frame.mutable_group()->mutable_members()) {
      if (is_other(member.user())) member.clear_read_seq();
    }
  }
  if (frame.has_receipts_of()) {
    for (client::MemberReceipt& receipt : *frame.mutable_receipts_of()->mutable_members()) {
      receipt.clear_read();
      receipt.clear_read_ms();
    }
  }
  if (frame.has_group_receipts()) {
    for (client::MemberMarks& marks : *frame.mutable_group_receipts()->mutable_members()) {
      if (is_other(marks.user())) marks.clear_read_seq();
    }
    for (client::ReceiptCounts& counts : *frame.mutable_group_receipts()->mutable_counts()) counts.clear_read();
  }
}

}  // namespace chasqui::gateway
