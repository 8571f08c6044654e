#include "sim/judge.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sim/invariants/i02_once_in_order.h"
#include "sim/invariants/i03_nothing_invented.h"
#include "sim/invariants/i04_gapless.h"
#include "sim/invariants/i05_one_answer.h"
#include "sim/invariants/i06_refused.h"
#include "sim/invariants/i10_durable_before_said.h"
#include "sim/invariants/i11_marks_grow.h"
#include "sim/invariants/i13_receipts_true.h"
#include "sim/invariants/i16_real_time.h"
#include "sim/invariants/i23_settles.h"
#include "sim/invariants/i24_answers.h"
#include "sim/invariants/i27_beyond_is_named.h"
#include "sim/invariants/i28_contract.h"

namespace chasqui::sim {

const char* word(Outcome outcome) {
  switch (outcome) {
    case Outcome::Ok: return "ok";
    case Outcome::Violated: return "violated";
    case Outcome::Stuck: return "stuck";
    case Outcome::Vacuous: return "vacuous";
    case Outcome::Undecided: return "undecided";
    case Outcome::Crashed: return "crashed";
  }
  return "?";
}

std::string Verdict::text() const {
  if (outcome != Outcome::Violated || violations.empty()) return word(outcome);
  return absl::StrCat("violated I", violations.front().number);
}

Judge::Judge(Time settle_bound, const std::vector<int>& only) : only_(only) {
  auto kept = std::make_unique<Kept>();
  kept_ = kept.get();
  invariants_.push_back(std::move(kept));
  invariants_.push_back(std::make_unique<OnceInOrder>());
  invariants_.push_back(std::make_unique<NothingInvented>());
  invariants_.push_back(std::make_unique<Gapless>());
  invariants_.push_back(std::make_unique<OneAnswer>());
  invariants_.push_back(std::make_unique<Refused>());
  invariants_.push_back(std::make_unique<DurableBeforeSaid>());
  invariants_.push_back(std::make_unique<MarksGrow>());
  invariants_.push_back(std::make_unique<ReceiptsTrue>());
  invariants_.push_back(std::make_unique<RealTime>());
  invariants_.push_back(std::make_unique<Settles>(settle_bound));
  invariants_.push_back(std::make_unique<Answers>());
  invariants_.push_back(std::make_unique<Contract>());
  invariants_.push_back(std::make_unique<BeyondIsNamed>());
}

void Judge::see(Time at, const Fact& fact) {
  for (const auto& invariant : invariants_) invariant->see(at, fact);
}

bool Judge::judges(const Invariant& invariant) const {
  return only_.empty() || std::find(only_.begin(), only_.end(), invariant.number()) != only_.end();
}

bool Judge::has_violations() const {
  return std::any_of(invariants_.begin(), invariants_.end(),
                     [this](const auto& invariant) { return judges(*invariant) && !invariant->violations().empty(); });
}

Verdict Judge::finish(Time at, bool stuck) {
  Verdict verdict;
  for (const auto& invariant : invariants_) {
    // A run that got stuck has no end to judge.
    if (!stuck) invariant->finish(at);
    if (!judges(*invariant)) continue;
    verdict.violations.insert(verdict.violations.end(), invariant->violations().begin(), invariant->violations().end());
  }
  std::stable_sort(verdict.violations.begin(), verdict.violations.end(),
                   [](const Violation& a, const Violation& b) { return a.at < b.at; });
  if (!verdict.violations.empty()) {
    verdict.outcome = Outcome::Violated;
  } else if (stuck) {
    verdict.outcome = Outcome::Stuck;
  } else if (accepted() < accepted_least) {
    verdict.outcome = Outcome::Vacuous;
  }
  return verdict;
}

}  // namespace chasqui::sim
