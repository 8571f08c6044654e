// Over 400 lines because it holds each change of a group twice, and nothing else: who may, and what it does.
#include "core/shard/group_change.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/shard/counts.h"
#include "core/shard/group.h"

namespace chasqui::shard {
namespace {

using client::GroupChange;
using Refusal = std::optional<std::uint32_t>;
constexpr auto fine = std::nullopt;

bool is_role(std::uint32_t role) {
  return role <= client::OWNER;
}

// Distinct valid users; INVALID_ARGUMENT otherwise.
template <class Users>
bool are_users(const Users& users) {
  std::set<std::uint64_t> all;
  for (const std::uint64_t user : users) {
    if (!is_valid(UserId(user)) || !all.insert(user).second) return false;
  }
  return !all.empty();
}

bool has_room_for(const state::Group& group, std::uint64_t more) {
  return static_cast<std::uint64_t>(group.members_size()) + more <= bounds::group_members_max;
}

Refusal refuse_create(const Changer& by, const client::CreateGroup& create) {
  const auto others = static_cast<std::uint64_t>(create.members_size());
  if (others > 0 && !are_users(create.members())) return client::INVALID_ARGUMENT;
  for (const std::uint64_t user : create.members()) {
    if (user == by.user.value()) return client::INVALID_ARGUMENT;
  }
  if (by.group != nullptr || others + 1 > bounds::group_members_max) return client::FAILED_PRECONDITION;
  return fine;
}

Refusal refuse_add(const Changer& by, const client::AddMembers& add) {
  if (!are_users(add.users())) return client::INVALID_ARGUMENT;
  if (by.member->role() < by.group->permissions().add()) return client::PERMISSION_DENIED;
  std::uint64_t fresh = 0;
  for (const std::uint64_t user : add.users()) {
    if (is_banned(*by.group, UserId(user))) return client::PERMISSION_DENIED;
    if (find_member(*by.group, UserId(user)) == nullptr) ++fresh;
  }
  if (fresh == 0 || !has_room_for(*by.group, fresh)) return client::FAILED_PRECONDITION;
  return fine;
}

// Of what an admin does to a member of a lower role. nullptr: whom it names is no member.
Refusal refuse_action(const Changer& by, UserId user, const state::Member* target) {
  if (!is_valid(user) || user == by.user) return client::INVALID_ARGUMENT;
  if (by.member->role() < client::ADMIN) return client::PERMISSION_DENIED;
  if (target != nullptr && target->role() >= by.member->role()) return client::PERMISSION_DENIED;
  return fine;
}

Refusal refuse_remove(const Changer& by, const client::RemoveMember& remove) {
  const UserId user(remove.user());
  const state::Member* target = find_member(*by.group, user);
  if (const Refusal refused = refuse_action(by, user, target)) return refused;
  if (!remove.ban()) return target == nullptr ? Refusal(client::NOT_FOUND) : fine;
  const bool is_full = static_cast<std::uint64_t>(by.group->banned_size()) >= bounds::group_banned_max;
  return is_full || is_banned(*by.group, user) ? Refusal(client::FAILED_PRECONDITION) : fine;
}

Refusal refuse_mute(const Changer& by, const client::MuteMember& mute) {
  const state::Member* target = find_member(*by.group, UserId(mute.user()));
  if (const Refusal refused = refuse_action(by, UserId(mute.user()), target)) return refused;
  return target == nullptr ? Refusal(client::NOT_FOUND) : fine;
}

Refusal refuse_role(const Changer& by, const client::SetRole& set) {
  if (by.member->role() != client::OWNER) return client::PERMISSION_DENIED;
  if (!is_role(static_cast<std::uint32_t>(set.role())) || set.user() == by.user.value())
    return client::INVALID_ARGUMENT;
  const state::Member* target = find_member(*by.group, UserId(set.user()));
  if (target == nullptr) return client::NOT_FOUND;
  return target->role() == static_cast<std::uint32_t>(set.role()) ? Refusal(client::FAILED_PRECONDITION) : fine;
}

const state::Link* find_link(const state::Group& group, const std::string& secret_hash) {
  for (const state::Link& link : group.links()) {
    if (link.secret_hash() == secret_hash) return &link;
  }
  return nullptr;
}

Refusal refuse_link(const Changer& by, const client::CreateLink& create) {
  if (create.secret_hash().size() != bounds::digest_bytes) return client::INVALID_ARGUMENT;
  const bool is_full = static_cast<std::uint64_t>(by.group->links_size()) >= bounds::group_links_max;
  if (is_full || find_link(*by.group, create.secret_hash()) != nullptr) return client::FAILED_PRECONDITION;
  return fine;
}

Refusal refuse_join(const Changer& by, const client::JoinByLink& join) {
  if (by.member != nullptr) return client::FAILED_PRECONDITION;
  if (!may_join(by, join)) return client::PERMISSION_DENIED;
  return has_room_for(*by.group, 1) ? fine : Refusal(client::FAILED_PRECONDITION);
}

Refusal refuse_answer(const Changer& by, const client::AnswerRequest& answer) {
  if (!is_request(*by.group, answer.user())) return client::NOT_FOUND;
  return answer.admit() && !has_room_for(*by.group, 1) ? Refusal(client::FAILED_PRECONDITION) : fine;
}

Refusal by_admin(const Changer& by, Refusal refused) {
  return by.member->role() < client::ADMIN ? Refusal(client::PERMISSION_DENIED) : refused;
}

Refusal refuse_permissions(const client::GroupPermissions& set) {
  const bool known = is_role(static_cast<std::uint32_t>(set.send())) &&
                     is_role(static_cast<std::uint32_t>(set.edit())) && is_role(static_cast<std::uint32_t>(set.add()));
  return known ? fine : Refusal(client::INVALID_ARGUMENT);
}

Refusal refuse_edit(const Changer& by, const client::EditGroup& edit) {
  if (!edit.has_title() && !edit.has_description() && !edit.has_picture()) return client::INVALID_ARGUMENT;
  return by.member->role() < by.group->permissions().edit() ? Refusal(client::PERMISSION_DENIED) : fine;
}

void set_permissions(const client::GroupPermissions& from, state::Group& group) {
  state::GroupPermissions& to = *group.mutable_permissions();
  to.set_send(static_cast<std::uint32_t>(from.send()));
  to.set_edit(static_cast<std::uint32_t>(from.edit()));
  to.set_add(static_cast<std::uint32_t>(from.add()));
  to.set_history_to_newcomers(from.history_to_newcomers());
}

void insert_ascending(google::protobuf::RepeatedField<std::uint64_t>& all, std::uint64_t one) {
  const auto at = std::lower_bound(all.begin(), all.end(), one) - all.begin();
  all.Add(one);
  std::rotate(all.begin() + at, all.end() - 1, all.end());
}

void erase_one(google::protobuf::RepeatedField<std::uint64_t>& all, std::uint64_t one) {
  const auto at = std::find(all.begin(), all.end(), one);
  if (at != all.end()) all.erase(at);
}

// The group on its way from one state to the next; rows of members who come and go go with it.
class Change {
 public:
  Change(const Changer& by, const state::Header& header, std::vector<UserId>& gone, Effects& effects)
      : by_(by),
        now_(standing_of(by.view, by.conversation, header)),
        seq_(header.head()),
        gone_(gone),
        effects_(effects) {
    if (by.group != nullptr) group_ = *by.group;
    if (const state::GroupMarks* marks = by.view.group_marks(by.conversation)) marks_ = *marks;
  }

