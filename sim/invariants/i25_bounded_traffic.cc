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
    check(frame->is_ping, at, [&] {
      return absl::StrCat("node ", frame->node, " session ", frame->session.value(), ": ", frame->what,
                          ", though all has arrived long ago and nobody does anything");
    });
  }
}

}  // namespace chasqui::sim
