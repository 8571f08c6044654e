#include "sim/shrink/smaller.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace chasqui::sim {
namespace {

bool same(const Plan& a, const Plan& b) {
  return a.items == b.items && a.knobs == b.knobs && a.owners == b.owners && a.contacts == b.contacts &&
         a.plan_class == b.plan_class && a.seconds == b.seconds && a.nodes == b.nodes && a.shards == b.shards;
}

std::optional<Plan> if_changed(Plan after, const Plan& before) {
  if (same(after, before)) return std::nullopt;
  return after;
}

Time whole(Time value, Time unit) {
  return value / unit * unit;
}

// Numbers above `gone` move down by one.
std::uint32_t behind(std::uint32_t number, std::uint32_t gone) {
  return number > gone ? number - 1 : number;
}

}  // namespace

bool subject_is_node(ItemKind kind) {
  switch (kind) {
#define CHASQUI_SIM_ITEM(name, word, meaning) \
  case ItemKind::name: return std::string_view(meaning).find("node `subject`") != std::string_view::npos;
    CHASQUI_SIM_ITEMS(CHASQUI_SIM_ITEM)
#undef CHASQUI_SIM_ITEM
  }
  return false;
}

bool subject_is_device(ItemKind kind) {
  return !subject_is_node(kind) && kind != ItemKind::NoQuorum;
}

bool object_is_node(ItemKind kind) {
  return kind == ItemKind::Cut || kind == ItemKind::LinkBreak || kind == ItemKind::LinkStall;
}

std::optional<Plan> without_items(const Plan& plan, std::size_t from, std::size_t count) {
  if (from >= plan.items.size() || count == 0) return std::nullopt;
  Plan smaller = plan;
  const auto begin = smaller.items.begin() + static_cast<std::ptrdiff_t>(from);
  const std::size_t most = std::min(count, plan.items.size() - from);
  smaller.items.erase(begin, begin + static_cast<std::ptrdiff_t>(most));
  return smaller;
}

std::optional<Plan> without_kind(const Plan& plan, ItemKind kind) {
  Plan smaller = plan;
  std::erase_if(smaller.items, [&](const Item& item) { return item.kind == kind; });
  return if_changed(std::move(smaller), plan);
}

std::optional<Plan> without_sends_of(const Plan& plan, std::uint32_t device) {
  Plan smaller = plan;
  const auto is_said = [](ItemKind kind) {
    return kind == ItemKind::Send || kind == ItemKind::GroupTalk || kind == ItemKind::GroupChange;
  };
  std::erase_if(smaller.items, [&](const Item& item) { return is_said(item.kind) && item.subject == device; });
  return if_changed(std::move(smaller), plan);
}

std::optional<Plan> cut_after(const Plan& plan, Time at) {
  Plan smaller = plan;
  std::erase_if(smaller.items, [&](const Item& item) { return item.mark.empty() && item.at > at; });
  const auto seconds = static_cast<std::uint32_t>(at / second) + 1;
  smaller.seconds = std::min(smaller.seconds, seconds);
  return if_changed(std::move(smaller), plan);
}

std::optional<Plan> with_seconds(const Plan& plan, std::uint32_t seconds) {
  if (seconds == 0 || seconds >= plan.seconds) return std::nullopt;
  Plan smaller = plan;
  smaller.seconds = seconds;
  std::erase_if(smaller.items,
                [&](const Item& item) { return item.mark.empty() && item.at >= Time{seconds} * second; });
  return smaller;
}

std::optional<Plan> with_nodes(const Plan& plan, std::uint32_t nodes) {
  if (nodes == 0 || nodes >= plan.nodes) return std::nullopt;
  Plan smaller = plan;
  smaller.nodes = nodes;
  for (Item& item : smaller.items) {
    if (subject_is_node(item.kind)) item.subject %= nodes;
    if (object_is_node(item.kind)) item.object %= nodes;
  }
  for (std::uint32_t person = 0; person < smaller.contacts.size(); ++person) {
    for (const std::uint32_t other : smaller.contacts[person]) {
      if (smaller.cluster_of(other) != smaller.cluster_of(person)) return std::nullopt;
    }
  }
  return smaller;
}

