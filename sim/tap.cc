#include "sim/tap.h"

#include "core/describe.h"

namespace chasqui::sim {

void Tap::frame_in(const SessionFrame& in, std::vector<Fact>& facts) {
  if (!client_.ParseFromString(in.bytes)) return;
  const bool hostile = hostile_.contains(in.session);
  for (const client::ClientFrame& frame : client_.frames()) {
    if (!hostile) ++frames_up_;
    if (!hostile && idle_) facts.push_back(IdleFrame{node_, in.session, frame.has_ping(), describe(frame)});
    if (frame.body_case() == client::ClientFrame::kAck) continue;
    ++unanswered_[in.session];
    if (hostile) continue;
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
  const bool hostile = hostile_.contains(out.session);
  for (const client::ServerFrame& frame : server_.frames()) {
    if (frame.request_id() != 0 && !frame.has_acked()) answered_.push_back(out.session);
    if (hostile) continue;
    ++frames_down_;
    if (idle_) facts.push_back(IdleFrame{node_, out.session, frame.has_pong(), describe(frame)});
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

void Tap::append_out(const LogAppend& out, std::vector<Fact>& facts) {
  AppendHandedOut handed{node_, out.id, {}};
  for (const LogEntry& entry : out.entries) {
    if (entry.type != EntryType::Command || !entry.payload || !entry_.ParseFromString(*entry.payload)) continue;
    for (const log::Command& command : entry_.commands()) {
      if (!command.has_send()) continue;
      const auto conversation = ConversationId::parse(command.send().conversation());
      if (!conversation) continue;
      handed.sends.push_back({*conversation, UserId(command.send().sender()), DeviceId(command.send().device()),
                              OutboxSeq(command.send().outbox_seq())});
    }
  }
  facts.push_back(std::move(handed));
}

void Tap::session_over(SessionId session, std::vector<Fact>& facts) {
  sessions_.erase(session);
  hostile_.erase(session);
  unanswered_.erase(session);
  auto it = sends_.lower_bound({session, 0});
  while (it != sends_.end() && it->first.first == session) it = sends_.erase(it);
  facts.push_back(SessionOver{node_, session});
}

void Tap::step_over() {
  for (const SessionId session : answered_) {
    const auto it = unanswered_.find(session);
    if (it != unanswered_.end() && it->second > 0) --it->second;
  }
  answered_.clear();
}

std::uint64_t Tap::unanswered(SessionId session) const {
  const auto it = unanswered_.find(session);
  return it == unanswered_.end() ? 0 : it->second;
}

void Tap::node_crashed() {
  sessions_.clear();
  hostile_.clear();
  unanswered_.clear();
  sends_.clear();
}

}  // namespace chasqui::sim
