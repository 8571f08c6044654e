#include "sim/plan/plan_text.h"

#include <charconv>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/text.h"

namespace chasqui::sim {
namespace {

constexpr std::uint64_t devices_most = 100'000;

std::string list(const std::vector<std::uint32_t>& numbers) {
  std::string line;
  for (const std::uint32_t number : numbers) absl::StrAppend(&line, " ", number);
  return line;
}

using Words = std::vector<std::string>;

std::optional<std::uint64_t> number(const std::string& word) {
  std::uint64_t value = 0;
  if (!absl::SimpleAtoi(word, &value)) return std::nullopt;
  return value;
}

// `key=value` gives value.
std::optional<std::uint64_t> named(const std::string& word, const std::string& key) {
  if (word.compare(0, key.size(), key) != 0 || word.size() <= key.size() || word[key.size()] != '=')
    return std::nullopt;
  return number(word.substr(key.size() + 1));
}

class Parser {
 public:
  absl::StatusOr<Plan> parse(std::string_view whole) {
    std::uint64_t line_number = 0;
    for (const std::string& line : Words(absl::StrSplit(text(whole), '\n'))) {
      ++line_number;
      if (line.empty() || line[0] == '#') continue;
      const Words words = absl::StrSplit(line, ' ', absl::SkipEmpty());
      if (words.empty()) continue;
      if (!take(words)) {
        return absl::InvalidArgumentError(absl::StrCat("plan, line ", line_number, ": cannot read '", line, "'"));
      }
    }
    if (!fits()) {
      return absl::InvalidArgumentError(
          "plan: it needs at least one node, shard, second and device, contacts for each person in the person's "
          "cluster, "
          "and items whose subjects exist");
    }
    return plan_;
  }

 private:
  bool take(const Words& words) {
    const std::string& key = words[0];
    if (key == "chasqui-sim") return words.size() == 3 && words[1] == "plan" && words[2] == "1";
    if (key == "class") return words.size() == 2 && take_class(words[1]);
    if (key == "owners") return take_list(words, plan_.owners);
    if (key == "contacts") {
      plan_.contacts.emplace_back();
      return take_list(words, plan_.contacts.back());
    }
    if (key == "item") return take_item(words);
    if (key == "knob") return words.size() == 3 && take_knob(words);
    if (key == "limit") return words.size() == 3 && take_limit(words);
    const auto value = words.size() == 2 ? number(words[1]) : std::nullopt;
    if (!value) return false;
    if (key == "seed") return plan_.seed = *value, true;
    if (*value > devices_most) return false;
    if (key == "seconds") return plan_.seconds = static_cast<std::uint32_t>(*value), true;
    if (key == "nodes") return plan_.nodes = static_cast<std::uint32_t>(*value), true;
    if (key == "shards") return plan_.shards = static_cast<std::uint32_t>(*value), true;
    return false;
  }

  bool take_class(const std::string& name) {
    for (const PlanClass each :
         {PlanClass::Calm, PlanClass::Single, PlanClass::Swarm, PlanClass::Hostile, PlanClass::Beyond}) {
      if (name == word(each)) return plan_.plan_class = each, true;
    }
    return false;
  }

  static bool take_list(const Words& words, std::vector<std::uint32_t>& into) {
    for (std::size_t i = 1; i < words.size(); ++i) {
      const auto value = number(words[i]);
      if (!value || *value > devices_most) return false;
      into.push_back(static_cast<std::uint32_t>(*value));
    }
    return true;
  }

