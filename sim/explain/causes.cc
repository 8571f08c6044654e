#include "sim/explain/causes.h"

#include <algorithm>
#include <set>

namespace chasqui::sim {

void Causes::event(const Event& event) {
  if (entries_.size() <= event.number) entries_.resize(event.number + event.number / 2 + 1'024);
  entries_[event.number] = {event.cause, ++events_};
  last_ = event.number;
}

void Causes::also(std::uint64_t cause) {
  if (cause != last_) also_[last_].push_back(cause);
}

std::vector<std::uint64_t> Causes::slice(std::uint64_t number, std::size_t most) const {
  std::vector<std::uint64_t> found;
  std::set<std::uint64_t> known;
  const auto meet = [&](std::uint64_t event) {
    const bool happened = event < entries_.size() && entries_[event].order > 0;
    if (happened && found.size() < most && known.insert(event).second) found.push_back(event);
  };
  meet(number);
  for (std::size_t next = 0; next < found.size(); ++next) {
    const std::uint64_t event = found[next];
    // What it carries out tells more than what made its time come: the step before, the sync before.
    if (const auto it = also_.find(event); it != also_.end()) {
      for (const std::uint64_t cause : it->second) meet(cause);
    } else {
      meet(entries_[event].cause);
    }
  }
  std::sort(found.begin(), found.end(),
            [&](std::uint64_t a, std::uint64_t b) { return entries_[a].order < entries_[b].order; });
  return found;
}

}  // namespace chasqui::sim
