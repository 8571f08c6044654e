// What the application sends: texts, what is about earlier messages, changes of groups.
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/client/client_impl.h"
#include "core/client/utf8.h"

namespace chasqui::client {

absl::StatusOr<OutboxSeq> ClientImpl::send_about(Now now, const ConversationId& conversation, const About& about,
                                                 std::string text_utf8, Outputs& out) {
  if (text_utf8.size() > text_bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat("a message of ", text_utf8.size(), " bytes, at most ",
                                                   text_bytes_max, " are possible: send it in parts"));
  }
  if (!is_text(text_utf8)) {
    return absl::InvalidArgumentError("a message must be UTF-8 without NUL: convert it first");
  }
  Payload payload;
  const bool has_content =
      about.kind() == About::NOTHING || about.kind() == About::REPLY || about.kind() == About::EDIT;
  if (!text_utf8.empty() || has_content) payload.set_text(std::move(text_utf8));
  if (about.kind() != About::NOTHING) *payload.mutable_about() = about;
  return send_payload(now, conversation, std::move(payload), out);
}

absl::StatusOr<OutboxSeq> ClientImpl::send_payload(Now now, const ConversationId& conversation, Payload payload,
                                                   Outputs& out) {
  payload.set_nonce(random_.bytes(bounds::nonce_bytes));
  std::string bytes = payload.SerializeAsString();
  if (bytes.size() > text_bytes_max + bounds::payload_overhead_bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat("a message of ", bytes.size(), " bytes, at most ", text_bytes_max,
                                                   " are possible: send it in parts"));
  }
  absl::StatusOr<OutboxSeq> ticket = outbox_.send(conversation, std::move(bytes), inbox_.taken(conversation));
  if (ticket.ok()) pump(now, out);
  return ticket;
}

absl::StatusOr<OutboxSeq> ClientImpl::send_change(Now now, const ConversationId& conversation,
                                                  const GroupChange& change, Outputs& out) {
  if (!conversation.is_group()) return absl::InvalidArgumentError("only a group can be changed");
  Payload payload;
  payload.set_nonce(random_.bytes(bounds::nonce_bytes));
  *payload.mutable_change() = change;
  if (payload.ByteSizeLong() > text_bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat("a change of a group of over ", text_bytes_max, " bytes"));
  }
  absl::StatusOr<OutboxSeq> ticket =
      outbox_.send(conversation, payload.SerializeAsString(), inbox_.taken(conversation));
  if (ticket.ok()) pump(now, out);
  return ticket;
}

ConversationId ClientImpl::draw_group() {
  return ConversationId::group(identity_.credentials().user, random_.next_64());
}

}  // namespace chasqui::client
