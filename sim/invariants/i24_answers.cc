#include "sim/invariants/i24_answers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

// Windows in which the node was hindered lengthen the bound by what they share with the time of waiting.
Time Answers::due(const Key& key, Time asked) const {
  Time until = asked + bound;
  const auto it = hindered_.find(std::get<0>(key));
  if (it == hindered_.end()) return until;
  for (const auto& [from, to] : it->second) {
    if (from < until && to > asked) until = std::max(until, to) + bound;
  }
  return until;
}

void Answers::expire(Time at) {
  while (!asked_.empty() && asked_.front().first + bound < at) {
    const auto [asked, key] = asked_.front();
    const auto it = open_.find(key);
    if (it != open_.end() && it->second == asked) {
      if (at <= due(key, asked)) return;  // it has an excuse, and all behind it were asked later
      check(false, at, [&, since = asked] {
        return absl::StrCat("node ", std::get<0>(key), " has not answered request ", std::get<2>(key), " of session ",
                            std::get<1>(key).value(), " after ", (at - since) / millisecond, " ms");
      });
      open_.erase(it);
    }
    asked_.pop_front();
  }
}

void Answers::see(Time at, const Fact& fact) {
  if (const auto* taken = std::get_if<RequestTaken>(&fact)) {
    expire(at);
    const Key key{taken->node, taken->session, taken->request_id};
    open_[key] = at;
    asked_.emplace_back(at, key);
  } else if (const auto* answered = std::get_if<RequestAnswered>(&fact)) {
    expire(at);
    const auto it = open_.find({answered->node, answered->session, answered->request_id});
    if (it == open_.end()) return;
    check(at <= due(it->first, it->second), at, [&] {
      return absl::StrCat("node ", answered->node, " answered request ", answered->request_id, " of session ",
                          answered->session.value(), " after ", (at - it->second) / millisecond, " ms");
    });
    open_.erase(it);
  } else if (const auto* over = std::get_if<SessionOver>(&fact)) {
    auto it = open_.lower_bound({over->node, over->session, 0});
    while (it != open_.end() && std::get<0>(it->first) == over->node && std::get<1>(it->first) == over->session) {
      it = open_.erase(it);
    }
  } else if (const auto* hindered = std::get_if<NodeHindered>(&fact)) {
    auto& windows = hindered_[hindered->node];
    windows.emplace_back(at, at + hindered->length);
    while (windows.size() > 64) windows.pop_front();
  } else if (const auto* crashed = std::get_if<NodeCrashed>(&fact)) {
    auto it = open_.lower_bound({crashed->node, SessionId(), 0});
    while (it != open_.end() && std::get<0>(it->first) == crashed->node) it = open_.erase(it);
  }
}

}  // namespace chasqui::sim