  state::Group run(GroupChange& change) {
    switch (change.what_case()) {
      case GroupChange::kCreate: create(*change.mutable_create()); break;
      case GroupChange::kAdd: add(*change.mutable_add()); break;
      case GroupChange::kRemove: remove(change.remove()); break;
      case GroupChange::kLeave: leave_group(change); break;
      case GroupChange::kEdit: edit(change.edit()); break;
      case GroupChange::kSetRole: set_role(change.set_role()); break;
      case GroupChange::kSetPermissions: set_permissions(change.set_permissions(), group_); break;
      case GroupChange::kMute:
        find_member(group_, UserId(change.mute().user()))->set_muted_until_ms(change.mute().until_ms());
        break;
      case GroupChange::kLiftBan: erase_one(*group_.mutable_banned(), change.lift_ban().user()); break;
      case GroupChange::kCreateLink: create_link(change.create_link()); break;
      case GroupChange::kRevokeLink: revoke_link(change.revoke_link().secret_hash()); break;
      case GroupChange::kJoin: join_by_link(*change.mutable_join()); break;
      case GroupChange::kAnswer: answer(change.answer()); break;
      case GroupChange::kDeleteGroup: delete_group(); break;
      case GroupChange::WHAT_NOT_SET: break;
    }
    const std::string marks_key = keys::group_marks(by_.view.shard(), by_.conversation);
    if (marks_changed_ && marks_.users().empty()) {
      effects_.remove(marks_key);
    } else if (marks_changed_) {
      effects_.put(marks_key, std::move(marks_));
    }
    return std::move(group_);
  }

