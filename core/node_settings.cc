// What a user sets for themselves, at the leader of the user's shard: what is hidden from them, who may see them.
#include <utility>

#include "core/base/check.h"
#include "core/base/keys.h"
#include "core/node_impl.h"

namespace chasqui {
namespace {

constexpr char malformed_hide[] = "what is hidden is a conversation of 16 bytes, and there a first and a last seq";
constexpr char too_many_reads[] = "the server is busy reading: try again";

}  // namespace

void Node::Impl::hide(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  const client::HideEvents& wanted = request->frame.hide();
  if (!ConversationId::parse(wanted.conversation()) || wanted.first_seq() == 0 ||
      wanted.first_seq() > wanted.last_seq()) {
    return refuse(now, request->asker, client::INVALID_ARGUMENT, malformed_hide, out);
  }
  log::Command command;
  log::Hide& hide = *command.mutable_hide();
  hide.set_user(request->user.value());
  hide.set_conversation(wanted.conversation());
  hide.set_first_seq(wanted.first_seq());
  hide.set_last_seq(wanted.last_seq());
  if (auto refused = enqueue(shard, command, SettingOrigin{request->asker, request->user, wanted.conversation()}, now,
                             request->deadline, true)) {
    respond(now, request->asker, *std::move(refused), out);
  }
}

void Node::Impl::ask_hidden(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  const auto conversation = ConversationId::parse(request->frame.ask_hidden().conversation());
  if (!conversation) return refuse(now, request->asker, client::INVALID_ARGUMENT, malformed_hide, out);
  const auto again = [this, &shard, request](Now then, Outputs& more) { ask_hidden(then, shard, request, more); };
  if (!fresh(now, shard, request->asker, again, out)) return;
  const bool asked = read(
      {RangeRead::row(keys::index(shard.id, request->user, *conversation)),
       RangeRead::row(keys::hidden(shard.id, request->user, *conversation))},
      [this, request](Now then, ReadDone& done, Outputs& outputs) {
        client::ServerFrame frame;
        client::HiddenEvents& events = *frame.mutable_hidden();
        events.set_conversation(request->frame.ask_hidden().conversation());
        state::Index entry;
        state::Hidden row;
        const bool is_there = done.results.size() == 2 && !done.results[0].rows.empty() &&
                              !done.results[1].rows.empty() && entry.ParseFromString(done.results[0].rows[0].value) &&
                              row.ParseFromString(done.results[1].rows[0].value);
        if (is_there) {
          events.set_hides(entry.hides());
          *events.mutable_ranges() = row.ranges();
        }
        respond(then, request->asker, std::move(frame), outputs);
      },
      out);
  if (!asked) refuse(now, request->asker, client::UNAVAILABLE, too_many_reads, out, 500);
}

void Node::Impl::set_privacy(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  const client::SetPrivacy& wanted = request->frame.set_privacy();
  const bool is_known = client::Audience_IsValid(wanted.presence()) && client::Audience_IsValid(wanted.adds());
  if (!is_known) {
    return refuse(now, request->asker, client::INVALID_ARGUMENT,
                  "presence and adds are for EVERYONE, CONTACTS or NOBODY", out);
  }
  log::Command command;
  command.mutable_set_privacy()->set_user(request->user.value());
  if (wanted.has_presence()) {
    command.mutable_set_privacy()->set_presence(static_cast<std::uint32_t>(wanted.presence()));
  }
  if (wanted.has_read_receipts()) command.mutable_set_privacy()->set_read_receipts(wanted.read_receipts());
  if (wanted.has_adds()) command.mutable_set_privacy()->set_adds(static_cast<std::uint32_t>(wanted.adds()));
  if (auto refused =
          enqueue(shard, command, SettingOrigin{request->asker, request->user, {}}, now, request->deadline, true)) {
    respond(now, request->asker, *std::move(refused), out);
  }
}

client::ServerFrame Node::Impl::setting_answer(Shard& shard, const SettingOrigin& origin, const shard::Reply& reply) {
  client::ServerFrame frame;
  if (const auto* hidden = std::get_if<shard::HiddenNow>(&reply)) {
    client::HiddenEvents& events = *frame.mutable_hidden();
    events.set_conversation(origin.conversation);
    events.set_hides(hidden->hides);
    events.mutable_ranges()->Assign(hidden->ranges.begin(), hidden->ranges.end());
    return frame;
  }
  const auto* privacy = std::get_if<shard::PrivacyNow>(&reply);
  CHASQUI_ASSERT(privacy != nullptr, "a setting is answered with what it is now, or refused");
  frame.mutable_privacy_set()->set_presence(privacy->presence);
  frame.mutable_privacy_set()->set_adds(privacy->adds);
  frame.mutable_privacy_set()->set_read_receipts(!privacy->reads_private);
  // Who may watch him still says so again.
  if (privacy->presence != client::EVERYONE) shard.watchers.forget(origin.user);
  return frame;
}

}  // namespace chasqui
