#include "sim/report/regression.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/text.h"
#include "sim/plan/plan_text.h"

namespace chasqui::sim {
namespace {

// Takes the lines that plans do not have out of `text`; what is left has as many lines as before.
struct Head {
  bool any = false;
  std::string story;
  std::string invariant;
  std::vector<std::string> must_reach;
  std::string rest;
};

Head split_head(std::string_view whole) {
  Head head;
  for (std::string line : std::vector<std::string>(absl::StrSplit(text(whole), '\n'))) {
    absl::string_view value = line;
    if (absl::ConsumePrefix(&value, "story ")) {
      absl::StrAppend(&head.story, head.story.empty() ? "" : " ", value);
    } else if (absl::ConsumePrefix(&value, "invariant ")) {
      head.invariant = std::string(value);
    } else if (absl::ConsumePrefix(&value, "must_reach ")) {
      for (absl::string_view word : absl::StrSplit(value, ' ', absl::SkipEmpty())) head.must_reach.emplace_back(word);
    } else {
      absl::StrAppend(&head.rest, line, "\n");
      continue;
    }
    head.any = true;
    head.rest += '\n';
  }
  return head;
}

// Of the run itself, by its word; none: it is a mark.
std::uint64_t reached(const std::string& name, const Report& report) {
  if (name == "accepted") return report.accepted;
  if (name == "delivered") return report.delivered;
  if (name == "crashes") return report.crashes;
  if (name == "breaks") return report.breaks;
  const auto it = report.marks.find(name);
  return it == report.marks.end() ? 0 : it->second;
}

}  // namespace

absl::StatusOr<Plan> parse_any_plan(std::string_view text) {
  return parse_plan(split_head(text).rest);
}

absl::StatusOr<Regression> parse_regression(std::string_view text) {
  Head head = split_head(text);
  Regression regression;
  regression.story = std::move(head.story);
  if (regression.story.empty() || head.must_reach.empty()) {
    return absl::InvalidArgumentError("regression: it needs a line `story ...` and a line `must_reach ...`");
  }
  if (!head.invariant.empty()) {
    absl::string_view number = head.invariant;
    if (!absl::ConsumePrefix(&number, "I") || !absl::SimpleAtoi(number, &regression.invariant)) {
      return absl::InvalidArgumentError(absl::StrCat("regression: 'invariant ", head.invariant, "': e.g. I2"));
    }
  }
  for (const std::string& word : head.must_reach) {
    const std::vector<std::string> parts = absl::StrSplit(word, '=');
    std::uint64_t least = 1;
    if (parts.size() > 2 || (parts.size() == 2 && (!absl::SimpleAtoi(parts[1], &least) || least == 0))) {
      return absl::InvalidArgumentError(absl::StrCat("regression: 'must_reach ", word, "': a name, or name=times"));
    }
    regression.must_reach.emplace_back(parts[0], least);
  }
  auto plan = parse_plan(head.rest);
  if (!plan.ok()) return plan.status();
  regression.plan = *std::move(plan);
  return regression;
}

std::string failing(const Regression& regression, const Report& report) {
  if (report.verdict.outcome != Outcome::Ok && report.verdict.outcome != Outcome::Vacuous) {
    return absl::StrCat(report.verdict.text(),
                        report.verdict.violations.empty() ? "" : ": " + report.verdict.violations.front().what);
  }
  for (const auto& [name, least] : regression.must_reach) {
    const std::uint64_t times = reached(name, report);
    if (times < least) {
      return absl::StrCat("it has gone blind: ", name, " was reached ", times, " times, and must be at least ", least,
                          ": let the plan reach it again, or say in the story why it cannot");
    }
  }
  return {};
}

}  // namespace chasqui::sim
