#include "sim/model/model.h"

#include <algorithm>
#include <utility>

namespace chasqui::sim {

bool Model::apply(const LoggedEntry& entry) {
  untold_.clear();
  RaftIndex& applied = applied_[entry.shard];
  if (entry.index <= applied) return true;
  const bool in_order = !applied || entry.index == applied.next();  // how a log begins is its own matter
  applied = entry.index;
  for (const LoggedCommand& command : entry.commands) {
    std::visit([&](const auto& known) { apply(entry, known); }, command);
  }
  return in_order;
}

// "Number n is taken only after n-1": what was taken before keeps its first answer, what comes too early writes
// nothing. "Someone who was never a member writes nothing and takes no number"; a command of a member that is refused
// "still takes its number".
void Model::apply(const LoggedEntry& entry, const LoggedSend& send) {
  if (send.conversation.is_group()) return apply_to_group(entry, send);
  if (!send.conversation.has_direct_member(send.sender)) return;
  std::vector<Answer>& answers = answers_[{send.conversation, send.sender, send.device}];
  if (send.number.value() != answers.size() + 1) return;
  if (send.recipient) learn(send.conversation, other_of(send.conversation, send.sender), *send.recipient);
  Conversation** known = by_id_.find(send.conversation);
  const std::uint32_t refusal = refused(known == nullptr ? Conversation() : **known, entry, send, false);
  if (refusal != 0) {
    answers.push_back({static_cast<client::Code>(refusal), Seq(), entry.time});
    return;
  }
  answers.push_back({client::OK, append(entry, send), entry.time});
}

Seq Model::append(const LoggedEntry& entry, const LoggedSend& send) {
  Conversation& conversation = conversation_at(send.conversation);
  Event event{send.sender,           send.device, send.number, entry.time, send.digest,
              send.about_kind,       send.about,  0,           false,      send.poll_options,
              send.poll_choices_max, 0,           send.nonce};
  event.expires_ms = expiry(conversation, entry, send);
  about(conversation, send);
  event.is_change = send.change.has_value();
  event.mentions = send.mentions;
  if (!send.conversation.is_group()) event.withheld = is_withheld(conversation, send);
  if (send.timer_s) conversation.timer_s = *send.timer_s;
  conversation.events.push_back(std::move(event));
  const Seq seq(conversation.events.size());
  if (!send.conversation.is_group() && !std::exchange(conversation.gates[send.sender].has_written, true)) {
    tell_marks(conversation, send.conversation, send.sender);
  }
  owed_[entry.shard].emplace_back(entry.index, Owed{send.conversation, seq});
  return seq;
}

// Who is told nothing takes no number; who was refused takes one all the same.
void Model::apply_to_group(const LoggedEntry& entry, const LoggedSend& send) {
  std::vector<Answer>* taken = answers_.find({send.conversation, send.sender, send.device});
  const bool took_numbers = taken != nullptr && !taken->empty();
  const client::GroupChange* change = send.change ? &*send.change : nullptr;
  GroupModel& group = groups_[send.conversation];
  if (!group.may_know(send.conversation, send.sender, took_numbers, entry.time, change)) return;
  if (!took_numbers && send.known < group.joined(send.sender)) return;  // said while he was a stranger
  std::vector<Answer>& answers = answers_[{send.conversation, send.sender, send.device}];
  if (send.number.value() != answers.size() + 1) return;
  Conversation** known = by_id_.find(send.conversation);
  std::uint32_t refusal = send.refused;
  if (refusal == 0 && change != nullptr) refusal = group.refuses(send.sender, entry.time, *change);
  if (refusal == 0 && change != nullptr && group.must_be_let_in(send.sender, entry.time, *change)) {
    group.ask(send.sender);
    refusal = client::FAILED_PRECONDITION;
  }
  if (refusal == 0 && change == nullptr) {
    refusal = group.refuses_message(send.sender, entry.time, send);
    const bool is_admin = group.is_admin(send.sender);
    if (refusal == 0) refusal = refused(known == nullptr ? Conversation() : **known, entry, send, is_admin);
  }
  if (refusal != 0) {
    answers.push_back({static_cast<client::Code>(refusal), Seq(), entry.time});
    return;
  }
  const Seq seq = append(entry, send);
  if (change != nullptr) group.apply(send.sender, seq, *change, send.not_added);
  answers_[{send.conversation, send.sender, send.device}].push_back({client::OK, seq, entry.time});
}

// client.proto, Timer: "messages sent from here on are erased so long after they were sent"; what is said on one
// message goes with it, and what says nothing goes never.
std::int64_t Model::expiry(const Conversation& conversation, const LoggedEntry& entry, const LoggedSend& send) {
  switch (send.about_kind) {
    case client::About::EDIT:
    case client::About::REACTION:
    case client::About::VOTE: return conversation.events[send.about.value() - 1].expires_ms;
    case client::About::DELETION:
    case client::About::PIN:
    case client::About::UNPIN: return 0;
    default: break;
  }
  if (send.timer_s || conversation.timer_s == 0) return 0;
  return entry.time.ms + std::int64_t{1'000} * conversation.timer_s;
}

// client.proto, About: "about a message that is there, never about an edit, a deletion, a reaction, a vote or a pin";
// an edit "by its sender, within 15 min, at most 64 times"; a deletion "by its sender"; a reply's message "may have
// been erased"; pins "at most 3 of a conversation".
std::uint32_t Model::refused(const Conversation& conversation, const LoggedEntry& entry, const LoggedSend& send,
                             bool is_admin) {
  if (send.refused != 0) return send.refused;
  if (send.about_kind == client::About::NOTHING) return 0;
  if (send.about_kind > client::About::VOTE) return client::UNIMPLEMENTED;
  if (!send.about || send.about.value() > conversation.events.size()) return client::NOT_FOUND;
  const Event& message = conversation.events[send.about.value() - 1];
  const bool is_message = message.about_kind == client::About::NOTHING || message.about_kind == client::About::REPLY;
  if (!is_message || message.is_change) return client::NOT_FOUND;
  if (message.withheld && message.sender != send.sender) return client::NOT_FOUND;
  if (send.about_kind == client::About::REPLY) return 0;
  const bool of_own = send.about_kind == client::About::EDIT || send.about_kind == client::About::DELETION;
  const bool is_his = message.sender == send.sender || (is_admin && send.about_kind == client::About::DELETION);
  if (of_own && !is_his) return client::PERMISSION_DENIED;
  const std::uint32_t not_so = client::FAILED_PRECONDITION;
  if (message.erased) return not_so;
  const bool is_pinned =
      std::find(conversation.pins.begin(), conversation.pins.end(), send.about) != conversation.pins.end();
  if (send.about_kind == client::About::PIN) return is_pinned || conversation.pins.size() >= 3 ? not_so : 0;
  if (send.about_kind == client::About::UNPIN) return is_pinned ? 0 : not_so;
  if (send.about_kind == client::About::VOTE) {
    if (message.poll_options == 0) return not_so;
    const bool fits = send.votes <= std::max(message.poll_choices_max, 1U) && send.vote_highest < message.poll_options;
    return send.votes == 0 || fits ? 0 : std::uint32_t{client::INVALID_ARGUMENT};
  }
  const bool too_late = entry.time.ms > message.time.ms + std::int64_t{15} * 60 * 1'000 || message.edits >= 64;
  return send.about_kind == client::About::EDIT && too_late ? not_so : 0;
}

void Model::about(Conversation& conversation, const LoggedSend& send) {
  if (send.about_kind == client::About::EDIT) ++conversation.events[send.about.value() - 1].edits;
  if (send.about_kind == client::About::DELETION) erase(conversation, send.about);
  if (send.about_kind == client::About::PIN) conversation.pins.push_back(send.about);
  if (send.about_kind == client::About::UNPIN) std::erase(conversation.pins, send.about);
}

void Model::erase(Conversation& conversation, Seq message) {
  for (std::size_t i = 0; i < conversation.events.size(); ++i) {
    Event& event = conversation.events[i];
    const bool is_edit = event.about_kind == client::About::EDIT && event.about == message;
    if (i + 1 != message.value() && !is_edit) continue;
    if (!event.erased) ++erased_;
    event.erased = true;
  }
  std::erase(conversation.pins, message);
}

// "Expiry is a command proposed when due": what is not due by log time is left alone.
void Model::apply(const LoggedEntry& entry, const LoggedDue& due) {
  Conversation** found = by_id_.find(due.conversation);
  if (found == nullptr || !due.seq || due.seq.value() > (*found)->events.size()) return;
  const Event& event = (*found)->events[due.seq.value() - 1];
  const bool is_due = event.expires_ms > 0 && event.expires_ms == due.expires_ms && due.expires_ms <= entry.time.ms;
  if (is_due && !event.erased && event.about_kind != client::About::EDIT) erase(**found, due.seq);
}

// "These events are not shown to this user any more"; of a conversation that the user's index knows.
void Model::apply(const LoggedEntry& /*entry*/, const LoggedHide& hide) {
  const auto index = indexes_.find(hide.user);
  if (index == indexes_.end() || !index->second.contains(hide.conversation)) return;
  if (hide.first == 0 || hide.first > hide.last) return;
  hidden_[{hide.user, hide.conversation}].emplace_back(hide.first, hide.last);
}

bool Model::is_hidden(UserId user, const ConversationId& id, Seq seq) const {
  const auto it = hidden_.find({user, id});
  if (it == hidden_.end()) return false;
  return std::any_of(it->second.begin(), it->second.end(),
                     [seq](const auto& range) { return range.first <= seq.value() && seq.value() <= range.second; });
}

// "At the conversation's shard delivered and read are cut at the head, a read mark raises delivered", merged by max;
// client.proto, SetPrivacy: "nobody is told what this user reads from now on. Delivered is told all the same".
void Model::apply(const LoggedEntry& /*entry*/, const LoggedMark& mark) {
  if (!has_part(mark.conversation, mark.user)) return;
  Conversation** found = by_id_.find(mark.conversation);
  if (found == nullptr) return;
  const bool is_group = mark.conversation.is_group();
  const Seq head = is_group ? last_for(mark.conversation, mark.user) : this->head(mark.conversation);
  Marks& marks = (*found)->marks[mark.user];
  const Marks before = marks;
  marks.read = std::max(marks.read, std::min(mark.read, head));
  marks.delivered = std::max({marks.delivered, std::min(mark.delivered, head), marks.read});
  if (!mark.read_is_private) marks.read_told = std::max(marks.read_told, std::min(mark.read, head));
  const bool has_moved =
      marks.delivered > before.delivered || marks.read > before.read || marks.read_told > before.read_told;
  if (mark.conversation.is_group() || !has_moved) return;
  if (tells_marks(**found, mark.conversation, mark.user)) (*found)->gates[mark.user].is_held = false;
  tell_marks(**found, mark.conversation, mark.user);
}

// "Never clamped at the user's index, which may lag": merged by max; the version is the Raft index of the change.
void Model::apply(const LoggedEntry& entry, const LoggedNotice& notice) {
  if (notice.stance) learn(notice.conversation, notice.user, *notice.stance);
  if (!notice.head && !notice.read && !notice.opened && !notice.invited) return;
  IndexEntry& known = indexes_[notice.user][notice.conversation];
  if (notice.head <= known.head && notice.read <= known.read) return;
  known.head = std::max(known.head, notice.head);
  known.read = std::max(known.read, notice.read);
  known.changed = entry.index;
}

// "The cursor is the lowest feed index with a batch outstanding", and a batch is acknowledged "after its effects are
// committed over there": so behind it every member has been told, or what
// they are owed "is parked": a row of the shard's own state, "sent when it answers". Who has left a group since is owed
// all he may know by the row that he left with.
void Model::apply(const LoggedEntry& entry, const LoggedCursor& cursor) {
  auto& owed = owed_[entry.shard];
  while (!owed.empty() && owed.front().first <= cursor.index) {
    const Owed& done = owed.front().second;
    for (const UserId user : audience(done.conversation, done.seq)) {
      const auto parked = parked_.find({entry.shard, user, done.conversation});
      if (parked != parked_.end() && parked->second >= done.seq) continue;
      if (knows(user, done.conversation, done.seq)) continue;
      const GroupModel* known = group(done.conversation);
      const Seq left = known == nullptr ? Seq() : known->left_after(user, done.seq);
      const bool is_owed_later =
          left && std::any_of(owed.begin(), owed.end(), [&](const auto& row) {
            return row.first > cursor.index && row.second.conversation == done.conversation && row.second.seq == left;
          });
      if (is_owed_later) continue;
      untold_.push_back({user, done.conversation, done.seq});
    }
    owed.pop_front();
  }
}

void Model::apply(const LoggedEntry& entry, const LoggedParked& parked) {
  Seq& head = parked_[{entry.shard, parked.user, parked.conversation}];
  head = std::max(head, parked.head);
}

// A row that holds more than was told is still owed, whole.
void Model::apply(const LoggedEntry& entry, const LoggedUnparked& unparked) {
  const auto it = parked_.find({entry.shard, unparked.user, unparked.conversation});
  if (it == parked_.end() || it->second > unparked.head) return;
  if (!knows(unparked.user, unparked.conversation, it->second)) {
    untold_.push_back({unparked.user, unparked.conversation, it->second});
  }
  parked_.erase(it);
}

bool Model::knows(UserId user, const ConversationId& conversation, Seq seq) const {
  const Index* told = index(user);
  if (told == nullptr) return !seq;
  const auto it = told->find(conversation);
  return it == told->end() ? !seq : it->second.head >= seq;
}

const Model::Conversation* Model::conversation(const ConversationId& id) const {
  Conversation* const* found = by_id_.find(id);
  return found == nullptr ? nullptr : *found;
}

Seq Model::head(const ConversationId& id) const {
  const Conversation* known = conversation(id);
  return known == nullptr ? Seq() : Seq(known->events.size());
}

const Model::Event* Model::event(const ConversationId& id, Seq seq) const {
  const Conversation* known = conversation(id);
  if (known == nullptr || !seq || seq.value() > known->events.size()) return nullptr;
  return &known->events[seq.value() - 1];
}

const Model::Answer* Model::answer(const ConversationId& id, UserId sender, DeviceId device, OutboxSeq number) const {
  const std::vector<Answer>* all = answers_.find({id, sender, device});
  if (all == nullptr || !number || number.value() > all->size()) return nullptr;
  return &(*all)[number.value() - 1];
}

const GroupModel* Model::group(const ConversationId& id) const {
  const auto found = groups_.find(id);
  return found == groups_.end() ? nullptr : &found->second;
}

bool Model::has_part(const ConversationId& id, UserId user) const {
  if (!id.is_group()) return id.has_direct_member(user);
  const GroupModel* known = group(id);
  return known != nullptr && known->knew(user);
}

bool Model::sees(const ConversationId& id, UserId user, Seq seq) const {
  if (!id.is_group()) {
    const Event* there = event(id, seq);
    return id.has_direct_member(user) && (there == nullptr || !there->withheld || there->sender == user);
  }
  const GroupModel* known = group(id);
  return known != nullptr && known->sees(user, seq);
}

Seq Model::last_for(const ConversationId& id, UserId user) const {
  const GroupModel* known = group(id);
  if (id.is_group()) return known == nullptr ? head(id) : known->last_seen_by(user, head(id));
  Seq last = head(id);
  while (last && !sees(id, user, last)) last = Seq(last.value() - 1);
  return last;
}

Seq Model::next_for(const ConversationId& id, UserId user, Seq after) const {
  const GroupModel* known = group(id);
  if (known != nullptr) return known->next_seen_by(user, after, head(id));
  for (Seq next = after.next(); next <= head(id); next = next.next()) {
    if (id.is_group() || sees(id, user, next)) return next;
  }
  return Seq();
}

std::vector<UserId> Model::audience(const ConversationId& id, Seq seq) const {
  if (!id.is_group()) {
    std::vector<UserId> both{id.lower(), id.higher()};
    std::erase_if(both, [&](UserId user) { return !sees(id, user, seq); });
    return both;
  }
  const GroupModel* known = group(id);
  return known == nullptr ? std::vector<UserId>() : known->who_is_told(seq);
}

bool Model::is_stranger(const ConversationId& id, UserId user, DeviceId device) const {
  const std::vector<Answer>* taken = answers_.find({id, user, device});
  return !has_part(id, user) && (taken == nullptr || taken->empty());
}

Model::Marks Model::marks(const ConversationId& id, UserId user) const {
  const Conversation* known = conversation(id);
  if (known == nullptr) return {};
  const auto it = known->marks.find(user);
  return it == known->marks.end() ? Marks() : it->second;
}

// client.proto, IndexEntry: "a message is an event of no kind but NOTHING or REPLY, and no change of a group; it is
// unread if it is another's, above the read mark, and came while the user was a member"; decision 14: who wrote 64
// times since has seen it; of mentions the last 256. What is withheld from somebody does not exist for them; a request
// counts as anything else.
Model::Unread Model::unread(const ConversationId& id, UserId user) const {
  const Conversation* known = conversation(id);
  if (known == nullptr || !has_part(id, user)) return {};
  const GroupModel* group = this->group(id);
  Unread unread;
  std::uint64_t own = 0;
  const std::uint64_t read = marks(id, user).read.value();
  for (std::uint64_t seq = known->events.size(); seq > read && own < 65; --seq) {
    const Event& event = known->events[seq - 1];
    const bool is_said = event.about_kind == client::About::NOTHING || event.about_kind == client::About::REPLY;
    if (!is_said || event.is_change || (group != nullptr && !group->was_member(user, Seq(seq)))) continue;
    if (event.sender == user) {
      ++own;
      continue;
    }
    if (event.withheld) continue;
    ++unread.messages;
    if (std::find(event.mentions.begin(), event.mentions.end(), user) != event.mentions.end()) ++unread.mentions;
  }
  unread.mentions = std::min<std::uint64_t>(unread.mentions, 256);
  return unread;
}

const Model::Index* Model::index(UserId user) const {
  const auto it = indexes_.find(user);
  return it == indexes_.end() ? nullptr : &it->second;
}

}  // namespace chasqui::sim
