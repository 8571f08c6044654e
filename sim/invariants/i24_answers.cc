#include "sim/invariants/i24_answers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

std::string Answers::name_of(const Key& key) {
  const auto& [node, session, request] = key;
  if (session == at_device) return absl::StrCat("device ", node, ": request ", request);
  return absl::StrCat("node ", node, ": request ", request, " of session ", session.value());
}

// Windows in which the node was hindered lengthen the bound by what they share with the time of waiting.
Time Answers::due(const Key& key, Time asked) const {
  Time until = asked + bound;
  const auto it = hindered_.find(std::get<0>(key));
  if (it == hindered_.end() || std::get<1>(key) == at_device) return until;
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
      check(false, at, [&, &request = key, since = asked] {
        return absl::StrCat(name_of(request), " not answered after ", (at - since) / millisecond, " ms");
      });
      open_.erase(it);
    }
    asked_.pop_front();
  }
}

void Answers::asked(Time at, const Key& key) {
  expire(at);
  open_[key] = at;
  asked_.emplace_back(at, key);
}

void Answers::answered(Time at, const Key& key) {
  expire(at);
  const auto it = open_.find(key);
  if (it == open_.end()) return;
  check(at <= due(it->first, it->second), at,
        [&] { return absl::StrCat(name_of(key), " answered after ", (at - it->second) / millisecond, " ms"); });
  open_.erase(it);
}

void Answers::gone(std::uint32_t node, SessionId session) {
  auto it = open_.lower_bound({node, session, 0});
  while (it != open_.end() && std::get<0>(it->first) == node && std::get<1>(it->first) == session) it = open_.erase(it);
}

void Answers::see(Time at, const Fact& fact) {
  if (const auto* taken = std::get_if<RequestTaken>(&fact)) {
    asked(at, {taken->node, taken->session, taken->request_id});
  } else if (const auto* told = std::get_if<RequestAnswered>(&fact)) {
    answered(at, {told->node, told->session, told->request_id});
  } else if (const auto* over = std::get_if<SessionOver>(&fact)) {
    gone(over->node, over->session);
  } else if (const auto* ask = std::get_if<RequestAsked>(&fact)) {
    asked(at, {ask->device, at_device, ask->request});
  } else if (const auto* heard = std::get_if<AnswerHeard>(&fact)) {
    answered(at, {heard->device, at_device, heard->request});
  } else if (const auto* lost = std::get_if<ConnectionLost>(&fact)) {
    gone(lost->device, at_device);
  } else if (const auto* phone = std::get_if<PhoneCrashed>(&fact)) {
    gone(phone->device, at_device);
  } else if (const auto* hindered = std::get_if<NodeHindered>(&fact)) {
    auto& windows = hindered_[hindered->node];
    windows.emplace_back(at, at + hindered->length);
    while (windows.size() > 64) windows.pop_front();
  } else if (const auto* crashed = std::get_if<NodeCrashed>(&fact)) {
    auto it = open_.lower_bound({crashed->node, SessionId(), 0});
    while (it != open_.end() && std::get<0>(it->first) == crashed->node && std::get<1>(it->first) != at_device) {
      it = open_.erase(it);
    }
  }
}

}  // namespace chasqui::sim
