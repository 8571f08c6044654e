#include "sim/invariants/i25_bounded_traffic.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {
namespace {

constexpr std::uint64_t per_device_and_minute = 60;  // pings, and repeats of what a busy server turned away
constexpr std::uint64_t per_happening = 8;
constexpr std::uint64_t per_connect = 40;  // Hello, pages, what was not answered, what was not acknowledged

}  // namespace

std::uint64_t BoundedTraffic::frames_max(std::uint64_t devices, Time length, std::uint64_t happened,
                                         std::uint64_t connects) {
  const auto minutes = static_cast<std::uint64_t>(length / (60 * second)) + 1;
  return devices * minutes * per_device_and_minute + happened * per_happening + connects * per_connect;
}

void BoundedTraffic::connects(Time at, const ConnectTried& fact) {
  ++connects_;
  std::deque<Time>& attempts = attempts_[fact.device];
  if (fact.fresh) attempts.clear();
  attempts.push_back(at);
  if (attempts.size() < attempts_in_a_row) return;
  check(at - attempts.front() >= attempts_least, at, [&] {
    return absl::StrCat("device ", fact.device, " tried to connect ", attempts.size(), " times in ",
                        (at - attempts.front()) / millisecond, " ms, and never got through: it does not back off");
  });
  attempts.pop_front();
}

// "Not now": the same number comes again, and not at once.
void BoundedTraffic::answered(Time at, const AnswerLeft& fact) {
  const bool again = fact.code == client::UNAVAILABLE || fact.code == client::ABORTED ||
                     fact.code == client::RESOURCE_EXHAUSTED || fact.code == client::DEADLINE_EXCEEDED;
  if (!again) {
    if (!refusals_.empty()) refusals_.erase(fact.key);
    return;
  }
  std::deque<Time>& refusals = refusals_[fact.key];
  refusals.push_back(at);
  if (refusals.size() < attempts_in_a_row) return;
  check(at - refusals.front() >= attempts_least, at, [&] {
    return absl::StrCat("node ", fact.node, " refused number ", fact.key.number.value(), " of user ",
                        fact.key.sender.value(), " device ", fact.key.device.value(), " in ",
                        fact.key.conversation.hex(), " for now ", refusals.size(), " times in ",
                        (at - refusals.front()) / millisecond, " ms: its client does not back off");
  });
  refusals.pop_front();
}

void BoundedTraffic::idle(Time at, const IdleFrame& fact) {
  check(fact.is_ping, at, [&] {
    return absl::StrCat("node ", fact.node, " session ", fact.session.value(), ": ", fact.what,
                        ", though all has arrived long ago and nobody does anything");
  });
  std::deque<Time>& pings = pings_[{fact.node, fact.session}];
  pings.push_back(at);
  if (pings.size() < 3) return;
  check(at - pings.front() >= ping_alone, at, [&] {
    return absl::StrCat("node ", fact.node, " session ", fact.session.value(), ": ", pings.size(),
                        " pings and answers in ", (at - pings.front()) / millisecond,
                        " ms, though all has arrived long ago and nobody does anything");
  });
  pings.pop_front();
}

void BoundedTraffic::counted(Time at, const TrafficCounted& fact) {
  const std::uint64_t most =
      frames_max(fact.devices, fact.length, happened_ + happened_before_, connects_ + connects_before_);
  check(fact.frames_up <= most && fact.frames_down <= most, at, [&] {
    return absl::StrCat(fact.frames_up, " frames to nodes and ", fact.frames_down, " to ", fact.devices, " devices in ",
                        fact.length / millisecond, " ms: ", most, " are enough for what happened (",
                        happened_ + happened_before_, ") and for ", connects_ + connects_before_, " connections");
  });
  happened_before_ = std::exchange(happened_, 0);
  connects_before_ = std::exchange(connects_, 0);
}

void BoundedTraffic::see(Time at, const Fact& fact) {
  if (std::holds_alternative<MessageSent>(fact) || std::holds_alternative<EventSeen>(fact) ||
      std::holds_alternative<ReadByPerson>(fact) || std::holds_alternative<AcceptedHeard>(fact) ||
      std::holds_alternative<RefusalHeard>(fact)) {
    ++happened_;
  } else if (const auto* tried = std::get_if<ConnectTried>(&fact)) {
    connects(at, *tried);
  } else if (const auto* traffic = std::get_if<TrafficCounted>(&fact)) {
    counted(at, *traffic);
  } else if (const auto* frame = std::get_if<IdleFrame>(&fact)) {
    idle(at, *frame);
  } else if (const auto* left = std::get_if<AnswerLeft>(&fact)) {
    answered(at, *left);
  }
}

}  // namespace chasqui::sim
