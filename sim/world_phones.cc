// What happens to phones: killed, reinstalled, restored from an old backup, copied, moved to another network.
//
// A phone that is reinstalled logs in as a new device of the same person; its old id stays registered and nobody uses
// it. A restored one, or a copy, has an id that may be no more (whoever shares it may have renewed it): its person logs
// in again, and the journal stays. Each of these may take one of the Limits::devices_max ids that a person can have,
// so what might need one too many does not happen; nor does it where the node has said DATA_LOSS, and gives none.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "sim/journal_facts.h"
#include "sim/world.h"

namespace chasqui::sim {

void World::phone_crashes(Device& device, Time down) {
  if (!device.up()) return;
  if (tracing()) trace(absl::StrCat("device ", device.index, " crashes"));
  Dice dice(plan_.seed, Concern::CrashPhone, (std::uint64_t{device.index} << 32) | device.incarnation);
  std::vector<Fact> facts = device.crash(dice.roll(0, device.unsynced.size()));
  if (options_.lie == Lie::PhoneForgets) {
    for (std::uint64_t lost = dice.roll(0, 20); lost > 0 && !device.journal.empty(); --lost) device.journal.pop_back();
  }
  see_all(facts);
  cut_connections_of(device);
  push(now_ + down, EventKind::DeviceRises, device.index, device.incarnation);
}

void World::program_ends(Device& device, std::uint64_t survivors) {
  if (!device.up()) {
    ++device.incarnation;  // it does not rise by itself either
    return;
  }
  std::vector<Fact> facts = device.crash(survivors);
  see_all(facts);
  cut_connections_of(device);
}

void World::cut_connections_of(const Device& device) {
  for (const auto& connection : connections_) {
    if (connection == nullptr || connection->device != device.index) continue;
    connection->device_open = false;
    connection->connecting = false;
    if (connection->node_open) cut(*connection, false, second);
  }
}

Device& World::phone_of(std::uint32_t subject) {
  Device* device = devices_[subject % plan_.owners.size()].get();
  while (device->heir) device = devices_[*device->heir].get();
  return *device;
}

bool World::takes_an_id(const Device& device) {
  if (nodes_[device.node]->refused || ids_[device.person] >= Limits{}.devices_max) return false;
  ++ids_[device.person];
  return true;
}

void World::reinstall(Device& device, Time down) {
  if (!device.has_account || !takes_an_id(device)) return;
  program_ends(device, 0);
  device.journal.clear();
  device.shown_durable.clear();
  device.read.clear();
  device.credentials = {};
  device.has_account = false;
  device.ended = false;
  ++device.registrations;
  see(JournalReplaced{device.index, {}, {}});
  set_call(device, now_ + down);
}

void World::back_up(Device& device) {
  if (device.has_account) device.backup = Device::Copy{device.journal, device.credentials};
}

void World::restore(Device& device, Time down) {
  if (!device.backup || !takes_an_id(device)) return;
  if (device.call != 0) {  // a login that is under way is nobody's any more
    VirtualNode& node = *nodes_[device.node];
    node.caller_of.erase(device.call);
    if (node.up()) feed(node, CallAbandoned{CallId(device.call)});
    device.call = 0;
  }
  program_ends(device, 0);
  adopt(device, *device.backup);
  push(now_ + down, EventKind::DeviceRises, device.index, device.incarnation);
}

// The device is what the copy says.
void World::adopt(Device& device, const Device::Copy& copy) {
  device.journal = copy.journal;
  device.credentials = copy.credentials;
  device.has_account = true;
  device.ended = false;
  device.doubtful = true;
  device.read.clear();
  JournalReplaced fact = journal_facts(device.index, device.journal);
  device.shown_durable = {fact.shown.begin(), fact.shown.end()};
  see(DeviceJoined{device.index, device.credentials.user, device.credentials.device});
  see(std::move(fact));
}

// ----------------------------------------------------------------------------------------- two programs on one state

void World::twin_starts(Device& device, const Item& item) {
  const std::uint64_t number = number_of(item);
  if (!device.has_account || device.ended || twins_.contains(number) || !takes_an_id(device)) return;
  auto copy = std::make_unique<Device>();
  Device& twin = *copy;
  twin.index = static_cast<std::uint32_t>(devices_.size());
  twin.person = device.person;
  twin.node = device.node;
  twin.twin_of = device.index;
  twins_[number] = twin.index;
  device.doubtful = true;
  devices_.push_back(std::move(copy));
  adopt(twin, {device.journal, device.credentials});
  push(now_, EventKind::DeviceRises, twin.index, twin.incarnation);
  push(now_ + item.length, EventKind::ItemEnds, 0, number);
}

void World::twin_ends(const Item& item) {
  const auto it = twins_.find(number_of(item));
  if (it == twins_.end()) return;
  Device& twin = *devices_[it->second];
  Device& first = *devices_[*twin.twin_of];
  if (twin.gone || first.gone) return;
  if (item.size != 1) return throw_away(twin);
  first.heir = twin.index;
  twin.backup = std::move(first.backup);
  throw_away(first);
}

void World::throw_away(Device& device) {
  if (tracing()) trace(absl::StrCat("device ", device.index, " is thrown away"));
  program_ends(device, 0);
  if (device.call != 0) nodes_[device.node]->caller_of.erase(device.call);
  device.call = 0;
  device.call_at = no_time;
  device.has_account = false;
  device.gone = true;
  see(DeviceGone{device.index});
}

// The device of which it is a copy of a copy, and the others.
Device* World::other_copy_of(const Device& device) {
  const auto first_of = [this](const Device* one) {
    while (one->twin_of) one = devices_[*one->twin_of].get();
    return one->index;
  };
  for (const auto& other : devices_) {
    if (other.get() != &device && !other->gone && first_of(other.get()) == first_of(&device)) return other.get();
  }
  return nullptr;
}

// Two that are one device for the node send each other away for ever: from when all heals, one is left.
void World::throw_away_twins() {
  for (const auto& twin : devices_) {
    if (twin->gone || !twin->twin_of) continue;
    const bool same = std::any_of(devices_.begin(), devices_.end(), [&](const auto& other) {
      return other != twin && !other->gone && other->has_account && twin->has_account &&
             other->credentials.user == twin->credentials.user && other->credentials.device == twin->credentials.device;
    });
    if (same) throw_away(*twin);
  }
}

// ------------------------------------------------------------------------------------------------------- sent away

void World::sent_away(Device& device, const client::Ended& ended) {
  if (tracing()) trace(absl::StrCat("device ", device.index, " is sent away: ", ended.message));
  device.ended = true;
  if (!device.doubtful) return;  // for good, and I23 says so
  device.revoked = ended.reason == client::GoAway::REVOKED;
  const std::uint64_t bits = noise(Concern::Phones, device.index, device.incarnation);
  const auto wait = static_cast<Time>(log_uniform(bits, 500, 10'000)) * millisecond;
  push(now_ + wait, EventKind::DeviceReturns, device.index, device.incarnation);
}

// It ends in good order, so all is on its disk. Whose id is no more logs in anew, and keeps its journal; but of several
// copies only one lives on: each would send what waits in all of them, as a device of its own, and nobody could tell
// that it is one message.
void World::device_returns(Device& device) {
  if (!device.up() || !device.ended) return;
  if (healed_at_ >= 0) throw_away_twins();  // a copy made amid a renewal becomes the same device only later
  if (device.gone) return;
  program_ends(device, device.unsynced.size());
  device.ended = false;
  if (!device.revoked) return push(now_, EventKind::DeviceRises, device.index, device.incarnation);
  if (Device* other = other_copy_of(device); other != nullptr) {
    device.heir = other->index;
    return throw_away(device);
  }
  device.credentials = {};
  device.has_account = false;
  ++device.registrations;
  set_call(device, now_);
}

// ---------------------------------------------------------------------------------------------------- another network

// The program is told, and connects anew at once. The old connection carries no more to the device; what the device
// had sent arrives late, if the node has not been told of the new one before; and the node learns last of all.
void World::roam(Device& device, Time late) {
  Connection* old = find(device.connection);
  if (!device.up() || !device.started || old == nullptr || !old->device_open || old->cut) return;
  old->device_open = false;
  old->late_until = now_ + late;
  push(std::max(old->late_until, old->up.last_arrival()) + frame_delay(device), EventKind::NodeLearns, 0, old->id);
  device.connection = 0;
  client::Outputs outputs;
  device.client->stop(device.now(now_), outputs);
  device.client->start(device.now(now_), outputs);
  carry_out(device, outputs);
}

}  // namespace chasqui::sim
