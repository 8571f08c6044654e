// What users say of others, at the leader of their shard: who asks hears it, and so does the shard of the conversation
// (docs/decisions/0013-gates.md). What waits there for such answers: node_first.cc.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/node_impl.h"
#include "core/shard/gates.h"

namespace chasqui {
namespace {

constexpr char malformed_gate[] = "a gate is towards another user: OPEN, REQUEST or BLOCKED";
constexpr char too_many_reads[] = "the server is busy reading: try again";

state::Stance stance_of(client::Gate gate) {
  if (gate == client::BLOCKED) return state::BLOCKED;
  return gate == client::OPEN ? state::ACCEPTED : state::NOTHING_SAID;
}

template <class Message>
std::optional<Message> parsed(const RangeResult& result) {
  Message message;
  if (result.rows.empty() || !message.ParseFromString(result.rows[0].value)) return std::nullopt;
  return message;
}

MonoTime half_way(Now now, MonoTime deadline) {
  return deadline <= now.mono ? now.mono : now.mono + Duration{(deadline - now.mono).ns / 2};
}

// From the rows: account, gate towards who asks, index entry of their conversation.
peer::GateAnswer answer_from(const ReadDone& done, std::size_t at, RaftIndex as_of) {
  peer::GateAnswer answer;
  const auto account = parsed<state::Account>(done.results[at]);
  const auto gate = parsed<state::Gate>(done.results[at + 1]);
  const auto entry = parsed<state::Index>(done.results[at + 2]);
  answer.set_stance(gate ? gate->stance() : std::uint32_t{state::NOTHING_SAID});
  answer.set_version(std::max(as_of.value(), gate ? gate->version() : 0));
  const bool is_blocked = answer.stance() == state::BLOCKED;
  const bool is_contact = answer.stance() == state::ACCEPTED || (entry && entry->opened());
  answer.set_may_invite(account && !is_blocked);
  const bool by_setting = account && (account->adds() == static_cast<std::uint32_t>(client::EVERYONE) ||
                                      (account->adds() == static_cast<std::uint32_t>(client::CONTACTS) && is_contact));
  answer.set_may_add(answer.may_invite() && by_setting);
  return answer;
}

}  // namespace

// -------------------------------------------------------------------------------- at the shard of who is asked about

void Node::Impl::serve_gates(Now now, Shard& shard, const Asker& asker, const peer::GateQuery& query, Outputs& out) {
  const UserId who(query.who());
  const bool is_here = router_.of_user(who).shard == shard.id;
  const bool is_about_who = query.others_size() > 0;
  const auto lives_here = [&](std::uint64_t user) { return router_.of_user(UserId(user)).shard == shard.id; };
  const std::uint64_t asked_about =
      static_cast<std::uint64_t>(query.users_size()) + static_cast<std::uint64_t>(query.others_size());
  const bool is_charge = query.first_messages() > 0 || query.adds() > 0;
  if (!is_valid(who) || asked_about >= bounds::group_members_max || (!is_here && (is_about_who || is_charge)) ||
      !std::all_of(query.users().begin(), query.users().end(), lives_here)) {
    return refuse(now, asker, client::INVALID_ARGUMENT, "that is not asked of this shard", out);
  }
  const auto again = [this, &shard, asker, query](Now then, Outputs& more) {
    serve_gates(then, shard, asker, query, more);
  };
  if (!fresh(now, shard, asker, again, out)) return;
  const Limits& limits = config_.limits;
  const auto take = [&](gateway::BucketTable<UserId>& table, gateway::Rate rate, std::uint64_t tokens) {
    gateway::Bucket& bucket = table.at(who);
    if (tokens == 0 || bucket.take(now.mono, rate, tokens)) return true;
    CHASQUI_MARK("stranger_rate_refused");
    refuse(now, asker, client::RESOURCE_EXHAUSTED,
           absl::StrCat("too many ", query.adds() > 0 ? "people added" : "messages to people who have not answered",
                        ": wait a little"),
           out, bucket.wait_ms(now.mono, rate, tokens));
    return false;
  };
  if (!take(first_messages_,
            gateway::Rate::per_token_ms(limits.first_message_user_burst, limits.first_message_user_refill_ms),
            query.first_messages()) ||
      !take(adds_, gateway::Rate::per_token_ms(limits.add_user_burst, limits.add_user_refill_ms), query.adds())) {
    return;
  }
  std::vector<RangeRead> rows;
  const auto ask_rows = [&](UserId user, UserId other) {
    rows.push_back(RangeRead::row(keys::account(shard.id, user)));
    rows.push_back(RangeRead::row(keys::gate(shard.id, user, other)));
    rows.push_back(RangeRead::row(keys::index(shard.id, user, ConversationId::direct(user, other))));
  };
  for (const std::uint64_t user : query.users()) ask_rows(UserId(user), who);
  for (const std::uint64_t other : query.others()) ask_rows(who, UserId(other));
  if (rows.empty()) return respond(now, asker, peer::GateAnswers(), out);
  const bool asked = read(
      std::move(rows),
      [this, asker, as_of = shard.machine.applied_index()](Now then, ReadDone& done, Outputs& outputs) {
        peer::GateAnswers answers;
        for (std::size_t at = 0; at + 2 < done.results.size(); at += 3) {
          *answers.add_answers() = answer_from(done, at, as_of);
        }
        respond(then, asker, std::move(answers), outputs);
      },
      out);
  if (!asked) refuse(now, asker, client::UNAVAILABLE, too_many_reads, out, 500);
}

// A user says something of another: at the user's shard, and then at that of their conversation, which is told by the
// feed in any case. Told at once, so that the answer can say that it is in force.
void Node::Impl::set_gate(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  const client::SetGate& wanted = request->frame.set_gate();
  const UserId other(wanted.user());
  if (!is_valid(other) || other == request->user || !client::Gate_IsValid(wanted.gate())) {
    return refuse(now, request->asker, client::INVALID_ARGUMENT, malformed_gate, out);
  }
  log::Command command;
  command.mutable_set_gate()->set_user(request->user.value());
  command.mutable_set_gate()->set_other(other.value());
  command.mutable_set_gate()->set_stance(static_cast<std::uint32_t>(stance_of(wanted.gate())));
  if (auto refused = enqueue(shard, command, GateOrigin{request->asker, request->user, other, request->deadline}, now,
                             request->deadline, true)) {
    respond(now, request->asker, *std::move(refused), out);
  }
}

void Node::Impl::gate_set(Now now, const GateOrigin& origin, const shard::GateNow& gate, Outputs& out) {
  const ConversationId conversation = ConversationId::direct(origin.user, origin.other);
  client::ServerFrame frame;
  frame.mutable_gate_set()->set_user(origin.other.value());
  frame.mutable_gate_set()->set_gate(gate.gate);
  if (CHASQUI_CANARY("block_at_leisure")) {  // said to be in force before the conversation knows
    frame.mutable_gate_set()->set_in_force(true);
    return respond(now, origin.asker, std::move(frame), out);
  }
  log::Command command;
  log::IndexMark& mark = *command.mutable_notify()->add_marks();
  mark.set_user(origin.user.value());
  mark.set_conversation(conversation.str());
  mark.set_stance(gate.stance);
  mark.set_stance_version(gate.version.value());
  ask(now, router_.of_conversation(conversation).shard, half_way(now, origin.deadline),
      ShardAsk{std::move(command),
               [this, asker = origin.asker, frame](Now then, Outcome& what, Outputs& outputs) mutable {
                 const bool is_told = std::holds_alternative<StanceTaken>(what);
                 if (!is_told) CHASQUI_MARK("gate_not_yet_in_force");
                 frame.mutable_gate_set()->set_in_force(is_told);
                 respond(then, asker, std::move(frame), outputs);
               }},
      out);
}

bool Node::Impl::is_stance(const log::Command& command, ShardId shard, NodeId from) const {
  if (!command.has_notify() || command.notify().marks_size() != 1) return false;
  const log::IndexMark& mark = command.notify().marks(0);
  const auto conversation = ConversationId::parse(mark.conversation());
  const bool is_alone = mark.head() == 0 && mark.read() == 0 && !mark.opened() && mark.invited() == 0;
  if (!conversation || !is_alone || mark.stance_version() == 0) return false;
  // It counts only from the leader of the user's shard (rule R8).
  return router_.of_conversation(*conversation).shard == shard && router_.of_user(UserId(mark.user())).leader == from;
}

}  // namespace chasqui