  bool take_knob(const Words& words) {
    const auto value = number(words[2]);
    if (!value) return false;
#define CHASQUI_SIM_KNOB(name, normal, meaning) \
  if (words[1] == #name) return plan_.knobs.name = *value, true;
    CHASQUI_SIM_KNOBS(CHASQUI_SIM_KNOB)
#undef CHASQUI_SIM_KNOB
    return false;
  }

  bool take_limit(const Words& words) {
    const auto value = number(words[2]);
    if (!value) return false;
#define CHASQUI_SIM_LIMIT(name, normal, bench, unit, reason) \
  if (words[1] == #name) return plan_.limits.name = *value, true;
    CHASQUI_LIMITS(CHASQUI_SIM_LIMIT)
#undef CHASQUI_SIM_LIMIT
    return false;
  }

  bool take_item(const Words& words) {
    if (words.size() != 7) return false;
    // `item TIME ...`, or `item MARK:K ...`: the K-th time that the core reaches that mark.
    const std::size_t colon = words[1].find(':');
    const auto at = number(colon == std::string::npos ? words[1] : words[1].substr(colon + 1));
    const auto subject = named(words[3], "subject");
    const auto object = named(words[4], "object");
    const auto length = named(words[5], "length");
    const auto size = named(words[6], "size");
    if (!at || !subject || !object || !length || !size) return false;
    Item item;
    if (colon != std::string::npos) item.mark = words[1].substr(0, colon);
    item.at = static_cast<Time>(*at & (~std::uint64_t{0} >> 2));
    item.subject = static_cast<std::uint32_t>(*subject);
    item.object = static_cast<std::uint32_t>(*object);
    item.length = static_cast<Time>(*length & (~std::uint64_t{0} >> 2));
    item.size = *size;
#define CHASQUI_SIM_ITEM(name, item_word, meaning) \
  if (words[2] == item_word) {                     \
    item.kind = ItemKind::name;                    \
    plan_.items.push_back(item);                   \
    return true;                                   \
  }
    CHASQUI_SIM_ITEMS(CHASQUI_SIM_ITEM)
#undef CHASQUI_SIM_ITEM
    return false;
  }

  bool fits() {
    plan_.people = static_cast<std::uint32_t>(plan_.contacts.size());
    if (plan_.seconds == 0 || plan_.nodes == 0 || plan_.shards == 0 || plan_.owners.empty()) return false;
    if (plan_.knobs.round_ns == 0 || plan_.knobs.per_process == 0) return false;
    for (const std::uint32_t owner : plan_.owners) {
      if (owner >= plan_.people) return false;
    }
    for (std::uint32_t person = 0; person < plan_.people; ++person) {
      if (plan_.contacts[person].empty()) return false;
      for (const std::uint32_t other : plan_.contacts[person]) {
        if (other >= plan_.people || plan_.cluster_of(other) != plan_.cluster_of(person)) return false;
      }
    }
    Time last = 0;
    for (const Item& item : plan_.items) {
      if (item.at < last) return false;
      last = item.at;
      if (item.subject >= plan_.owners.size()) return false;
    }
    return true;
  }

  Plan plan_;
};

}  // namespace

std::string print_plan(const Plan& plan) {
  std::string out = "chasqui-sim plan 1\n";
  absl::StrAppend(&out, "seed ", plan.seed, "\nclass ", word(plan.plan_class), "\nseconds ", plan.seconds, "\nnodes ",
                  plan.nodes, "\nshards ", plan.shards, "\nowners", list(plan.owners), "\n");
  for (const auto& contacts : plan.contacts) absl::StrAppend(&out, "contacts", list(contacts), "\n");
  const Knobs usual_knobs;
#define CHASQUI_SIM_KNOB(name, normal, meaning) \
  if (plan.knobs.name != usual_knobs.name) absl::StrAppend(&out, "knob " #name " ", plan.knobs.name, "\n");
  CHASQUI_SIM_KNOBS(CHASQUI_SIM_KNOB)
#undef CHASQUI_SIM_KNOB
  const Limits usual_limits;
#define CHASQUI_SIM_LIMIT(name, normal, bench, unit, reason) \
  if (plan.limits.name != usual_limits.name) absl::StrAppend(&out, "limit " #name " ", plan.limits.name, "\n");
  CHASQUI_LIMITS(CHASQUI_SIM_LIMIT)
#undef CHASQUI_SIM_LIMIT
  for (const Item& item : plan.items) {
    if (!item.mark.empty()) absl::StrAppend(&out, "item ", item.mark, ":", item.at, " ", word(item.kind));
    if (item.mark.empty()) absl::StrAppend(&out, "item ", item.at, " ", word(item.kind));
    absl::StrAppend(&out, " subject=", item.subject, " object=", item.object, " length=", item.length,
                    " size=", item.size, "\n");
  }
  return out;
}

absl::StatusOr<Plan> parse_plan(std::string_view text) {
  return Parser().parse(text);
}

}  // namespace chasqui::sim