 private:
  void come(UserId user, client::GroupRole role) {
    const state::FormerMember* before = by_.view.former(by_.conversation, user);
    join(group_, user, role, seq_, before);
    erase_one(*group_.mutable_requests(), user.value());
    erase_one(*group_.mutable_invited(), user.value());
    count_coming(user, before == nullptr ? Seq() : Seq(before->read()));
    if (before == nullptr) return;
    CHASQUI_MARK("member_came_back");
    if (before->delivered() > 0) {
      set_marks(marks_, user, {before->delivered(), before->read(), before->read_told()});
      forget_steps(marks_, user);
      marks_changed_ = true;
    }
    effects_.remove(keys::former(by_.view.shard(), by_.conversation, user));
  }

  // What was said before somebody came, or while they were away, is not unread.
  void count_coming(UserId user, Seq read) {
    if (now_.messages == 0) return;
    const state::MemberCounts* stored = by_.view.member_counts(by_.conversation, user);
    state::MemberCounts counts = stored == nullptr ? state::MemberCounts() : *stored;
    count_from(now_, &find_member(group_, user)->intervals(), read, counts);
    effects_.owe(user, by_.conversation, {0, 0, told_counts(counts, now_.messages)});
    effects_.put(keys::member_counts(by_.view.shard(), by_.conversation, user), std::move(counts));
  }

  // Told apart from the group: up to here, and never further.
  void go(UserId user) {
    state::FormerMember former = leave(group_, user, seq_);
    const MemberMarks marks = marks_of(marks_, user);
    former.set_delivered(marks.delivered);
    former.set_read(marks.read);
    former.set_read_told(marks.read_told);
    if (marks.delivered > 0) {  // else he has none there
      remove_marks(marks_, user);
      marks_changed_ = true;
    }
    effects_.put(keys::former(by_.view.shard(), by_.conversation, user), std::move(former));
    effects_.owe(user, by_.conversation, {seq_.value(), 0, {now_.messages, 0, 0, 0}});
    gone_.push_back(user);
  }

  // Will become one if he wants to. Of those who are invited the ones longest ago are forgotten.
  void invite(UserId user) {
    CHASQUI_MARK("invited_to_group");
    auto& invited = *group_.mutable_invited();
    erase_one(invited, user.value());
    invited.Add(user.value());
    if (static_cast<std::uint64_t>(invited.size()) > bounds::group_invited_max) invited.erase(invited.begin());
    if (std::binary_search(by_.invitations.begin(), by_.invitations.end(), user.value())) {
      effects_.owe(user, by_.conversation, Owed{.invited = seq_.value()});
    }
  }

  // Those of `users` who are no members come, or are invited; the event's list of these.
  template <class Users>
  void add_or_invite(const Users& users, google::protobuf::RepeatedField<std::uint64_t>& invited) {
    invited.Clear();
    for (const std::uint64_t id : users) {
      const UserId user(id);
      if (find_member(group_, user) != nullptr) continue;
      if (std::binary_search(by_.not_added.begin(), by_.not_added.end(), id)) {
        invite(user);
        invited.Add(id);
      } else {
        come(user, client::MEMBER);
      }
    }
  }

  void create(client::CreateGroup& create) {
    CHASQUI_MARK("group_created");
    group_.set_title(create.title());
    group_.set_description(create.description());
    group_.set_picture(create.picture());
    group_.set_creator(by_.user.value());
    group_.set_created_ms(by_.view.time().ms);
    set_permissions(create.permissions(), group_);
    come(by_.user, client::OWNER);
    add_or_invite(create.members(), *create.mutable_invited());
  }

  void add(client::AddMembers& add) { add_or_invite(add.users(), *add.mutable_invited()); }

  void remove(const client::RemoveMember& remove) {
    CHASQUI_MARK("member_removed");
    const UserId user(remove.user());
    if (find_member(group_, user) != nullptr) go(user);
    if (!remove.ban()) return;
    insert_ascending(*group_.mutable_banned(), user.value());
    erase_one(*group_.mutable_requests(), user.value());
    erase_one(*group_.mutable_invited(), user.value());
  }

  void leave_group(GroupChange& change) {
    if (by_.member->role() == client::OWNER) {
      if (const auto next = successor(group_, by_.user)) {
        CHASQUI_MARK("owner_succeeded");
        find_member(group_, *next)->set_role(client::OWNER);
        change.set_new_owner(next->value());
      }
    }
    go(by_.user);
    if (group_.members().empty()) erase_contents();
  }

