#include "sim/model/logged.h"

#include "proto/client.pb.h"

namespace chasqui::sim {
namespace {

LoggedSend decode_send(const ConversationId& conversation, const log::Send& send) {
  LoggedSend logged{conversation,
                    UserId(send.sender()),
                    DeviceId(send.device()),
                    OutboxSeq(send.outbox_seq()),
                    send.digest(),
                    send.refused(),
                    send.about_kind(),
                    Seq(send.about_seq()),
                    send.poll_options(),
                    send.poll_choices_max(),
                    send.votes(),
                    send.vote_highest(),
                    std::nullopt,
                    {},
                    std::nullopt};
  logged.known = Seq(send.known_seq());
  for (const std::uint64_t user : send.mentions()) logged.mentions.emplace_back(user);
  if (send.has_recipient()) logged.recipient = {send.recipient().stance(), send.recipient().version()};
  for (const std::uint64_t user : send.not_added()) logged.not_added.insert(UserId(user));
  if (send.has_timer_s()) logged.timer_s = send.timer_s();
  client::Payload payload;
  if (payload.ParseFromString(send.payload())) logged.nonce = payload.nonce();
  client::GroupChange change;
  if (!send.change().empty() && change.ParseFromString(send.change())) logged.change = std::move(change);
  return logged;
}

}  // namespace

LoggedEntry decode_entry(LoggedShard shard, RaftIndex index, std::string_view bytes, log::Entry& kept) {
  LoggedEntry entry{shard, index, {}, {}};
  if (!kept.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return entry;
  entry.time = {kept.log_time_ms()};
  for (const log::Command& command : kept.commands()) {
    if (command.has_send()) {
      const log::Send& send = command.send();
      const auto conversation = ConversationId::parse(send.conversation());
      if (!conversation) continue;
      entry.commands.emplace_back(decode_send(*conversation, send));
    } else if (command.has_expire()) {
      for (const log::DueEvent& due : command.expire().events()) {
        const auto conversation = ConversationId::parse(due.conversation());
        if (conversation) entry.commands.emplace_back(LoggedDue{*conversation, Seq(due.seq()), due.expires_ms()});
      }
    } else if (command.has_hide()) {
      const log::Hide& hide = command.hide();
      const auto conversation = ConversationId::parse(hide.conversation());
      if (!conversation) continue;
      entry.commands.emplace_back(LoggedHide{UserId(hide.user()), *conversation, hide.first_seq(), hide.last_seq()});
    } else if (command.has_set_gate()) {
      const log::SetGate& said = command.set_gate();
      entry.commands.emplace_back(LoggedGate{UserId(said.user()), UserId(said.other()), said.stance()});
    } else if (command.has_mark()) {
      const log::Mark& mark = command.mark();
      const auto conversation = ConversationId::parse(mark.conversation());
      if (!conversation) continue;
      entry.commands.emplace_back(LoggedMark{*conversation, UserId(mark.user()), Seq(mark.delivered()),
                                             Seq(mark.read()), mark.read_is_private()});
    } else if (command.has_notify()) {
      for (const log::IndexMark& mark : command.notify().marks()) {
        const auto conversation = ConversationId::parse(mark.conversation());
        if (!conversation) continue;
        LoggedNotice notice{UserId(mark.user()), *conversation,       Seq(mark.head()), Seq(mark.read()),
                            mark.opened(),       Seq(mark.invited()), std::nullopt};
        if (mark.stance_version() != 0) notice.stance = {mark.stance(), mark.stance_version()};
        entry.commands.emplace_back(notice);
      }
    } else if (command.has_park()) {
      for (const log::IndexMark& mark : command.park().marks()) {
        const auto conversation = ConversationId::parse(mark.conversation());
        if (!conversation || mark.stance_version() != 0) continue;
        entry.commands.emplace_back(LoggedParked{UserId(mark.user()), *conversation, Seq(mark.head())});
      }
    } else if (command.has_unpark()) {
      for (const log::IndexMark& mark : command.unpark().marks()) {
        const auto conversation = ConversationId::parse(mark.conversation());
        if (!conversation) continue;
        entry.commands.emplace_back(LoggedUnparked{UserId(mark.user()), *conversation, Seq(mark.head())});
      }
    } else if (command.has_move_cursor()) {
      entry.commands.emplace_back(LoggedCursor{RaftIndex(command.move_cursor().index())});
    }
  }
  return entry;
}

}  // namespace chasqui::sim
