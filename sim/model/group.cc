#include "sim/model/group.h"

#include <algorithm>
#include <tuple>

#include "core/base/digest.h"

namespace chasqui::sim {
namespace {

using client::GroupChange;

// "at most 1,023, each once"; "up to 8 intervals"; limits of RELIABILITY.md section 8.
constexpr std::size_t members_most = 1'024;
constexpr std::size_t links_most = 10;
constexpr std::size_t banned_most = 1'024;
constexpr std::size_t requests_most = 100;
constexpr std::size_t invited_most = 100;
constexpr std::size_t times_most = 8;

template <class Users>
bool each_once(const Users& users) {
  std::set<std::uint64_t> all(users.begin(), users.end());
  return all.size() == static_cast<std::size_t>(users.size()) && !all.contains(0) &&
         (all.empty() || *all.rbegin() <= user_id_max);
}

}  // namespace

bool GroupModel::may_know(const ConversationId& id, UserId user, bool took_numbers, LogTime now,
                          const GroupChange* change) const {
  if (knew(user) || took_numbers) return true;
  if (change == nullptr) return false;
  if (change->has_create()) return !exists_ && id.is_group_of(user);
  return change->has_join() && may_join(user, now, change->join().secret());
}

// By a link that works, or (without one) as one who is invited.
bool GroupModel::may_join(UserId user, LogTime now, const std::string& secret) const {
  if (!secret.empty()) return open_link(user, now, secret) != nullptr;
  return std::find(invited_.begin(), invited_.end(), user) != invited_.end();
}

const GroupModel::Link* GroupModel::open_link(UserId user, LogTime now, const std::string& secret) const {
  if (members_.empty() || secret.size() != 16 || banned_.contains(user)) return nullptr;
  const auto link = links_.find(std::string(view(blake2b_256(secret))));
  if (link == links_.end()) return nullptr;
  const bool is_old = link->second.expires_ms != 0 && now.ms >= link->second.expires_ms;
  const bool is_used = link->second.uses_max != 0 && link->second.uses >= link->second.uses_max;
  return is_old || is_used ? nullptr : &link->second;
}

bool GroupModel::is_admin(UserId user) const {
  const auto member = members_.find(user);
  return member != members_.end() && member->second.role != client::MEMBER;
}

bool GroupModel::above(UserId actor, UserId other) const {
  const auto target = members_.find(other);
  return is_admin(actor) && (target == members_.end() || target->second.role < members_.at(actor).role);
}

std::uint32_t GroupModel::refuses_message(UserId user, LogTime now, const LoggedSend& send) const {
  const auto member = members_.find(user);
  if (member == members_.end() || member->second.muted_until_ms > now.ms || member->second.role < may_.send()) {
    return client::PERMISSION_DENIED;
  }
  const bool edits = send.timer_s || send.about_kind == client::About::PIN || send.about_kind == client::About::UNPIN;
  if (edits && member->second.role < may_.edit()) return client::PERMISSION_DENIED;
  const bool is_about = send.about_kind != client::About::NOTHING;
  return is_about && !sees(user, send.about) ? std::uint32_t{client::NOT_FOUND} : 0;
}

bool GroupModel::must_be_let_in(UserId user, LogTime now, const GroupChange& change) const {
  if (!change.has_join() || is_member(user)) return false;
  const Link* link = open_link(user, now, change.join().secret());
  return link != nullptr && link->asks_approval;
}

void GroupModel::ask(UserId user) {
  if (std::find(requests_.begin(), requests_.end(), user) != requests_.end()) return;
  requests_.push_back(user);
  if (requests_.size() > requests_most) requests_.pop_front();
}

std::uint32_t GroupModel::refuses(UserId user, LogTime now, const GroupChange& change) const {
  if (change.has_create()) {
    const auto& others = change.create().members();
    if (!each_once(others) || std::count(others.begin(), others.end(), user.value()) > 0) {
      return client::INVALID_ARGUMENT;
    }
    return exists_ || static_cast<std::size_t>(others.size()) >= members_most
               ? std::uint32_t{client::FAILED_PRECONDITION}
               : 0;
  }
  if (change.has_join()) {
    if (is_member(user)) return client::FAILED_PRECONDITION;
    if (!may_join(user, now, change.join().secret())) return client::PERMISSION_DENIED;
    return members_.size() >= members_most ? std::uint32_t{client::FAILED_PRECONDITION} : 0;
  }
  const auto self = members_.find(user);
  if (self == members_.end()) return client::PERMISSION_DENIED;
  const client::GroupRole role = self->second.role;
  switch (change.what_case()) {
    case GroupChange::kAdd: {
      const auto& users = change.add().users();
      if (users.empty() || !each_once(users)) return client::INVALID_ARGUMENT;
      if (role < may_.add()) return client::PERMISSION_DENIED;
      std::size_t fresh = 0;
      for (const std::uint64_t one : users) {
        if (banned_.contains(UserId(one))) return client::PERMISSION_DENIED;
        if (!is_member(UserId(one))) ++fresh;
      }
      const bool fits = members_.size() + fresh <= members_most;
      return fresh > 0 && fits ? 0 : std::uint32_t{client::FAILED_PRECONDITION};
    }
    case GroupChange::kRemove: {
      const UserId other(change.remove().user());
      if (!is_valid(other) || other == user) return client::INVALID_ARGUMENT;
      if (!above(user, other)) return client::PERMISSION_DENIED;
      if (!change.remove().ban()) return is_member(other) ? 0 : std::uint32_t{client::NOT_FOUND};
      const bool is_so = banned_.contains(other) || banned_.size() >= banned_most;
      return is_so ? std::uint32_t{client::FAILED_PRECONDITION} : 0;
    }
    case GroupChange::kLeave: return 0;
    case GroupChange::kEdit: {
      const client::EditGroup& edit = change.edit();
      if (!edit.has_title() && !edit.has_description() && !edit.has_picture()) return client::INVALID_ARGUMENT;
      return role < may_.edit() ? std::uint32_t{client::PERMISSION_DENIED} : 0;
    }
    case GroupChange::kSetRole: {
      const UserId other(change.set_role().user());
      if (role != client::OWNER) return client::PERMISSION_DENIED;
      if (other == user || !client::GroupRole_IsValid(change.set_role().role())) return client::INVALID_ARGUMENT;
      if (!is_member(other)) return client::NOT_FOUND;
      return members_.at(other).role == change.set_role().role() ? std::uint32_t{client::FAILED_PRECONDITION} : 0;
    }
    case GroupChange::kSetPermissions: return is_admin(user) ? 0 : std::uint32_t{client::PERMISSION_DENIED};
    case GroupChange::kMute: {
      const UserId other(change.mute().user());
      if (!is_valid(other) || other == user) return client::INVALID_ARGUMENT;
      if (!above(user, other)) return client::PERMISSION_DENIED;
      return is_member(other) ? 0 : std::uint32_t{client::NOT_FOUND};
    }
    case GroupChange::kLiftBan:
      if (!is_admin(user)) return client::PERMISSION_DENIED;
      return banned_.contains(UserId(change.lift_ban().user())) ? 0 : std::uint32_t{client::NOT_FOUND};
    case GroupChange::kCreateLink:
      if (!is_admin(user)) return client::PERMISSION_DENIED;
      return links_.size() >= links_most || links_.contains(change.create_link().secret_hash())
                 ? std::uint32_t{client::FAILED_PRECONDITION}
                 : 0;
    case GroupChange::kRevokeLink:
      if (!is_admin(user)) return client::PERMISSION_DENIED;
      return links_.contains(change.revoke_link().secret_hash()) ? 0 : std::uint32_t{client::NOT_FOUND};
    case GroupChange::kAnswer: {
      if (!is_admin(user)) return client::PERMISSION_DENIED;
      const UserId asker(change.answer().user());
      if (std::find(requests_.begin(), requests_.end(), asker) == requests_.end()) return client::NOT_FOUND;
      const bool is_full = change.answer().admit() && members_.size() >= members_most;
      return is_full ? std::uint32_t{client::FAILED_PRECONDITION} : 0;
    }
    case GroupChange::kDeleteGroup: return role == client::OWNER ? 0 : std::uint32_t{client::PERMISSION_DENIED};
    case GroupChange::kCreate:
    case GroupChange::kJoin:
    case GroupChange::WHAT_NOT_SET: break;
  }
  return client::UNIMPLEMENTED;
}

void GroupModel::come(UserId user, Seq seq, client::GroupRole role) {
  members_[user] = {role, 0};
  std::erase(requests_, user);
  std::erase(invited_, user);
  std::deque<Time>& times = times_[user];
  times.push_back({may_.history_to_newcomers() ? Seq(1) : seq, seq, std::nullopt});
  if (times.size() > times_most) times.pop_front();
}

void GroupModel::go(UserId user, Seq seq) {
  members_.erase(user);
  times_[user].back().left = seq;
}

// "The longest-standing admin, else member."
void GroupModel::pass_on(UserId from) {
  std::optional<UserId> next;
  const auto rank = [this](UserId user) {
    return std::tuple(-static_cast<int>(members_.at(user).role), times_.at(user).back().joined, user);
  };
  for (const auto& [user, member] : members_) {
    if (user != from && (!next || rank(user) < rank(*next))) next = user;
  }
  if (next) members_[*next].role = client::OWNER;
}

// "Who may not be added is not added, but stands as invited": the 100 of last.
void GroupModel::add_or_invite(UserId user, Seq seq, const std::set<UserId>& not_added) {
  if (is_member(user)) return;
  if (!not_added.contains(user)) return come(user, seq, client::MEMBER);
  std::erase(invited_, user);
  invited_.push_back(user);
  if (invited_.size() > invited_most) invited_.pop_front();
}

void GroupModel::apply(UserId user, Seq seq, const GroupChange& change, const std::set<UserId>& not_added) {
  switch (change.what_case()) {
    case GroupChange::kCreate:
      exists_ = true;
      may_ = change.create().permissions();
      come(user, seq, client::OWNER);
      for (const std::uint64_t one : change.create().members()) add_or_invite(UserId(one), seq, not_added);
      break;
    case GroupChange::kAdd:
      for (const std::uint64_t one : change.add().users()) add_or_invite(UserId(one), seq, not_added);
      break;
    case GroupChange::kRemove: {
      const UserId other(change.remove().user());
      if (is_member(other)) go(other, seq);
      if (!change.remove().ban()) break;
      banned_.insert(other);
      std::erase(requests_, other);
      std::erase(invited_, other);
      break;
    }
    case GroupChange::kLeave:
      if (members_.at(user).role == client::OWNER) pass_on(user);
      go(user, seq);
      break;
    case GroupChange::kSetRole:
      if (change.set_role().role() == client::OWNER) members_.at(user).role = client::ADMIN;
      members_.at(UserId(change.set_role().user())).role = change.set_role().role();
      break;
    case GroupChange::kSetPermissions: may_ = change.set_permissions(); break;
    case GroupChange::kMute: members_.at(UserId(change.mute().user())).muted_until_ms = change.mute().until_ms(); break;
    case GroupChange::kLiftBan: banned_.erase(UserId(change.lift_ban().user())); break;
    case GroupChange::kCreateLink:
      links_[change.create_link().secret_hash()] = {
          change.create_link().asks_approval(), change.create_link().expires_ms(), change.create_link().uses_max(), 0};
      break;
    case GroupChange::kRevokeLink: links_.erase(change.revoke_link().secret_hash()); break;
    case GroupChange::kJoin:
      if (!change.join().secret().empty()) ++links_.at(std::string(view(blake2b_256(change.join().secret())))).uses;
      come(user, seq, client::MEMBER);
      break;
    case GroupChange::kAnswer:
      if (change.answer().admit()) come(UserId(change.answer().user()), seq, client::MEMBER);
      std::erase(requests_, UserId(change.answer().user()));
      break;
    case GroupChange::kDeleteGroup:
      while (!members_.empty()) go(members_.begin()->first, seq);
      break;
    case GroupChange::kEdit:
    case GroupChange::WHAT_NOT_SET: break;
  }
  if (!members_.empty()) return;
  banned_.clear();
  links_.clear();
  requests_.clear();
  invited_.clear();
  may_.Clear();
}

bool GroupModel::sees(UserId user, Seq seq) const {
  const auto times = times_.find(user);
  if (times == times_.end()) return false;
  return std::any_of(times->second.begin(), times->second.end(),
                     [&](const Time& time) { return time.from <= seq && (!time.left || seq <= *time.left); });
}

Seq GroupModel::last_seen_by(UserId user, Seq head) const {
  const auto times = times_.find(user);
  if (times == times_.end()) return {};
  const Time& last = times->second.back();
  return last.left ? std::min(*last.left, head) : head;
}

Seq GroupModel::next_seen_by(UserId user, Seq after, Seq head) const {
  const auto times = times_.find(user);
  if (times == times_.end()) return {};
  std::optional<Seq> next;
  for (const Time& time : times->second) {
    const Seq first = std::max(time.from, after.next());
    if (first > head || (time.left && first > *time.left)) continue;
    if (!next || first < *next) next = first;
  }
  return next.value_or(Seq());
}

bool GroupModel::was_member(UserId user, Seq seq) const {
  const auto times = times_.find(user);
  if (times == times_.end()) return false;
  return std::any_of(times->second.begin(), times->second.end(), [&](const Time& time) { return time.holds(seq); });
}

Seq GroupModel::joined(UserId user) const {
  const auto times = times_.find(user);
  if (times == times_.end() || times->second.back().left) return {};
  return times->second.back().joined;
}

Seq GroupModel::left_after(UserId user, Seq seq) const {
  const auto times = times_.find(user);
  if (times == times_.end()) return {};
  for (const Time& time : times->second) {
    if (time.holds(seq) && time.left) return *time.left;
  }
  return {};
}

// By when they were members: a newcomer to whom the history is open is told by what made him one.
std::vector<UserId> GroupModel::who_is_told(Seq seq) const {
  std::vector<UserId> users;
  for (const auto& [user, times] : times_) {
    if (was_member(user, seq)) users.push_back(user);
  }
  return users;
}

}  // namespace chasqui::sim
