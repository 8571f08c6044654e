// Frames about groups, for tests of the whole core.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "core/base/ids.h"
#include "core/testing/login.h"
#include "proto/client.pb.h"

namespace chasqui::testing {

inline client::ClientFrame payload_frame(std::uint64_t outbox_seq, const ConversationId& group,
                                         client::Payload payload) {
  payload.set_nonce(std::string(16, 'n'));
  client::ClientFrame frame;
  frame.set_request_id(1'000 + outbox_seq);
  frame.mutable_send()->set_conversation(group.str());
  frame.mutable_send()->set_outbox_seq(outbox_seq);
  frame.mutable_send()->set_payload(payload.SerializeAsString());
  frame.mutable_send()->set_known_seq(1'000'000);  // as a device that has seen all that there is
  return frame;
}

inline client::ClientFrame change_frame(std::uint64_t outbox_seq, const ConversationId& group,
                                        const client::GroupChange& change) {
  client::Payload payload;
  *payload.mutable_change() = change;
  return payload_frame(outbox_seq, group, std::move(payload));
}

inline client::ClientFrame text_frame(std::uint64_t outbox_seq, const ConversationId& group, const std::string& text) {
  client::Payload payload;
  payload.set_text(text);
  return payload_frame(outbox_seq, group, std::move(payload));
}

inline client::GroupChange create_group(const std::string& title, std::initializer_list<UserId> members) {
  client::GroupChange change;
  change.mutable_create()->set_title(title);
  for (const UserId user : members) change.mutable_create()->add_members(user.value());
  return change;
}

inline client::GroupChange add_member(UserId user) {
  client::GroupChange change;
  change.mutable_add()->add_users(user.value());
  return change;
}

inline client::GroupChange remove_member(UserId user) {
  client::GroupChange change;
  change.mutable_remove()->set_user(user.value());
  return change;
}

inline client::ClientFrame history_frame(std::uint64_t id, const ConversationId& group, std::uint64_t after,
                                         std::uint32_t limit = 0, bool newest = false) {
  client::ClientFrame frame;
  frame.set_request_id(id);
  frame.mutable_history()->set_conversation(group.str());
  frame.mutable_history()->set_after_seq(after);
  frame.mutable_history()->set_limit(limit);
  frame.mutable_history()->set_newest(newest);
  return frame;
}

}  // namespace chasqui::testing
