#include "sim/shrink/shrink.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sim/shrink/smaller.h"

namespace chasqui::sim {

std::string Failure::text() const {
  return outcome == Outcome::Violated ? absl::StrCat(word(outcome), " I", invariant) : word(outcome);
}

Failure failure_of(const Report& report) {
  Failure failure;
  failure.outcome = report.verdict.outcome;
  if (failure.outcome == Outcome::Violated && !report.verdict.violations.empty()) {
    const Violation& first = report.verdict.violations.front();
    failure.invariant = first.number;
    failure.at = first.at;
    failure.what = first.what;
  }
  return failure;
}

namespace {

class Shrinker {
 public:
  Shrinker(Plan plan, Failure failure, Trials& trials)
      : plan_(std::move(plan)), failure_(std::move(failure)), trials_(trials) {}

  Shrunk run() {
    cut();
    drop_kinds();
    drop_senders();
    drop_items(16);  // first what is cheap: every later run is shorter by it
    bool better = true;
    while (better && !trials_.used_up()) {
      better = fewer_people();
      better |= cut();
      better |= drop_items(1);
      better |= shorter();
      better |= plainer();
      better |= rounder();
    }
    return {std::move(plan_), std::move(failure_)};
  }

 private:
  void take(Trials::Found&& found) {
    plan_ = std::move(found.plan);
    failure_ = std::move(found.failure);
  }

  // Takes the first of these that still fails alike.
  bool take_one(const std::vector<std::optional<Plan>>& candidates) {
    auto found = trials_.first(failure_, 0, candidates.size(), [&](std::size_t n) { return candidates[n]; });
    if (!found) return false;
    take(*std::move(found));
    return true;
  }

  // Takes each of step(0..count-1) that still fails alike, on top of the others.
  template <class Step>
  bool take_each(std::size_t count, Step step) {
    bool better = false;
    for (std::size_t next = 0; next < count;) {
      auto found = trials_.first(failure_, next, count, [&](std::size_t n) { return step(plan_, n); });
      if (!found) break;
      next = found->number + 1;
      take(*std::move(found));
      better = true;
    }
    return better;
  }

  // Nothing after the violation matters; nor, perhaps, much of what is just before it.
  bool cut() {
    if (failure_.at == 0) return false;
    return take_one({cut_after(plan_, failure_.at)});
  }

  bool drop_kinds() {
    static constexpr auto kinds = std::to_array<ItemKind>({
#define CHASQUI_SIM_ITEM(name, word, meaning) ItemKind::name,
        CHASQUI_SIM_ITEMS(CHASQUI_SIM_ITEM)
#undef CHASQUI_SIM_ITEM
    });
    return take_each(kinds.size(), [](const Plan& plan, std::size_t n) { return without_kind(plan, kinds[n]); });
  }

  bool drop_senders() {
    return take_each(plan_.owners.size(), [](const Plan& plan, std::size_t n) {
      return without_sends_of(plan, static_cast<std::uint32_t>(n));
    });
  }

  // ddmin by complements: chunks of half of the items, of a quarter, down to `least`. From the back: what is late has
  // less that depends on it.
  bool drop_items(std::size_t least) {
    bool better = false;
    for (std::size_t chunk = std::max<std::size_t>(1, plan_.items.size() / 2); chunk >= least; chunk /= 2) {
      std::size_t end = plan_.items.size();  // items before it are still to be tried
      while (end > 0) {
        const auto candidate = [&](std::size_t n) {
          const std::size_t last = end - n * chunk;
          const std::size_t first = last > chunk ? last - chunk : 0;
          return without_items(plan_, first, last - first);
        };
        auto found = trials_.first(failure_, 0, (end + chunk - 1) / chunk, candidate);
        if (!found) break;
        const std::size_t last = end - found->number * chunk;
        end = last > chunk ? last - chunk : 0;
        take(*std::move(found));
        end = std::min(end, plan_.items.size());
        better = true;
      }
      if (trials_.used_up()) return better;
    }
    return better;
  }

  bool fewer_people() {
    bool better = take_one({with_nodes(plan_, 1), with_nodes(plan_, 2), with_nodes(plan_, 3),
                            with_nodes(plan_, plan_.nodes / 2), with_nodes(plan_, plan_.nodes - 1)});
    better |=
        take_one({with_shards(plan_, 1), with_shards(plan_, plan_.shards / 2), with_shards(plan_, plan_.shards - 1)});
    // From the back, so that a device less renumbers none that is still to be tried.
    const std::size_t devices = plan_.owners.size();
    better |= take_each(devices, [devices](const Plan& plan, std::size_t n) {
      return without_device(plan, static_cast<std::uint32_t>(devices - 1 - n));
    });
    better |= take_one({with_needed_contacts(plan_)});
    return better;
  }

  bool shorter() {
    const bool sooner = take_one({shifted(plan_, second), shifted(plan_, 2 * second), shifted(plan_, 5 * second),
                                  shifted(plan_, plan_.items.empty() ? 0 : plan_.items.front().at / 2)});
    const Time last = plan_.items.empty() ? 0 : plan_.items.back().at;
    const auto needed = static_cast<std::uint32_t>(last / second) + 1;
    const bool ends = take_one({with_seconds(plan_, needed), with_seconds(plan_, needed + 1),
                                with_seconds(plan_, plan_.seconds / 2), with_seconds(plan_, plan_.seconds - 1)});
    return sooner || ends;
  }

  bool plainer() {
    return take_each(plain_steps(), [](const Plan& plan, std::size_t n) { return with_plain(plan, n); });
  }

  bool rounder() {
    bool better = false;
    if (auto even = evenly_spaced(plan_, second)) better = take_one({even, evenly_spaced(plan_, 100 * millisecond)});
    better |= take_one({with_least(plan_, all_items, true, true), with_least(plan_, all_items, true, false)});
    better |=
        take_each(plan_.items.size(), [](const Plan& plan, std::size_t n) { return with_least(plan, n, true, false); });
    for (const Time unit : {second, 100 * millisecond, 10 * millisecond, millisecond}) {
      if (take_one({rounded(plan_, all_items, unit)})) return true;
      better |=
          take_each(plan_.items.size(), [unit](const Plan& plan, std::size_t n) { return rounded(plan, n, unit); });
    }
    return better;
  }

  Plan plan_;
  Failure failure_;
  Trials& trials_;
};

}  // namespace

Shrunk shrink(Plan plan, Failure failure, Trials& trials) {
  return Shrinker(std::move(plan), std::move(failure), trials).run();
}

}  // namespace chasqui::sim
