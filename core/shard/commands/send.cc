// Append a message to a conversation, once (ARCHITECTURE.md section 6, "Sending once"; core/shard/sender_row.h).
//
// Rules, in this order:
//   1. Who is no member writes nothing and takes no number, and is not told whether the conversation exists.
//   2. A number that was taken: the same command hears its first answer, another one ALREADY_EXISTS; nothing is
//   written.
//   3. A number above the next: OUT_OF_RANGE, with the next.
//   4. The next number is taken by a content that may not be stored as well: the refusal is kept for retries.
//   5. Else the message gets the next seq, the chain grows by its digest, and both members' indexes are owed the head.
#include <algorithm>
#include <limits>

#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/points.h"
#include "core/shard/commands/commands.h"
#include "core/shard/direct.h"
#include "core/shard/sender_row.h"

namespace chasqui::shard {
namespace {

constexpr char renew_advice[] = ": renew this device (RenewDevice), take what history has, and number the rest anew";

// The answer to a kept refusal, the first time and at each retry: equal, since it is made of the code alone.
Refused content_refused(std::uint32_t code, OutboxSeq next) {
  const auto named = static_cast<client::Code>(code);
  return {named,
          absl::StrCat("the message was refused when it came, and its number is taken (", client::Code_Name(named),
                       "): change it and send it under number ", next.value()),
          next};
}

// Codes come from our own gateways; one that this program does not know keeps its place as UNKNOWN.
std::uint32_t known_code(std::uint32_t code) {
  const bool known = code <= client::UNAUTHENTICATED && client::Code_IsValid(static_cast<int>(code));
  return known ? code : static_cast<std::uint32_t>(client::UNKNOWN);
}

// Rule 2.
Effects repeat(const state::SenderRow& row, OutboxSeq number, std::uint64_t digest) {
  const OutboxSeq next = next_outbox_seq(&row);
  const state::Sent* first = answered(row, number);
  if (first == nullptr) {
    CHASQUI_MARK("answer_forgotten");
    return Effects::refused(client::ALREADY_EXISTS,
                            absl::StrCat("number ", number.value(), " was taken, and its answer is forgotten (next is ",
                                         next.value(), ")", renew_advice),
                            next);
  }
  if (first->digest() != digest && !CHASQUI_CANARY("restored_phone")) {
    CHASQUI_MARK("number_of_another");
    return Effects::refused(client::ALREADY_EXISTS,
                            absl::StrCat("number ", number.value(), " was taken by another message (next is ",
                                         next.value(), ")", renew_advice),
                            next);
  }
  CHASQUI_MARK("retry_answered");
  if (first->code() != 0) return Effects::only(content_refused(first->code(), next));
  return Effects::only(Accepted{Seq(first->seq()), LogTime{first->time_ms()}, true});
}

client::Event to_event(const log::Send& command, Seq seq, LogTime time) {
  client::Event event;
  event.set_seq(seq.value());
  event.set_time_ms(time.ms);
  event.set_sender(command.sender());
  event.set_device(command.device());
  event.set_outbox_seq(command.outbox_seq());
  event.set_digest(command.digest());
  event.set_payload(command.payload());
  return event;
}

// The next link: BLAKE2b-256(chain before, digest of the event); before the first event stand 32 zero bytes.
std::string next_link(const std::string& chain, const std::string& digest) {
  const std::string before = chain.empty() ? std::string(bounds::digest_bytes, '\0') : chain;
  return std::string(view(blake2b_256(before, digest)));
}

// Rule 5.
void store(const ShardView& view, const ConversationId& conversation, const log::Send& command, state::Header& header,
           Effects& effects) {
  CHASQUI_ASSERT(header.head() < std::numeric_limits<std::uint64_t>::max(), "2^64 events are never reached");
  const Seq seq = Seq(header.head()).next();
  header.set_head(seq.value());
  header.set_chain(next_link(header.chain(), command.digest()));
  client::Event event = to_event(command, seq, view.time());
  if (seq.value() % bounds::chain_checkpoint_events == 0) event.set_chain(header.chain());
  std::string bytes = serialize(event);
  effects.consequences.push_back(EventStored{conversation, seq, bytes});
  effects.put_new(keys::event(view.shard(), conversation, seq), std::move(bytes));
  effects.owe(conversation.lower(), conversation, seq.value(), 0);
  if (conversation.higher() != conversation.lower()) effects.owe(conversation.higher(), conversation, seq.value(), 0);
  effects.reply = Accepted{seq, view.time(), false};
}

}  // namespace

Effects send(const ShardView& view, const log::Send& command) {
  const auto conversation = ConversationId::parse(command.conversation());
  if (!conversation || command.digest().size() != bounds::digest_bytes || command.device() == 0 ||
      command.outbox_seq() == 0) {
    return Effects::refused(client::INVALID_ARGUMENT,
                            "a send names a conversation of 16 bytes, a device and a number from 1, and a digest of 32 "
                            "bytes: correct it");
  }
  const UserId sender(command.sender());
  if (!conversation->has_direct_member(sender)) {
    return Effects::refused(client::PERMISSION_DENIED, not_a_member(*conversation));
  }
  const DeviceId device(command.device());
  const OutboxSeq number(command.outbox_seq());
  const std::uint64_t digest = command_digest("send", *conversation, command.digest());
  const state::Header* stored = view.header(*conversation);
  const state::DirectMember* before = member(stored, *conversation, sender);
  const state::SenderRow* row = before == nullptr ? nullptr : find_sender(*before, device);
  OutboxSeq next = next_outbox_seq(row);
  if (CHASQUI_CANARY("sent_rows_off")) next = number;
  if (CHASQUI_CANARY("outbox_gap")) next = std::max(next, number);
  if (number < next) {
    Effects again = repeat(*row, number, digest);
    if (CHASQUI_CANARY("partial_batch")) {
      state::Header skipped = *stored;
      skipped.set_head(skipped.head() + 1);
      again.put(keys::header(view.shard(), *conversation), std::move(skipped));
    }
    return again;
  }
  if (number > next) {
    CHASQUI_MARK("number_too_high");
    return Effects::refused(
        client::OUT_OF_RANGE,
        absl::StrCat("number ", number.value(), " leaves a gap, next is ", next.value(), ": send that one first"),
        next);
  }

  Effects effects;
  state::Header header = header_or_new(stored, *conversation);
  state::Sent answer;
  answer.set_time_ms(view.time().ms);
  answer.set_digest(digest);
  if (command.refused() != 0) {
    CHASQUI_MARK("content_turned_down");
    if (CHASQUI_CANARY("refusal_keeps_number")) {
      return Effects::only(content_refused(known_code(command.refused()), number.next()));
    }
    if (CHASQUI_CANARY("refused_but_fed")) store(view, *conversation, command, header, effects);
    answer.set_code(known_code(command.refused()));
    effects.reply = content_refused(answer.code(), number.next());
  } else {
    store(view, *conversation, command, header, effects);
    answer.set_seq(header.head());
  }
  take(member(header, *conversation, sender), device, std::move(answer));
  effects.put(keys::header(view.shard(), *conversation), std::move(header));
  return effects;
}

}  // namespace chasqui::shard
