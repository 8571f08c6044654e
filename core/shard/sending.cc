#include "core/shard/sending.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/points.h"
#include "core/base/text.h"
#include "core/shard/counts.h"
#include "core/shard/gates.h"
#include "core/shard/sender_row.h"

namespace chasqui::shard {
namespace {

constexpr char renew_advice[] = ": renew this device (RenewDevice), take what history has, and number the rest anew";

// The next link: BLAKE2b-256(chain before, digest of the event); before the first event stand 32 zero bytes.
std::string next_link(const std::string& chain, const std::string& digest) {
  const std::string before = chain.empty() ? std::string(bounds::digest_bytes, '\0') : chain;
  return std::string(::chasqui::view(blake2b_256(before, digest)));
}

}  // namespace

Refused kept_refusal(std::uint32_t code, OutboxSeq next, std::string_view why) {
  const auto named = static_cast<client::Code>(code);
  if (!why.empty()) return {named, std::string(why), next};
  return {named,
          absl::StrCat("the message was refused when it came, and its number is taken (", client::Code_Name(named),
                       "): change it and send it under number ", next.value()),
          next};
}

std::uint32_t known_code(std::uint32_t code) {
  const bool known = code <= client::UNAUTHENTICATED && client::Code_IsValid(static_cast<int>(code));
  return known ? code : static_cast<std::uint32_t>(client::UNKNOWN);
}

Effects repeated_answer(const state::SenderRow& row, OutboxSeq number, std::uint64_t digest, std::string_view why) {
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
  if (first->code() != 0) return Effects::only(kept_refusal(first->code(), next, why));
  return Effects::only(Accepted{Seq(first->seq()), LogTime{first->time_ms()}, true});
}

Effects leaves_a_gap(OutboxSeq number, OutboxSeq next) {
  CHASQUI_MARK("number_too_high");
  return Effects::refused(
      client::OUT_OF_RANGE,
      absl::StrCat("number ", number.value(), " leaves a gap, next is ", next.value(), ": send that one first"), next);
}

client::Event next_event(const ShardView& view, const log::Send& command, state::Header& header) {
  CHASQUI_ASSERT(header.head() < std::numeric_limits<std::uint64_t>::max(), "2^64 events are never reached");
  header.set_head(header.head() + 1);
  if (is_message(command)) header.set_messages(header.messages() + 1);
  header.set_chain(next_link(header.chain(), command.digest()));
  client::Event event;
  event.set_seq(header.head());
  event.set_time_ms(view.time().ms);
  event.set_sender(command.sender());
  event.set_device(command.device());
  event.set_outbox_seq(command.outbox_seq());
  event.set_digest(command.digest());
  if (command.about_kind() != 0) {
    event.mutable_about()->set_kind(static_cast<client::About::Kind>(command.about_kind()));
    event.mutable_about()->set_seq(command.about_seq());
  }
  event.set_poll_options(command.poll_options());
  event.set_poll_choices_max(command.poll_choices_max());
  event.set_messages(header.messages());
  if (header.head() % bounds::chain_checkpoint_events == 0) event.set_chain(header.chain());
  return event;
}

void store_event(const ShardView& view, const ConversationId& conversation, const client::Event& event,
                 Audience audience, Effects& effects) {
  std::string bytes = serialize(event);
  const Seq seq(event.seq());
  std::string told = bytes;
  if (event.withheld()) {  // its sender alone is told
    audience = std::make_shared<const std::vector<UserId>>(1, UserId(event.sender()));
    told = serialize(as_seen(event, UserId(event.sender())));
  } else if (!is_seen_alike(event)) {
    told.clear();
  } else if (holds_withheld(event)) {
    told = serialize(as_seen(event, UserId(event.sender())));
  }
  effects.consequences.push_back(
      EventStored{conversation, seq, std::move(told), std::move(audience), event.expires_ms(), event.messages()});
  effects.put_new(keys::event(view.shard(), conversation, seq), std::move(bytes));
}

}  // namespace chasqui::shard
