// Requests on their way to the leader of their shard, at whatever node, and back.
//
// An ask of a session or of an HTTP call goes to the leader: here by a call, elsewhere by a peer frame. The answer
// comes back as an Outcome either way. `Moved` is no answer for whoever waits: the ask goes on to the next leader, or
// waits for one, until its deadline.
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/points.h"
#include "core/base/text.h"
#include "core/gateway/frames_out.h"
#include "core/node_impl.h"

namespace chasqui {
namespace {

bool is_command(const client::ClientFrame& frame) {
  return frame.has_send() || frame.has_renew_device() || frame.has_logout() || frame.has_hide() ||
         frame.has_set_privacy() || frame.has_set_gate();
}

gateway::Refusal refusal_of(const client::Error& error) {
  return {error.code(), error.message(), error.retry_after_ms(), OutboxSeq(error.next_outbox_seq()),
          Seq(error.known_seq())};
}

client::Error error_of(const gateway::Refusal& refusal) {
  client::Error error;
  error.set_code(refusal.code);
  error.set_message(refusal.message);
  error.set_retry_after_ms(refusal.retry_after_ms);
  error.set_next_outbox_seq(refusal.next_outbox_seq.value());
  error.set_known_seq(refusal.known_seq.value());
  return error;
}

std::uint32_t left_ms(Now now, MonoTime deadline) {
  if (deadline <= now.mono) return 1;
  return static_cast<std::uint32_t>((deadline - now.mono).ns / 1'000'000 + 1);
}

}  // namespace

// -------------------------------------------------------------------------------------------------- where it is asked

void Node::Impl::ask(Now now, ShardId shard, MonoTime deadline, AskBody body, Outputs& out) {
  const bool must_wait = asks_.any_waits(shard);
  const std::uint64_t id = asks_.add(shard, deadline, std::move(body));
  if (auto* session = std::get_if<SessionAsk>(&asks_.find(id)->body)) {
    session->request->asker = {config_.node, id};
  }
  if (must_wait) return asks_.wait(id);
  dispatch(now, id, out);
}

void Node::Impl::dispatch(Now now, std::uint64_t id, Outputs& out) {
  auto* asked = asks_.find(id);
  CHASQUI_ASSERT(asked != nullptr, "what is dispatched is kept");
  const router::Route route = router_.of(asked->shard);
  if (!route.leader) {
    CHASQUI_MARK("ask_waits");
    return asks_.wait(id);
  }
  asks_.sent(id, route.leader);
  auto* session = std::get_if<SessionAsk>(&asked->body);
  auto* call = std::get_if<CallAsk>(&asked->body);
  auto* of_shard = std::get_if<ShardAsk>(&asked->body);
  if (route.here) {
    Shard& shard = shard_at(route.shard);
    const Asker asker{config_.node, id};
    if (session != nullptr) {
      const RequestPtr request = session->request;  // the ask may be gone before it has been served
      return serve(now, shard, request, out);
    }
    if (of_shard != nullptr) {
      if (const auto* query = std::get_if<peer::GateQuery>(&of_shard->wants)) {
        return serve_gates(now, shard, asker, peer::GateQuery(*query), out);
      }
      const log::Command command = std::get<log::Command>(of_shard->wants);
      return serve_command(now, shard, asker, command, asked->deadline, out);
    }
    if (std::holds_alternative<HandleOwner>(call->wants)) {
      return serve_handle(now, shard, asker, std::string(call->handle), out);
    }
    if (std::holds_alternative<Credential>(call->wants)) return serve_account(now, shard, asker, call->user, out);
    const log::Command command = std::get<log::Command>(call->wants);
    return serve_command(now, shard, asker, command, asked->deadline, out);
  }
  peer::Ask& ask = *to_peer(route.leader).asks.add_asks();
  ask.set_id(id);
  ask.set_shard(static_cast<std::uint32_t>(asked->shard.value()));
  ask.set_deadline_ms(left_ms(now, asked->deadline));
  if (session != nullptr) {
    ask.set_user(session->request->user.value());
    ask.set_device(static_cast<std::uint32_t>(session->request->device.value()));
    ask.set_session(session->request->session.value());
    ask.set_frame(session->request->frame.SerializeAsString());
  } else if (of_shard != nullptr) {
    if (const auto* query = std::get_if<peer::GateQuery>(&of_shard->wants)) {
      *ask.mutable_gates() = *query;
    } else {
      ask.set_command(std::get<log::Command>(of_shard->wants).SerializeAsString());
    }
  } else if (std::holds_alternative<HandleOwner>(call->wants)) {
    ask.set_handle(call->handle);
  } else if (std::holds_alternative<Credential>(call->wants)) {
    ask.set_account(call->user.value());
  } else {
    ask.set_command(std::get<log::Command>(call->wants).SerializeAsString());
  }
}

void Node::Impl::flush_waiting(Now now, ShardId shard, Outputs& out) {
  // One that is served here may ask this very shard something: that waits behind the others, and leaves with them.
  for (std::uint64_t id = asks_.next_waiting(shard, 0); id != 0 && router_.of(shard).leader;
       id = asks_.next_waiting(shard, id)) {
    if (CHASQUI_CANARY("silent_drop")) {
      asks_.erase(id);
    } else {
      dispatch(now, id, out);
    }
  }
}

void Node::Impl::expire_asks(Now now, Outputs& out) {
  while (const std::uint64_t id = asks_.expired(now)) {
    CHASQUI_MARK("ask_expired");
    const auto* asked = asks_.find(id);
    const bool is_unknown = asked->may_be_proposed || asked->at != NodeId();
    gateway::Refusal refusal{client::UNAVAILABLE, "this shard has no leader just now: try again", 200, OutboxSeq()};
    if (is_unknown) {
      refusal = {client::ABORTED, "no answer in time: it may be stored, repeat it under its number", 200, OutboxSeq()};
    }
    outcome(now, id, std::move(refusal), out);
    asks_.erase(id);
  }
}

// ----------------------------------------------------------------------------------------------- where it is answered

void Node::Impl::take_ask(Now now, NodeId from, const peer::Ask& ask, Outputs& out) {
  if (ask.shard() >= shards_.size()) return;
  const ShardId id(ask.shard());
  const Asker asker{from, ask.id()};
  Shard* shard = led(id);
  if (shard == nullptr) {
    CHASQUI_MARK("asked_elsewhere");
    if (ask.id() != 0) respond(now, asker, moved(id), out);
    return;
  }
  const auto most_ms = std::min<std::uint64_t>(ask.deadline_ms(), config_.limits.deadline_ms_max);
  const MonoTime deadline = now.mono + milliseconds(static_cast<std::int64_t>(most_ms));
  switch (ask.what_case()) {
    case peer::Ask::kFrame: {
      auto request = std::make_shared<ShardRequest>();
      request->asker = asker;
      request->user = UserId(ask.user());
      request->device = DeviceId(ask.device());
      request->session = SessionId(ask.session());
      request->deadline = deadline;
      if (!request->frame.ParseFromString(ask.frame())) break;
      if (request->frame.has_hello() && router_.of_user(request->user).shard != id) break;
      if (request->frame.has_typing()) {
        if (router_.of_user(request->user).shard == id) {
          tell_typing(now, *shard, request->user, request->frame.typing(), out);
        }
        return;
      }
      if (request->frame.has_ack()) return this->ack(now, *shard, *request, request->frame.request_id());
      return serve(now, *shard, request, out);
    }
    case peer::Ask::kHandle: return serve_handle(now, *shard, asker, ask.handle(), out);
    case peer::Ask::kAccount: return serve_account(now, *shard, asker, UserId(ask.account()), out);
    case peer::Ask::kCommand: {
      log::Command command;
      if (!command.ParseFromString(ask.command())) break;
      if (!command.has_create_account() && !command.has_add_device() && !is_stance(command, id, from)) break;
      return serve_command(now, *shard, asker, command, deadline, out);
    }
    case peer::Ask::kGates: return serve_gates(now, *shard, asker, ask.gates(), out);
    case peer::Ask::kTyping: return tell_group_typing(now, *shard, UserId(ask.user()), ask.typing(), out);
    case peer::Ask::WHAT_NOT_SET: break;
  }
  refuse(now, asker, client::UNIMPLEMENTED, "this node does not know that kind of request", out);
}

void Node::Impl::serve(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  switch (request->frame.body_case()) {
    case client::ClientFrame::kHello: return hello(now, shard, request, out);
    case client::ClientFrame::kSend: return send(now, shard, request, out);
    case client::ClientFrame::kSync:
      return sync(now, shard, request, Version(request->frame.sync().since_version()),
                  Version(request->frame.sync().below_version()), false, out);
    case client::ClientFrame::kHistory: return history(now, shard, request, out);
    case client::ClientFrame::kLookup: return look_up(now, shard, request, out);
    case client::ClientFrame::kDescribeGroup: return describe_group(now, shard, request, out);
    case client::ClientFrame::kMarks: return marks(now, shard, request, out);
    case client::ClientFrame::kAskReceipts: return receipts_of(now, shard, request, out);
    case client::ClientFrame::kRenewDevice: return renew_device(now, shard, request, out);
    case client::ClientFrame::kLogout: return log_out(now, shard, request, out);
    case client::ClientFrame::kHide: return hide(now, shard, request, out);
    case client::ClientFrame::kAskHidden: return ask_hidden(now, shard, request, out);
    case client::ClientFrame::kSetPrivacy: return set_privacy(now, shard, request, out);
    case client::ClientFrame::kSetGate: return set_gate(now, shard, request, out);
    case client::ClientFrame::kWatch: return watch(now, shard, request, out);
    case client::ClientFrame::kTyping:
    case client::ClientFrame::kAck:
    case client::ClientFrame::kPing:
    case client::ClientFrame::BODY_NOT_SET: break;  // none of these is asked of a leader
  }
  refuse(now, request->asker, client::UNIMPLEMENTED, "this server does not know that kind of request", out);
}

void Node::Impl::serve_command(Now now, Shard& shard, const Asker& asker, const log::Command& command,
                               MonoTime deadline, Outputs& out) {
  const bool is_account = !command.has_notify();
  Origin origin = is_account ? Origin(AccountOrigin{asker}) : Origin(StanceOrigin{asker});
  if (auto refused = enqueue(shard, command, std::move(origin), now, deadline, is_account)) {
    respond(now, asker, *std::move(refused), out);
  }
}

// ------------------------------------------------------------------------------------------------------ and the answer

void Node::Impl::respond(Now now, const Asker& asker, Outcome what, Outputs& out) {
  if (asker.node == config_.node) return outcome(now, asker.ask, std::move(what), out);
  if (asker.ask == 0) return;
  peer::Answer& answer = *to_peer(asker.node).answers.add_answers();
  answer.set_id(asker.ask);
  if (auto* frame = std::get_if<client::ServerFrame>(&what)) {
    answer.set_frame(frame->SerializeAsString());
  } else if (auto* refusal = std::get_if<gateway::Refusal>(&what)) {
    client::ServerFrame error;
    *error.mutable_error() = error_of(*refusal);
    answer.set_frame(error.SerializeAsString());
  } else if (auto* moved = std::get_if<Moved>(&what)) {
    answer.mutable_moved()->set_leader(moved->leader.value());
    answer.mutable_moved()->set_term(moved->term.value());
    answer.mutable_moved()->set_unknown(moved->may_be_proposed);
  } else if (std::holds_alternative<SessionRegistered>(what)) {
    answer.set_registered(true);
  } else if (auto* owner = std::get_if<HandleOwner>(&what)) {
    answer.set_user(owner->user.value());
  } else if (auto* credential = std::get_if<Credential>(&what)) {
    answer.set_credential(std::move(credential->credential));
  } else if (auto* created = std::get_if<shard::AccountCreated>(&what)) {
    answer.mutable_created()->set_user(created->user.value());
    answer.mutable_created()->set_device(static_cast<std::uint32_t>(created->device.value()));
  } else if (auto* gates = std::get_if<peer::GateAnswers>(&what)) {
    answer.mutable_gates()->Swap(gates);
  } else if (std::holds_alternative<StanceTaken>(what)) {
    answer.set_done(true);
  }
}

void Node::Impl::take_answer(Now now, NodeId from, const peer::Answer& answer, Outputs& out) {
  if (answer.has_acked()) {
    const peer::AckedFrame& acked = answer.acked();
    client::ServerFrame frame;
    if (!frame.ParseFromString(acked.frame()) || !frame.has_acked()) return;
    const SessionId session(acked.session());
    if (gateway_.belongs(session, UserId(acked.user()))) gateway_.acked(now, session, acked.request_id(), frame, out);
    return;
  }
  const auto* asked = asks_.find(answer.id());
  if (asked == nullptr || asked->at != from) return;  // its time was up, or it was asked again elsewhere
  switch (answer.outcome_case()) {
    case peer::Answer::kFrame: {
      client::ServerFrame frame;
      if (!frame.ParseFromString(answer.frame())) return;
      if (frame.has_error()) return outcome(now, answer.id(), refusal_of(frame.error()), out);
      return outcome(now, answer.id(), std::move(frame), out);
    }
    case peer::Answer::kMoved:
      return outcome(now, answer.id(),
                     Moved{NodeId(answer.moved().leader()), RaftTerm(answer.moved().term()), answer.moved().unknown()},
                     out);
    case peer::Answer::kRegistered: return outcome(now, answer.id(), SessionRegistered{}, out);
    case peer::Answer::kUser: return outcome(now, answer.id(), HandleOwner{UserId(answer.user())}, out);
    case peer::Answer::kCredential: return outcome(now, answer.id(), Credential{answer.credential()}, out);
    case peer::Answer::kCreated:
      return outcome(now, answer.id(),
                     shard::AccountCreated{UserId(answer.created().user()), DeviceId(answer.created().device())}, out);
    case peer::Answer::kGates: return outcome(now, answer.id(), answer.gates(), out);
    case peer::Answer::kDone: return outcome(now, answer.id(), StanceTaken{}, out);
    case peer::Answer::kAcked:
    case peer::Answer::OUTCOME_NOT_SET: return;
  }
}

void Node::Impl::outcome(Now now, std::uint64_t id, Outcome what, Outputs& out) {
  auto* asked = asks_.find(id);
  if (asked == nullptr) return;
  if (const auto* moved = std::get_if<Moved>(&what)) {
    CHASQUI_MARK("asked_again");
    asked->may_be_proposed = asked->may_be_proposed || moved->may_be_proposed;
    const ShardId shard = asked->shard;
    const NodeId from = asked->at;
    asks_.wait(id);
    const router::Route route = router_.of(shard);
    const bool is_news = moved->leader && moved->leader != from && moved->term > router_.term(shard);
    if (is_news) {
      router_.leads(shard, moved->leader, moved->term);
      return leader_known(now, shard, out);
    }
    if (route.leader == from && from != config_.node) router_.leads(shard, NodeId(), router_.term(shard));
    return flush_waiting(now, shard, out);
  }
  if (auto* refusal = std::get_if<gateway::Refusal>(&what)) {
    const bool certain = refusal->code == client::UNAVAILABLE || refusal->code == client::RESOURCE_EXHAUSTED;
    if (certain && asked->may_be_proposed) {
      refusal->code = client::ABORTED;
      refusal->message = "the shard's leader changed: it may be stored, repeat it under its number";
    }
  }
  if (auto* call = std::get_if<CallAsk>(&asked->body)) {
    const CallAsk answered = std::move(*call);
    asks_.erase(id);
    return call_outcome(now, answered, what, out);
  }
  if (auto* of_shard = std::get_if<ShardAsk>(&asked->body)) {
    const auto then = std::move(of_shard->then);
    asks_.erase(id);
    return then(now, what, out);
  }
  session_outcome(now, id, std::get<SessionAsk>(asked->body), what, out);
}

void Node::Impl::session_outcome(Now now, std::uint64_t id, SessionAsk& ask, Outcome& what, Outputs& out) {
  const RequestPtr request = ask.request;
  const std::uint64_t request_id = ask.request_id;
  if (std::holds_alternative<SessionRegistered>(what)) {
    if (gateway_.register_session(now, request->session, out)) return;
    // It is gone, or another one stands: the leader must not tell it anything.
    asks_.erase(id);
    return tell_gone(router_.of_user(request->user).shard, request->session);
  }
  if (ask.marks != 0) {
    const SessionAsk part = ask;
    asks_.erase(id);
    return marks_outcome(now, part, what, out);
  }
  // A reader is not told that its question "may be stored".
  asks_.erase(id);
  if (auto* refusal = std::get_if<gateway::Refusal>(&what)) {
    if (refusal->code == client::ABORTED && !is_command(request->frame)) {
      refusal->code = client::UNAVAILABLE;
      refusal->message = "this shard has no leader just now: try again";
    }
    return gateway_.refuse(now, request->session, request_id, *refusal, out);
  }
  auto* frame = std::get_if<client::ServerFrame>(&what);
  if (frame == nullptr) {
    return gateway_.refuse(now, request->session, request_id,
                           {client::INTERNAL, "another node answered something else", 0, OutboxSeq()}, out);
  }
  // The word that it is registered may have been lost on a link whose queue was full.
  if (frame->has_hello() && !gateway_.register_session(now, request->session, out)) {
    return tell_gone(router_.of_user(request->user).shard, request->session);
  }
  if (frame->has_hello()) {
    const auto again = gateway_.greet(now, request->session, request_id, *frame, out);
    if (again) register_again(now, *again, out);
    return;
  }
  gateway_.answer(now, request->session, request_id, *frame, out);
}

void Node::Impl::marks_outcome(Now now, const SessionAsk& ask, Outcome& what, Outputs& out) {
  MarksAsked* whole = marks_asked_.find(ask.marks);
  if (whole == nullptr) return;
  --whole->parts;
  if (const auto* frame = std::get_if<client::ServerFrame>(&what)) {
    whole->page.MergeFrom(frame->marks());
    for (const client::Presence& presence : frame->presences().presences()) {
      client::Presence& told = *whole->presences.add_presences();
      told = presence;
      if (gateway_.is_watched(whole->session, UserId(presence.user()))) continue;
      told.clear_is_online();
      told.clear_last_seen_ms();
    }
  } else if (auto* refusal = std::get_if<gateway::Refusal>(&what)) {
    if (refusal->code == client::ABORTED) refusal->code = client::UNAVAILABLE;
    whole->refusal = *refusal;
  }
  if (whole->parts > 0) return;
  MarksAsked done = std::move(*whole);
  marks_asked_.erase(ask.marks);
  if (done.refusal) return gateway_.refuse(now, done.session, done.request_id, *done.refusal, out);
  client::ServerFrame frame;
  if (done.is_watch)
    *frame.mutable_presences() = std::move(done.presences);
  else
    *frame.mutable_marks() = std::move(done.page);
  gateway_.answer(now, done.session, done.request_id, frame, out);
}

}  // namespace chasqui
