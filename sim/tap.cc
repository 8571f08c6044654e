#include "sim/tap.h"

#include <algorithm>

#include "core/describe.h"

namespace chasqui::sim {
namespace {

// Anything of its user, and not only how its own request fared.
bool shows_something(const client::ServerFrame& frame) {
  return frame.has_push() || frame.has_head() || frame.has_hello() || frame.has_sync() || frame.has_history() ||
         frame.has_receipt();
}

bool asks_in(const ConversationId& conversation, const std::string& bytes) {
  client::Payload payload;
  return conversation.is_group() && payload.ParseFromString(bytes) &&
         (payload.change().has_create() || payload.change().has_join());
}

}  // namespace

void Tap::frame_in(const SessionFrame& in, std::vector<Fact>& facts) {
  if (!client_.ParseFromString(in.bytes)) return;
  const bool hostile = hostile_.contains(in.session);
  for (const client::ClientFrame& frame : client_.frames()) {
    watch_device(in.session, frame);
    if (!hostile) ++frames_up_;
    if (!hostile && idle_) facts.push_back(IdleFrame{node_, in.session, frame.has_ping(), describe(frame)});
    if (frame.body_case() == client::ClientFrame::kAck || frame.body_case() == client::ClientFrame::kTyping) continue;
    ++unanswered_[in.session];
    if (hostile) continue;
    facts.push_back(RequestTaken{node_, in.session, frame.request_id()});
    if (frame.has_history()) {
      if (const auto conversation = ConversationId::parse(frame.history().conversation())) {
        facts.push_back(HistoryAsked{node_, in.session, frame.request_id(), *conversation});
      }
    }
    if (!frame.has_send()) continue;
    const auto conversation = ConversationId::parse(frame.send().conversation());
    const auto claim = claims_.find(in.session);
    if (!conversation || claim == claims_.end()) continue;
    const auto& [user, device] = claim->second;
    const SendKey key{*conversation, user, device, OutboxSeq(frame.send().outbox_seq())};
    sends_[{in.session, frame.request_id()}] = {key, asks_in(*conversation, frame.send().payload())};
  }
}

void Tap::send_out(const SessionSend& out, std::vector<Fact>& facts) {
  if (!server_.ParseFromString(out.bytes)) {
    facts.push_back(ContractBroken{node_, "it sent bytes that are no ServerMessage"});
    return;
  }
  watch_device(out.session, facts);
  const bool hostile = hostile_.contains(out.session);
  for (const client::ServerFrame& frame : server_.frames()) {
    if (frame.request_id() != 0 && !frame.has_acked()) answered_.push_back(out.session);
    watch_groups(out.session, frame, facts);
    if (hostile) continue;
    ++frames_down_;
    if (idle_) facts.push_back(IdleFrame{node_, out.session, frame.has_pong(), describe(frame)});
    if (frame.request_id() == 0) {
      const auto conversation = ConversationId::parse(frame.receipt().conversation());
      if (frame.has_receipt() && conversation) {
        facts.push_back(MarksLeft{node_, out.session, *conversation, UserId(frame.receipt().user()),
                                  Seq(frame.receipt().delivered_seq()), Seq(frame.receipt().read_seq())});
      }
      if (const auto group = ConversationId::parse(frame.group_receipts().conversation())) {
        for (const client::MemberMarks& marks : frame.group_receipts().members()) {
          facts.push_back(MarksLeft{node_, out.session, *group, UserId(marks.user()), Seq(marks.delivered_seq()),
                                    Seq(marks.read_seq())});
        }
      }
      continue;
    }
    facts.push_back(RequestAnswered{node_, out.session, frame.request_id()});
    if (frame.has_history()) {
      facts.push_back(HistoryLeft{node_, out.session, frame.request_id(), Seq(frame.history().head())});
    }
    const auto it = sends_.find({out.session, frame.request_id()});
    if (it == sends_.end()) continue;
    AnswerLeft answer{node_, it->second.key, client::OK, {}, {}, {}, it->second.asks_in};
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
      answer.why = frame.error().message();
    } else {
      facts.push_back(ContractBroken{node_, "it answered a Send with neither Accepted nor Error"});
      continue;
    }
    facts.push_back(std::move(answer));
  }
}

// What it tells of groups, and to whom.
void Tap::watch_groups(SessionId session, const client::ServerFrame& frame, std::vector<Fact>& facts) const {
  const auto device = greeted_.find(session);
  if (device == greeted_.end()) return;
  const auto tell = [&](const std::string& bytes, std::uint64_t seq) {
    const auto conversation = ConversationId::parse(bytes);
    if (!conversation || !conversation->is_group() || seq == 0) return;
    facts.push_back(EventTold{node_, device->second.first, *conversation, Seq(seq)});
  };
  if (frame.has_push()) tell(frame.push().conversation(), frame.push().event().seq());
  if (frame.has_head()) tell(frame.head().conversation(), frame.head().seq());
  for (const client::Event& event : frame.history().events()) tell(frame.history().conversation(), event.seq());
  tell(frame.history().conversation(), frame.history().head());
  for (const client::IndexEntry& entry : frame.sync().entries()) tell(entry.conversation(), entry.head());
  for (const client::IndexEntry& entry : frame.hello().sync().entries()) tell(entry.conversation(), entry.head());
}

void Tap::watch_device(SessionId session, const client::ClientFrame& frame) {
  if (frame.has_hello()) {
    claims_[session] = {UserId(frame.hello().user()), DeviceId(frame.hello().device())};
  } else if (frame.has_logout() || frame.has_renew_device()) {
    leaving_.insert({session, frame.request_id()});
  }
}

// What server_ tells a session: whose device it is, that this device is gone, or anything after that.
void Tap::watch_device(SessionId session, std::vector<Fact>& facts) {
  const auto device = greeted_.find(session);
  if (device != greeted_.end() && gone_->contains(device->second)) {
    const bool shows = std::any_of(server_.frames().begin(), server_.frames().end(), shows_something);
    facts.push_back(ToldDevice{node_, device->second.first, device->second.second, shows});
  }
  for (const client::ServerFrame& frame : server_.frames()) {
    if (frame.has_hello()) {
      const auto claim = claims_.find(session);
      if (claim == claims_.end()) continue;
      greeted_[session] = claim->second;
      if (gone_->contains(claim->second)) {
        facts.push_back(ToldDevice{node_, claim->second.first, claim->second.second, true});
      }
    } else if (!leaving_.empty() && !frame.has_error() && leaving_.erase({session, frame.request_id()}) > 0) {
      const auto leaver = greeted_.find(session);
      if (leaver == greeted_.end()) continue;
      // An old renewal said again names the device that it made then, and changes nothing.
      if (frame.has_device_renewed() && frame.device_renewed().device() <= leaver->second.second.value()) continue;
      gone_->insert(leaver->second);
      facts.push_back(DeviceRevoked{node_, leaver->second.first, leaver->second.second});
    }
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
    if (alone_) appended_.emplace_back(out.id, EntryCommitted{node_, std::move(logged), wall_ms});
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
  claims_.erase(session);
  greeted_.erase(session);
  leaving_.erase(leaving_.lower_bound({session, 0}), leaving_.lower_bound({session.next(), 0}));
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

void Tap::node_crashed(AppendId survived, std::vector<Fact>& facts) {
  durable(survived, facts);
  appended_.clear();
  claims_.clear();
  greeted_.clear();
  leaving_.clear();
  hostile_.clear();
  unanswered_.clear();
  sends_.clear();
}

}  // namespace chasqui::sim
