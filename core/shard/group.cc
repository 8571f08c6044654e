#include "core/shard/group.h"

#include <algorithm>
#include <utility>

#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/shard/steps.h"

namespace chasqui::shard {
namespace {

constexpr std::uint64_t seq_max = ~std::uint64_t{0};

int place_of(const state::Group& group, UserId user) {
  const auto& members = group.members();
  const auto at = std::lower_bound(members.begin(), members.end(), user.value(),
                                   [](const state::Member& m, std::uint64_t id) { return m.user() < id; });
  return static_cast<int>(at - members.begin());
}

bool is_at(const state::Group& group, int place, UserId user) {
  return place < group.members_size() && group.members(place).user() == user.value();
}

int place_of(const state::GroupMarks& marks, UserId user) {
  const auto at = std::lower_bound(marks.users().begin(), marks.users().end(), user.value());
  return static_cast<int>(at - marks.users().begin());
}

bool is_at(const state::GroupMarks& marks, int place, UserId user) {
  return place < marks.users_size() && marks.users(place) == user.value();
}

std::uint64_t last_of(const state::Interval& interval) {
  return interval.left() == 0 ? seq_max : interval.left();
}

}  // namespace

const state::Member* find_member(const state::Group& group, UserId user) {
  const int place = place_of(group, user);
  return is_at(group, place, user) ? &group.members(place) : nullptr;
}

state::Member* find_member(state::Group& group, UserId user) {
  const int place = place_of(group, user);
  return is_at(group, place, user) ? group.mutable_members(place) : nullptr;
}

bool is_banned(const state::Group& group, UserId user) {
  return std::binary_search(group.banned().begin(), group.banned().end(), user.value());
}

std::vector<SeqRange> visible(const Intervals& intervals, Seq head) {
  std::vector<SeqRange> ranges;
  for (const state::Interval& interval : intervals) {
    const Seq from(interval.from());
    const Seq to = std::min(Seq(last_of(interval)), head);
    if (from > to) continue;
    ranges.push_back({from, to});
  }
  // A newcomer who is given the history may see again what an earlier interval showed him.
  std::sort(ranges.begin(), ranges.end(), [](const SeqRange& a, const SeqRange& b) { return a.from < b.from; });
  std::vector<SeqRange> apart;
  for (const SeqRange& range : ranges) {
    if (!apart.empty() && range.from.value() <= apart.back().to.value() + 1) {
      apart.back().to = std::max(apart.back().to, range.to);
    } else {
      apart.push_back(range);
    }
  }
  return apart;
}

bool sees(const Intervals& intervals, Seq seq) {
  return std::any_of(intervals.begin(), intervals.end(), [&](const state::Interval& interval) {
    return interval.from() <= seq.value() && seq.value() <= last_of(interval);
  });
}

bool is_told(const state::Member& member, Seq seq) {
  return sees(member.intervals(), seq);
}

std::vector<UserId> member_users(const state::Group& group) {
  std::vector<UserId> users;
  users.reserve(static_cast<std::size_t>(group.members_size()));
  for (const state::Member& member : group.members()) users.emplace_back(member.user());
  return users;
}

void join(state::Group& group, UserId user, client::GroupRole role, Seq seq, const state::FormerMember* before) {
  const int place = place_of(group, user);
  CHASQUI_ASSERT(!is_at(group, place, user), "who joins is no member");
  CHASQUI_ASSERT(static_cast<std::uint64_t>(group.members_size()) < bounds::group_members_max, "there is room");
  state::Member& member = *group.add_members();
  member.set_user(user.value());
  member.set_role(static_cast<std::uint32_t>(role));
  if (before != nullptr) *member.mutable_intervals() = before->intervals();
  auto& intervals = *member.mutable_intervals();
  // Away from the member's favour: he sees no more of the oldest.
  const int most = static_cast<int>(bounds::member_intervals_max) - 1;
  if (intervals.size() > most) intervals.DeleteSubrange(0, intervals.size() - most);
  state::Interval& interval = *intervals.Add();
  interval.set_from(group.permissions().history_to_newcomers() ? 1 : seq.value());
  interval.set_joined(seq.value());
  auto& members = *group.mutable_members();
  std::rotate(members.pointer_begin() + place, members.pointer_end() - 1, members.pointer_end());
}

state::FormerMember leave(state::Group& group, UserId user, Seq seq) {
  const int place = place_of(group, user);
  CHASQUI_ASSERT(is_at(group, place, user), "who leaves is a member");
  state::FormerMember former;
  *former.mutable_intervals() = group.members(place).intervals();
  CHASQUI_ASSERT(!former.intervals().empty(), "a member has an interval");
  state::Interval& last = *former.mutable_intervals(former.intervals_size() - 1);
  CHASQUI_ASSERT(last.left() == 0 && last.joined() <= seq.value(), "a member's last interval is open");
  last.set_left(seq.value());
  group.mutable_members()->DeleteSubrange(place, 1);
  return former;
}

std::optional<UserId> successor(const state::Group& group, UserId owner) {
  const state::Member* best = nullptr;
  const auto joined = [](const state::Member& member) {
    return member.intervals(member.intervals_size() - 1).joined();
  };
  for (const state::Member& member : group.members()) {  // of equals the lowest id, so that all replicas agree
    if (member.user() == owner.value()) continue;
    const bool is_better = best == nullptr || member.role() > best->role() ||
                           (member.role() == best->role() && joined(member) < joined(*best));
    if (is_better) best = &member;
  }
  return best == nullptr ? std::nullopt : std::optional(UserId(best->user()));
}

MemberMarks marks_of(const state::GroupMarks& marks, UserId user) {
  const int place = place_of(marks, user);
  if (!is_at(marks, place, user)) return {};
  const bool knows_told = place < marks.read_told_size();
  return {marks.delivered(place), marks.read(place), knows_told ? marks.read_told(place) : 0};
}

void set_marks(state::GroupMarks& marks, UserId user, MemberMarks now) {
  const int place = place_of(marks, user);
  if (!is_at(marks, place, user)) {
    marks.add_users(user.value());
    marks.add_delivered(0);
    marks.add_read(0);
    marks.mutable_read_told()->Resize(marks.users_size(), 0);
    const auto put_in_place = [place](auto& column) {
      std::rotate(column.begin() + place, column.end() - 1, column.end());
    };
    put_in_place(*marks.mutable_users());
    put_in_place(*marks.mutable_delivered());
    put_in_place(*marks.mutable_read());
    put_in_place(*marks.mutable_read_told());
    if (!marks.steps().empty()) {
      marks.add_steps();
      auto& steps = *marks.mutable_steps();
      std::rotate(steps.pointer_begin() + place, steps.pointer_end() - 1, steps.pointer_end());
    }
  }
  marks.mutable_read_told()->Resize(marks.users_size(), 0);
  marks.set_delivered(place, now.delivered);
  marks.set_read(place, now.read);
  marks.set_read_told(place, now.read_told);
}

void remove_marks(state::GroupMarks& marks, UserId user) {
  const int place = place_of(marks, user);
  if (!is_at(marks, place, user)) return;
  marks.mutable_users()->erase(marks.users().begin() + place);
  marks.mutable_delivered()->erase(marks.delivered().begin() + place);
  marks.mutable_read()->erase(marks.read().begin() + place);
  if (place < marks.read_told_size()) marks.mutable_read_told()->erase(marks.read_told().begin() + place);
  if (place < marks.steps_size()) marks.mutable_steps()->DeleteSubrange(place, 1);
}

const state::MemberSteps* steps_of(const state::GroupMarks& marks, UserId user) {
  const int place = place_of(marks, user);
  return is_at(marks, place, user) && place < marks.steps_size() ? &marks.steps(place) : nullptr;
}

void forget_steps(state::GroupMarks& marks, UserId user) {
  const int place = place_of(marks, user);
  if (!is_at(marks, place, user) || place >= marks.steps_size()) return;
  forget_steps(*marks.mutable_steps(place)->mutable_delivered(), marks.delivered(place));
  forget_steps(*marks.mutable_steps(place)->mutable_read(), marks.read_told(place));
}

void move_marks(state::GroupMarks& marks, UserId user, MemberMarks now, LogTime time, bool with_steps) {
  if (!with_steps) {
    marks.clear_steps();
    return set_marks(marks, user, now);
  }
  if (marks.steps_size() != marks.users_size()) {  // it was a larger group, or there were no steps yet
    marks.clear_steps();
    marks.mutable_read_told()->Resize(marks.users_size(), 0);
    for (int i = 0; i < marks.users_size(); ++i) {
      state::MemberSteps& steps = *marks.add_steps();
      forget_steps(*steps.mutable_delivered(), marks.delivered(i));
      forget_steps(*steps.mutable_read(), marks.read_told(i));
    }
  }
  const bool is_first = marks.users().empty();
  const MemberMarks before = marks_of(marks, user);
  set_marks(marks, user, now);
  if (is_first) marks.add_steps();
  state::MemberSteps& steps = *marks.mutable_steps(place_of(marks, user));
  if (now.delivered > before.delivered) note_step(*steps.mutable_delivered(), now.delivered, time);
  if (now.read_told > before.read_told) note_step(*steps.mutable_read(), now.read_told, time);
}

}  // namespace chasqui::shard
