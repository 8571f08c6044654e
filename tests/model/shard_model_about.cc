// Of the model: what events say about earlier ones, what disappears, what users set for themselves.
#include <algorithm>
#include <utility>

#include "tests/model/shard_model.h"

namespace chasqui::model {
namespace {

Answer refused(client::Code code) {
  return {"refused", static_cast<std::uint64_t>(code), 0};
}

}  // namespace

// client.proto, About and Timer.
std::uint32_t ShardModel::refused_about(const Conversation& conversation, const log::Send& c) const {
  using client::About;
  if (c.about_kind() == About::NOTHING) return 0;
  if (c.about_kind() > About::VOTE) return client::UNIMPLEMENTED;
  const bool is_there = c.about_seq() > 0 && c.about_seq() <= conversation.log.size();
  if (!is_there) return client::NOT_FOUND;
  const Message& target = conversation.log[c.about_seq() - 1];
  if (target.about != About::NOTHING && target.about != About::REPLY) return client::NOT_FOUND;
  if (c.about_kind() == About::REPLY) return 0;
  const bool of_own = c.about_kind() == About::EDIT || c.about_kind() == About::DELETION;
  if (of_own && target.user.value() != c.sender()) return client::PERMISSION_DENIED;
  if (target.erased_by != 0 || target.expired) return client::FAILED_PRECONDITION;
  const bool is_pinned = std::count(conversation.pins.begin(), conversation.pins.end(), c.about_seq()) > 0;
  bool fits = true;
  if (c.about_kind() == About::EDIT) fits = time_ms_ - target.time_ms <= 900'000 && target.edits.size() < 64;
  if (c.about_kind() == About::PIN) fits = !is_pinned && conversation.pins.size() < 3;
  if (c.about_kind() == About::UNPIN) fits = is_pinned;
  if (c.about_kind() == About::VOTE) {
    fits = target.poll_options > 0;
    const bool is_choice = c.votes() <= std::max(target.choices_max, 1U) && c.vote_highest() < target.poll_options;
    if (fits && c.votes() > 0 && !is_choice) return client::INVALID_ARGUMENT;
  }
  return fits ? 0 : std::uint32_t{client::FAILED_PRECONDITION};
}

void ShardModel::say_about(Conversation& conversation, const log::Send& c, Message& message) const {
  using client::About;
  const std::uint64_t seq = conversation.log.size() + 1;
  message.about = c.about_kind();
  message.about_seq = c.about_kind() == 0 ? 0 : c.about_seq();
  message.poll_options = c.poll_options();
  message.choices_max = c.poll_choices_max();
  const bool on_target =
      message.about == About::EDIT || message.about == About::REACTION || message.about == About::VOTE;
  const bool says_nothing =
      message.about == About::DELETION || message.about == About::PIN || message.about == About::UNPIN;
  if (c.has_timer_s()) {
    conversation.timer_s = c.timer_s();
  } else if (on_target) {
    message.expires_ms = conversation.log[c.about_seq() - 1].expires_ms;
  } else if (!says_nothing && conversation.timer_s > 0) {
    message.expires_ms = time_ms_ + 1'000 * std::int64_t{conversation.timer_s};
  }
  if (message.about == About::EDIT) conversation.log[c.about_seq() - 1].edits.push_back(seq);
  if (message.about == About::PIN) conversation.pins.push_back(c.about_seq());
  if (message.about == About::UNPIN) std::erase(conversation.pins, c.about_seq());
  if (message.about == About::DELETION) erase(conversation, c.about_seq(), seq);
}

// A message and its edits lose what they said; by 0: their time is over.
void ShardModel::erase(Conversation& conversation, std::uint64_t seq, std::uint64_t by) {
  std::vector<std::uint64_t> all = conversation.log[seq - 1].edits;
  all.push_back(seq);
  for (const std::uint64_t one : all) {
    Message& message = conversation.log[one - 1];
    message.payload.clear();
    message.erased_by = by;
    message.expired = by == 0;
  }
  std::erase(conversation.pins, seq);
}

Answer ShardModel::expire(const log::Expire& c) {
  if (c.events_size() > 64) return refused(client::INVALID_ARGUMENT);
  for (const log::DueEvent& due : c.events()) {
    const auto id = ConversationId::parse(due.conversation());
    const auto there = id ? conversations_.find(*id) : conversations_.end();
    if (there == conversations_.end() || due.seq() == 0 || due.seq() > there->second.log.size()) continue;
    const Message& message = there->second.log[due.seq() - 1];
    const bool is_due =
        message.expires_ms > 0 && message.expires_ms == due.expires_ms() && due.expires_ms() <= time_ms_;
    const bool is_own = message.about != client::About::EDIT;  // an edit goes with its message
    if (is_due && is_own && message.erased_by == 0 && !message.expired) erase(there->second, due.seq(), 0);
  }
  return {"done"};
}

Answer ShardModel::hide(const log::Hide& c) {
  const auto id = ConversationId::parse(c.conversation());
  if (!id || c.first_seq() == 0 || c.first_seq() > c.last_seq()) return refused(client::INVALID_ARGUMENT);
  const auto user = users_.find(UserId(c.user()));
  const bool is_member = id->is_group() || UserId(c.user()) == id->lower() || UserId(c.user()) == id->higher();
  if (user == users_.end() || !is_member || !user->second.index.contains(*id)) return refused(client::NOT_FOUND);
  std::set<std::uint64_t>& hidden = user->second.hidden[*id];
  const std::size_t before = hidden.size();
  for (std::uint64_t seq = c.first_seq(); seq <= c.last_seq(); ++seq) hidden.insert(seq);
  if (hidden.size() > before) {
    ++user->second.hides[*id];
    user->second.index[*id].version = index_;
  }
  return {"hidden", user->second.hides[*id], hidden.size()};
}

Answer ShardModel::set_privacy(const log::SetPrivacy& c) {
  const auto user = users_.find(UserId(c.user()));
  if (user == users_.end()) return refused(client::NOT_FOUND);
  if (c.presence() > 2) return refused(client::INVALID_ARGUMENT);
  if (c.has_presence()) user->second.presence = c.presence();
  return {"presence", user->second.presence};
}

// Gates are those of sim/model/model.h: nobody says anything of anybody here, and this knows what is refused.
Answer ShardModel::set_gate(const log::SetGate& c) {
  const bool is_of_two = is_valid(UserId(c.user())) && is_valid(UserId(c.other())) && c.user() != c.other();
  if (!is_of_two || c.stance() > 2) return refused(client::INVALID_ARGUMENT);
  if (!users_.contains(UserId(c.user()))) return refused(client::NOT_FOUND);
  return {"gate", c.stance()};
}

}  // namespace chasqui::model