std::optional<Plan> with_shards(const Plan& plan, std::uint32_t shards) {
  if (shards == 0 || shards >= plan.shards) return std::nullopt;
  Plan smaller = plan;
  smaller.shards = shards;
  return smaller;
}

std::optional<Plan> without_device(const Plan& plan, std::uint32_t device) {
  if (device >= plan.owners.size() || plan.owners.size() == 1) return std::nullopt;
  Plan smaller = plan;
  std::erase_if(smaller.items,
                [&](const Item& item) { return subject_is_device(item.kind) && item.subject == device; });
  const std::uint32_t person = plan.owners[device];
  smaller.owners.erase(smaller.owners.begin() + device);
  for (Item& item : smaller.items) {
    if (subject_is_device(item.kind)) item.subject = behind(item.subject, device);
  }
  const bool gone = std::count(smaller.owners.begin(), smaller.owners.end(), person) == 0;
  // Where there are several clusters, people live by their numbers.
  if (gone && plan.clusters() > 1) return std::nullopt;
  if (gone) {
    smaller.contacts.erase(smaller.contacts.begin() + person);
    for (std::uint32_t& owner : smaller.owners) owner = behind(owner, person);
    for (std::uint32_t one = 0; one < smaller.contacts.size(); ++one) {
      auto& contacts = smaller.contacts[one];
      std::erase(contacts, person);
      for (std::uint32_t& other : contacts) other = behind(other, person);
      if (contacts.empty()) contacts.push_back(one);
    }
    smaller.people = static_cast<std::uint32_t>(smaller.contacts.size());
  }
  for (Item& item : smaller.items) {
    if (item.subject >= smaller.owners.size()) return std::nullopt;
  }
  return smaller;
}

std::optional<Plan> with_needed_contacts(const Plan& plan) {
  Plan plainer = plan;
  std::vector<std::vector<std::uint32_t>> needed(plan.contacts.size());
  for (Item& item : plainer.items) {
    if (item.kind != ItemKind::Send) continue;
    const std::uint32_t person = plan.owners[item.subject];
    const auto& contacts = plan.contacts[person];
    const std::uint32_t other = contacts[item.object % contacts.size()];
    auto& list = needed[person];
    auto it = std::find(list.begin(), list.end(), other);
    if (it == list.end()) it = list.insert(list.end(), other);
    item.object = static_cast<std::uint32_t>(it - list.begin());
  }
  for (std::uint32_t person = 0; person < needed.size(); ++person) {
    if (needed[person].empty()) needed[person].push_back(plan.contacts[person].front());
  }
  plainer.contacts = std::move(needed);
  return if_changed(std::move(plainer), plan);
}

