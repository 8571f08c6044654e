#include "sim/device.h"

namespace chasqui::sim {

Now Device::now(Time at) const {
  // Every device has clocks of its own.
  return {{(1 + Time{index}) * second + at}, {1'767'225'600'000 + std::int64_t{index} * 7 + at / millisecond}};
}

void Device::settle(std::uint64_t count) {
  while (!doubts.empty() && doubts.front().after <= count) {
    const Doubt& doubt = doubts.front();
    if (doubt.shown) {
      Seq& shown = shown_durable[doubt.conversation];
      if (doubt.shown > shown) shown = doubt.shown;
    }
    doubts.pop_front();
  }
}

std::vector<Fact> Device::crash(std::uint64_t survivors) {
  std::vector<Fact> facts;
  for (std::uint64_t i = 0; i < survivors && !unsynced.empty(); ++i) {
    journal.push_back(std::move(unsynced.front()));
    unsynced.pop_front();
    ++synced;
  }
  settle(synced);
  for (const Doubt& doubt : doubts) {
    // Of a call whose records survived in part nothing is known: the message may be there.
    if (!doubt.shown && doubt.before >= synced)
      facts.push_back(MessageForgotten{index, doubt.conversation, doubt.text});
  }
  PhoneCrashed crashed{index, {}};
  for (const auto& [conversation, seq] : shown_durable) crashed.shown.emplace_back(conversation, seq);
  facts.push_back(std::move(crashed));
  client.reset();
  unsynced.clear();
  doubts.clear();
  seen.clear();
  handed = synced = in_sync = 0;
  wake_at = no_time;
  started = ended = outdated = false;
  connection = 0;
  ++incarnation;
  return facts;
}

}  // namespace chasqui::sim
