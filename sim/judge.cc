#include "sim/judge.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sim/invariants/i02_once_in_order.h"
#include "sim/invariants/i03_nothing_invented.h"
#include "sim/invariants/i04_gapless.h"
#include "sim/invariants/i05_one_answer.h"
#include "sim/invariants/i06_refused.h"
#include "sim/invariants/i07_everyone_told.h"
#include "sim/invariants/i08_replicas_agree.h"
#include "sim/invariants/i09_raft.h"
#include "sim/invariants/i10_durable_before_said.h"
#include "sim/invariants/i11_marks_grow.h"
#include "sim/invariants/i12_marks_true.h"
#include "sim/invariants/i13_receipts_true.h"
#include "sim/invariants/i14_membership.h"
#include "sim/invariants/i15_strangers.h"
#include "sim/invariants/i16_real_time.h"
#include "sim/invariants/i18_devices_converge.h"
#include "sim/invariants/i19_revoked.h"
#include "sim/invariants/i20_deleted_is_gone.h"
#include "sim/invariants/i22_available.h"
#include "sim/invariants/i23_settles.h"
#include "sim/invariants/i24_answers.h"
#include "sim/invariants/i25_bounded_traffic.h"
#include "sim/invariants/i26_bounded_memory.h"
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

const char* word(Ending ending) {
  switch (ending) {
    case Ending::Over: return "over";
    case Ending::Stuck: return "stuck";
    case Ending::Stopped: return "stopped";
  }
  return "?";
}

std::string Verdict::text() const {
  if (outcome != Outcome::Violated || violations.empty()) return word(outcome);
  return absl::StrCat("violated I", violations.front().number);
}

Judge::Judge(Time settle_bound, const std::vector<int>& only, Sight sight, const Limits& limits, std::uint32_t shards,
             const ClusterShape& shape)
    : only_(only), sight_(sight) {
  const bool cluster = shape.is_cluster();
  auto kept = std::make_unique<Kept>(&model_);
  kept_ = kept.get();
  invariants_.push_back(std::move(kept));
  invariants_.push_back(std::make_unique<OnceInOrder>());
  invariants_.push_back(std::make_unique<NothingInvented>(&model_));
  invariants_.push_back(std::make_unique<Gapless>(&model_));
  invariants_.push_back(std::make_unique<OneAnswer>(&model_));
  invariants_.push_back(std::make_unique<Refused>());
  auto told = std::make_unique<EveryoneTold>(model_);
  told_ = told.get();
  invariants_.push_back(std::move(told));
  if (cluster) {
    invariants_.push_back(std::make_unique<ReplicasAgree>(cluster));
    invariants_.push_back(std::make_unique<Raft>(cluster));
  }
  invariants_.push_back(std::make_unique<DurableBeforeSaid>(cluster ? &model_ : nullptr));
  invariants_.push_back(std::make_unique<MarksGrow>(cluster));
  invariants_.push_back(std::make_unique<MarksTrue>(model_, cluster));
  invariants_.push_back(std::make_unique<ReceiptsTrue>(&model_));
  invariants_.push_back(std::make_unique<Membership>(model_));
  invariants_.push_back(std::make_unique<Strangers>(model_));
  invariants_.push_back(std::make_unique<RealTime>());
  invariants_.push_back(std::make_unique<DevicesConverge>(model_));
  invariants_.push_back(std::make_unique<Revoked>(cluster));
  invariants_.push_back(std::make_unique<DeletedIsGone>());
  if (cluster) invariants_.push_back(std::make_unique<Available>(shape, &model_));
  invariants_.push_back(std::make_unique<Settles>(settle_bound));
  invariants_.push_back(std::make_unique<Answers>());
  invariants_.push_back(std::make_unique<BoundedTraffic>());
  invariants_.push_back(std::make_unique<BoundedMemory>(limits, shards));
  invariants_.push_back(std::make_unique<Contract>());
  invariants_.push_back(std::make_unique<BeyondIsNamed>(shape));
  for (const auto& invariant : invariants_) {
    if (judges(*invariant)) invariant->count_in(violations_);
  }
}

void Judge::see(Time at, const Fact& fact) {
  if (const auto* committed = std::get_if<EntryCommitted>(&fact)) {
    const bool in_order = model_.apply(committed->entry);
    CHASQUI_ASSERT(in_order, "the tap leaves out no entry");
  }
  for (const auto& invariant : invariants_) invariant->see(at, fact);
}

bool Judge::judges(const Invariant& invariant) const {
  return only_.empty() || std::find(only_.begin(), only_.end(), invariant.number()) != only_.end();
}

Verdict Judge::finish(Time at, Ending ending) {
  Verdict verdict;
  for (const auto& invariant : invariants_) {
    if (ending == Ending::Over) invariant->finish(at);
    if (!judges(*invariant)) continue;
    verdict.violations.insert(verdict.violations.end(), invariant->violations().begin(), invariant->violations().end());
  }
  std::stable_sort(verdict.violations.begin(), verdict.violations.end(),
                   [](const Violation& a, const Violation& b) { return a.at < b.at; });
  if (!verdict.violations.empty()) {
    verdict.outcome = Outcome::Violated;
  } else if (ending == Ending::Stuck) {
    verdict.outcome = Outcome::Stuck;
  } else if (ending == Ending::Stopped) {
    verdict.outcome = Outcome::Undecided;
  } else if (accepted() < accepted_least) {
    verdict.outcome = Outcome::Vacuous;
    verdict.why = absl::StrCat("only ", accepted(), " messages were accepted");
  } else if (only_.empty()) {  // a file has what devices can see, and a canary's judges have their own bug to show
    for (const auto& invariant : invariants_) {
      if (!invariant->needed() || invariant->checks() > 0) continue;
      if (sight_ == Sight::Devices && invariant->tapped()) continue;
      verdict.outcome = Outcome::Vacuous;
      verdict.why = absl::StrCat("I", invariant->number(), " compared nothing");
      break;
    }
  }
  return verdict;
}

}  // namespace chasqui::sim
