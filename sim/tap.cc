#include "sim/tap.h"

namespace chasqui::sim {

void Tap::frame_in(const SessionFrame& in, std::vector<Fact>& facts) {
  if (!client_.ParseFromString(in.bytes)) return;
  for (const client::ClientFrame& frame : client_.frames()) {
    if (frame.body_case() == client::ClientFrame::kAck) continue;
    facts.push_back(RequestTaken{node_, in.session, frame.request_id()});
    if (frame.has_hello()) sessions_[in.session] = {UserId(frame.hello().user()), DeviceId(frame.hello().device())};
    if (!frame.has_send()) continue;
    const auto conversation = ConversationId::parse(frame.send().conversation());
    const auto who = sessions_.find(in.session);
    if (!conversation || who == sessions_.end()) continue;
    sends_[{in.session, frame.request_id()}] = {*conversation, who->second.user, who->second.device,
                                                OutboxSeq(frame.send().outbox_seq())};
  }
}

void Tap::send_out(const SessionSend& out, std::vector<Fact>& facts) {
  if (!server_.ParseFromString(out.bytes)) {
    facts.push_back(ContractBroken{node_, "it sent bytes that are no ServerMessage"});
    return;
  }
  for (const client::ServerFrame& frame : server_.frames()) {
    if (frame.request_id() == 0) {
      const auto conversation = ConversationId::parse(frame.receipt().conversation());
      if (frame.has_receipt() && conversation) {
        facts.push_back(MarksLeft{node_, out.session, *conversation, UserId(frame.receipt().user()),
                                  Seq(frame.receipt().delivered_seq()), Seq(frame.receipt().read_seq())});
      }
      continue;
    }
    facts.push_back(RequestAnswered{node_, out.session, frame.request_id()});
    const auto it = sends_.find({out.session, frame.request_id()});
    if (it == sends_.end()) continue;
    AnswerLeft answer{node_, it->second, client::OK, {}, {}};
    sends_.erase(it);
    if (frame.has_accepted()) {
      answer.seq = Seq(frame.accepted().seq());
      answer.time = {frame.accepted().time_ms()};
      if (frame.accepted().conversation() != answer.key.conversation.bytes() ||
          frame.accepted().outbox_seq() != answer.key.number.value()) {
        facts.push_back(ContractBroken{node_, "it answered a Send with the Accepted of another"});
        continue;
      }
    } else if (frame.has_error()) {
      answer.code = frame.error().code();
    } else {
      facts.push_back(ContractBroken{node_, "it answered a Send with neither Accepted nor Error"});
      continue;
    }
    facts.push_back(std::move(answer));
  }
}

void Tap::append_out(const LogAppend& out, std::int64_t wall_ms, std::vector<Fact>& facts) {
  AppendHandedOut handed{node_, out.id, {}};
  RaftIndex index = out.first_index;
  for (const LogEntry& entry : out.entries) {
    const bool is_command = entry.type == EntryType::Command && entry.payload;
    LoggedEntry logged =
        decode_entry({node_, out.shard}, index, is_command ? *entry.payload : std::string_view(), entry_);
    for (const LoggedCommand& command : logged.commands) {
      const auto* send = std::get_if<LoggedSend>(&command);
      if (send != nullptr) handed.sends.push_back({send->conversation, send->sender, send->device, send->number});
    }
    appended_.emplace_back(out.id, EntryCommitted{node_, std::move(logged), wall_ms});
    index = index.next();
  }
  facts.push_back(std::move(handed));
}

void Tap::durable(AppendId id, std::vector<Fact>& facts) {
  for (; !appended_.empty() && appended_.front().first <= id; appended_.pop_front()) {
    facts.push_back(std::move(appended_.front().second));
  }
}

void Tap::session_over(SessionId session, std::vector<Fact>& facts) {
  sessions_.erase(session);
  auto it = sends_.lower_bound({session, 0});
  while (it != sends_.end() && it->first.first == session) it = sends_.erase(it);
  facts.push_back(SessionOver{node_, session});
}

void Tap::node_crashed(AppendId survived, std::vector<Fact>& facts) {
  durable(survived, facts);
  appended_.clear();
  sessions_.clear();
  sends_.clear();
}

}  // namespace chasqui::sim