  void edit(const client::EditGroup& edit) {
    if (edit.has_title()) group_.set_title(edit.title());
    if (edit.has_description()) group_.set_description(edit.description());
    if (edit.has_picture()) group_.set_picture(edit.picture());
  }

  void set_role(const client::SetRole& set) {
    if (set.role() == client::OWNER) find_member(group_, by_.user)->set_role(client::ADMIN);
    find_member(group_, UserId(set.user()))->set_role(static_cast<std::uint32_t>(set.role()));
  }

  void create_link(const client::CreateLink& create) {
    state::Link& link = *group_.add_links();
    link.set_secret_hash(create.secret_hash());
    link.set_asks_approval(create.asks_approval());
    link.set_expires_ms(create.expires_ms());
    link.set_uses_max(create.uses_max());
    link.set_by(by_.user.value());
  }

  void revoke_link(const std::string& secret_hash) {
    auto& links = *group_.mutable_links();
    for (int i = 0; i < links.size(); ++i) {
      if (links[i].secret_hash() == secret_hash) return links.DeleteSubrange(i, 1);
    }
  }

  // The event must not let others in who read it later.
  void join_by_link(client::JoinByLink& join) {
    CHASQUI_MARK("joined_by_link");
    const state::Link* link = open_link(by_, join.secret());  // nullptr: by invitation
    for (state::Link& used : *group_.mutable_links()) {
      if (link != nullptr && used.secret_hash() == link->secret_hash()) used.set_uses(used.uses() + 1);
    }
    come(by_.user, client::MEMBER);
    join.clear_secret();
  }

  void answer(const client::AnswerRequest& answer) {
    if (answer.admit()) return come(UserId(answer.user()), client::MEMBER);
    erase_one(*group_.mutable_requests(), answer.user());
  }

  void delete_group() {
    CHASQUI_MARK("group_deleted");
    for (const UserId user : member_users(group_)) go(user);
    erase_contents();
  }

  // What stays says only that the id is used up.
  void erase_contents() {
    state::Group empty;
    empty.set_creator(group_.creator());
    empty.set_created_ms(group_.created_ms());
    group_ = std::move(empty);
  }

  const Changer& by_;
  Standing now_;
  Seq seq_;
  std::vector<UserId>& gone_;
  Effects& effects_;
  state::Group group_;
  state::GroupMarks marks_;
  bool marks_changed_ = false;
};

}  // namespace

Refusal refuse_change(const Changer& by, const GroupChange& change) {
  if (change.has_create()) return refuse_create(by, change.create());
  if (change.has_join()) return refuse_join(by, change.join());
  if (by.member == nullptr) return client::PERMISSION_DENIED;
  switch (change.what_case()) {
    case GroupChange::kAdd: return refuse_add(by, change.add());
    case GroupChange::kRemove: return refuse_remove(by, change.remove());
    case GroupChange::kLeave: return fine;
    case GroupChange::kEdit: return refuse_edit(by, change.edit());
    case GroupChange::kSetRole: return refuse_role(by, change.set_role());
    case GroupChange::kSetPermissions: return by_admin(by, refuse_permissions(change.set_permissions()));
    case GroupChange::kMute: return refuse_mute(by, change.mute());
    case GroupChange::kLiftBan: {
      const bool is_there = is_banned(*by.group, UserId(change.lift_ban().user()));
      return by_admin(by, is_there ? fine : Refusal(client::NOT_FOUND));
    }
    case GroupChange::kCreateLink: return by_admin(by, refuse_link(by, change.create_link()));
    case GroupChange::kRevokeLink: {
      const bool is_there = find_link(*by.group, change.revoke_link().secret_hash()) != nullptr;
      return by_admin(by, is_there ? fine : Refusal(client::NOT_FOUND));
    }
    case GroupChange::kAnswer: return by_admin(by, refuse_answer(by, change.answer()));
    case GroupChange::kDeleteGroup:
      return by.member->role() == client::OWNER ? fine : Refusal(client::PERMISSION_DENIED);
    case GroupChange::kCreate:
    case GroupChange::kJoin:
    case GroupChange::WHAT_NOT_SET: break;
  }
  return client::UNIMPLEMENTED;  // of a newer program
}

state::Group carry_out_change(const Changer& by, GroupChange& change, const state::Header& header,
                              std::vector<UserId>& gone, Effects& effects) {
  change.clear_new_owner();
  return Change(by, header, gone, effects).run(change);
}

}  // namespace chasqui::shard