namespace {

using Step = std::optional<Plan> (*)(const Plan&);

std::optional<Plan> all_knobs_plain(const Plan& plan) {
  Plan plainer = plan;
  plainer.knobs = Knobs();
  plainer.knobs.steady = plan.knobs.steady;
  plainer.knobs.cluster = plan.knobs.cluster;
  return if_changed(std::move(plainer), plan);
}
std::optional<Plan> steady(const Plan& plan) {
  Plan plainer = plan;
  plainer.knobs.steady = 1;
  return if_changed(std::move(plainer), plan);
}
std::optional<Plan> calm(const Plan& plan) {
  Plan plainer = plan;
  plainer.plan_class = PlanClass::Calm;
  return if_changed(std::move(plainer), plan);
}
std::optional<Plan> all_limits_usual(const Plan& plan) {
  Plan plainer = plan;
  plainer.limits = Limits();
  bool changed = false;
#define CHASQUI_SIM_LIMIT(name, normal, bench, unit, reason) \
  changed = changed || plan.limits.name != plainer.limits.name;
  CHASQUI_LIMITS(CHASQUI_SIM_LIMIT)
#undef CHASQUI_SIM_LIMIT
  return changed ? std::optional(std::move(plainer)) : std::nullopt;
}

// Where nothing varies is plainer than where it does, so `steady` is never taken back; and in clusters of one node each
// people could not reach their contacts.
bool stays(std::string_view knob) {
  return knob == "steady" || knob == "cluster";
}
#define CHASQUI_SIM_KNOB(name, value, meaning)              \
  std::optional<Plan> plain_knob_##name(const Plan& plan) { \
    if (stays(#name)) return std::nullopt;                  \
    Plan plainer = plan;                                    \
    plainer.knobs.name = Knobs().name;                      \
    return if_changed(std::move(plainer), plan);            \
  }
CHASQUI_SIM_KNOBS(CHASQUI_SIM_KNOB)
#undef CHASQUI_SIM_KNOB
#define CHASQUI_SIM_LIMIT(name, normal, bench, unit, reason)    \
  std::optional<Plan> usual_limit_##name(const Plan& plan) {    \
    if (plan.limits.name == Limits().name) return std::nullopt; \
    Plan plainer = plan;                                        \
    plainer.limits.name = Limits().name;                        \
    return plainer;                                             \
  }
CHASQUI_LIMITS(CHASQUI_SIM_LIMIT)
#undef CHASQUI_SIM_LIMIT

constexpr auto steps = std::to_array<Step>({all_knobs_plain, all_limits_usual, calm, steady,
#define CHASQUI_SIM_KNOB(name, value, meaning) plain_knob_##name,
                                            CHASQUI_SIM_KNOBS(CHASQUI_SIM_KNOB)
#undef CHASQUI_SIM_KNOB
#define CHASQUI_SIM_LIMIT(name, normal, bench, unit, reason) usual_limit_##name,
                                                CHASQUI_LIMITS(CHASQUI_SIM_LIMIT)
#undef CHASQUI_SIM_LIMIT
});

// Changes one item, or all.
template <class Change>
std::optional<Plan> changed(const Plan& plan, std::size_t item, Change change) {
  Plan plainer = plan;
  if (item == all_items) {
    for (Item& each : plainer.items) change(each);
  } else if (item < plainer.items.size()) {
    change(plainer.items[item]);
  }
  std::stable_sort(plainer.items.begin(), plainer.items.end(),
                   [](const Item& a, const Item& b) { return a.at < b.at; });
  return if_changed(std::move(plainer), plan);
}

}  // namespace

std::size_t plain_steps() {
  return steps.size();
}

std::optional<Plan> with_plain(const Plan& plan, std::size_t step) {
  return step < steps.size() ? steps[step](plan) : std::nullopt;
}

std::optional<Plan> rounded(const Plan& plan, std::size_t item, Time unit) {
  return changed(plan, item, [&](Item& each) {
    if (each.mark.empty()) each.at = whole(each.at, unit);  // else it is a count
    if (each.length > unit) each.length = whole(each.length, unit);
  });
}

std::optional<Plan> evenly_spaced(const Plan& plan, Time unit) {
  Plan plainer = plan;
  Time at = 0;
  for (Item& item : plainer.items) {
    if (item.mark.empty()) item.at = at += unit;
  }
  if (at >= Time{plan.seconds} * second) return std::nullopt;
  std::stable_sort(plainer.items.begin(), plainer.items.end(),
                   [](const Item& a, const Item& b) { return a.at < b.at; });
  return if_changed(std::move(plainer), plan);
}

std::optional<Plan> shifted(const Plan& plan, Time first) {
  const auto timed =
      std::find_if(plan.items.begin(), plan.items.end(), [](const Item& item) { return item.mark.empty(); });
  if (timed == plan.items.end() || timed->at <= first) return std::nullopt;
  Plan plainer = plan;
  const Time by = timed->at - first;
  for (Item& item : plainer.items) {
    if (item.mark.empty()) item.at -= by;
  }
  std::stable_sort(plainer.items.begin(), plainer.items.end(),
                   [](const Item& a, const Item& b) { return a.at < b.at; });
  return plainer;
}

std::optional<Plan> with_least(const Plan& plan, std::size_t item, bool size, bool length) {
  return changed(plan, item, [&](Item& each) {
    if (size && each.size > 1) each.size = 1;
    if (length) each.length = 0;
  });
}

}  // namespace chasqui::sim
