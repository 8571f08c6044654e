// What sessions are told of others' marks, and of what is unread: the part of the gateway that may come late.
#include <algorithm>
#include <string>
#include <vector>

#include "core/base/points.h"
#include "core/gateway/frames_out.h"
#include "core/gateway/gateway.h"
#include "core/gateway/private_reads.h"

namespace chasqui::gateway {
namespace {

constexpr std::size_t recounted_max = 256;  // conversations of one session; above: all are told at once

}  // namespace

// Not kept for a session that cannot take it: a device asks for marks after Hello.
void Gateway::group_receipts(Now now, std::span<const UserId> to, const client::GroupReceipts& receipts, Outputs& out) {
  std::string with_read;
  std::string without;
  for (const UserId user : to) {
    const std::vector<SessionId>* of_user = by_user_.find(user);
    if (of_user == nullptr) continue;
    for (const SessionId id : *of_user) {
      Session& session = *find(id);
      if (session.state != Session::State::Live || session.behind) continue;
      std::string& bytes = session.reads_private ? without : with_read;
      if (bytes.empty()) {
        client::ServerFrame frame;
        *frame.mutable_group_receipts() = receipts;
        if (session.reads_private) strip_reads(frame, UserId());
        bytes = encode(frame);
      }
      send(now, session, bytes, out);
    }
  }
}

void Gateway::privacy_moved(UserId user, std::uint64_t changes, bool reads_private) {
  const std::vector<SessionId>* of_user = by_user_.find(user);
  if (of_user == nullptr) return;
  for (const SessionId id : *of_user) {
    Session& session = *find(id);
    if (changes < session.privacy_changes) continue;
    session.privacy_changes = changes;
    session.reads_private = reads_private;
  }
}

bool Gateway::reads_private(SessionId session) const {
  const std::unique_ptr<Session>* found = sessions_.find(session);
  return found != nullptr && (*found)->reads_private;
}

// ------------------------------------------------------------------------------------------------ what is unread

void Gateway::recount_later(Now now, Session& session, const ConversationId& conversation,
                            const Session::Missed& what) {
  const auto [entry, fresh] = session.recounted.try_emplace(conversation);
  if (fresh) ++missed_;
  // Its standing is known: kept until then, it might be told over a later one.
  entry->second.merge({what.marks, what.version, {}});
  const bool is_full = session.recounted.size() >= recounted_max;
  if (session.recount_due && !is_full) return;
  if (session.recount_due) recounts_.erase({*session.recount_due, session.id});
  session.recount_due =
      is_full ? now.mono : now.mono + milliseconds(static_cast<std::int64_t>(limits_.recount_linger_ms));
  recounts_.insert({*session.recount_due, session.id});
}

void Gateway::recount_due(Now now, Outputs& out) {
  while (!recounts_.empty() && recounts_.begin()->first <= now.mono) {
    const SessionId id = recounts_.begin()->second;
    recounts_.erase(recounts_.begin());
    Session& session = *find(id);
    session.recount_due.reset();
    bool stands = true;
    const auto due = std::exchange(session.recounted, {});
    missed_ -= due.size();
    for (const auto& [conversation, what] : due) stands = stands && miss(session, conversation, what, out);
    if (!stands) continue;
    CHASQUI_MARK("unread_told");
    if (session.state == Session::State::Live && !session.behind) tell_missed(now, session, out);
  }
}

}  // namespace chasqui::gateway
