#include "core/shard/sender_row.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/text.h"

namespace chasqui::shard {
namespace {

constexpr int window = static_cast<int>(bounds::outbox_window);

// Rows are ascending by device; a new one goes to its place.
state::SenderRow& row_of(state::DirectMember& member, DeviceId device) {
  auto& rows = *member.mutable_senders();
  int at = 0;
  while (at < rows.size() && rows[at].device() < device.value()) ++at;
  if (at < rows.size() && rows[at].device() == device.value()) return rows[at];
  rows.Add()->set_device(static_cast<std::uint32_t>(device.value()));
  std::rotate(rows.pointer_begin() + at, rows.pointer_end() - 1, rows.pointer_end());
  return rows[at];
}

// Makes room among the windows for that of `device`: the member's longest silent other device forgets its answers.
void bound_windows(state::DirectMember& member, DeviceId device) {
  int kept = 0;
  state::SenderRow* silent = nullptr;
  for (state::SenderRow& row : *member.mutable_senders()) {
    if (row.sent().empty()) continue;
    ++kept;
    if (row.device() == device.value()) continue;
    if (silent == nullptr || row.sent().rbegin()->time_ms() < silent->sent().rbegin()->time_ms()) silent = &row;
  }
  if (kept <= sender_windows_max) return;
  CHASQUI_ASSERT(silent != nullptr, "of more windows than one, at least one is another device's");
  silent->clear_sent();
}

}  // namespace

std::uint64_t command_digest(std::string_view kind, const ConversationId& conversation,
                             std::string_view payload_digest) {
  const std::string bytes = absl::StrCat(text(kind), text(conversation.bytes()), text(payload_digest));
  return first_8(view(blake2b_256(bytes)));
}

const state::SenderRow* find_sender(const state::DirectMember& member, DeviceId device) {
  for (const state::SenderRow& row : member.senders()) {
    if (row.device() == device.value()) return &row;
  }
  return nullptr;
}

OutboxSeq next_outbox_seq(const state::SenderRow* row) {
  return OutboxSeq(row == nullptr ? 0 : row->last()).next();
}

const state::Sent* answered(const state::SenderRow& row, OutboxSeq number) {
  CHASQUI_ASSERT(number.value() <= row.last(), "only a number that was taken has an answer");
  const std::uint64_t back = row.last() - number.value();
  const auto kept = static_cast<std::uint64_t>(row.sent_size());
  if (back >= kept) return nullptr;
  return &row.sent(static_cast<int>(kept - 1 - back));
}

void take(state::DirectMember& member, DeviceId device, state::Sent answer) {
  take(row_of(member, device), std::move(answer));
  bound_windows(member, device);
}

void take(state::SenderRow& row, state::Sent answer) {
  row.set_last(row.last() + 1);
  if (row.sent_size() >= window) row.mutable_sent()->DeleteSubrange(0, row.sent_size() - window + 1);
  *row.add_sent() = std::move(answer);
  CHASQUI_ASSERT(row.sent_size() <= window, "a window is bounded");
}

}  // namespace chasqui::shard
