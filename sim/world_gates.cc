// What a person says of others: blocked, accepted, neither; and of themselves: who may add them to groups, and whether
// others hear what they read.
#include <optional>

#include "sim/draw.h"
#include "sim/world.h"

namespace chasqui::sim {

void World::gate_item(Device& device, const Item& item) {
  if (!device.up()) return;
  client::Outputs outputs;
  if (item.size > 2) {
    const std::uint64_t more = noise(Concern::Gates, item.object, item.size);
    const auto adds = static_cast<client::Audience>(item.size % 3);
    std::optional<bool> read_receipts;
    if (chance_ppm(more, 700'000)) read_receipts = chance_ppm(mix(more, 1), 400'000);
    (void)device.client->set_privacy(device.now(now_), std::nullopt, adds, read_receipts, outputs);
    return carry_out(device, outputs);
  }
  // Mostly somebody they write to; now and then any other.
  const auto& contacts = plan_.contacts[device.person];
  const std::uint64_t bits = noise(Concern::Gates, item.object, static_cast<std::uint64_t>(item.at));
  UserId other = users_[contacts[item.object % contacts.size()]];
  if (chance_ppm(bits, 150'000)) other = drawn_user(device, mix(bits, 1));
  if (!other || other == device.credentials.user) return;
  const client::Gate gate = item.size == 0 ? client::OPEN : item.size == 1 ? client::BLOCKED : client::REQUEST;
  const std::uint64_t request = device.client->set_gate(device.now(now_), other, gate, outputs);
  // Numbers of a program; the next one counts anew.
  see(GateAsked{device.index, device.incarnation << 32 | request, other, gate == client::BLOCKED});
  carry_out(device, outputs);
}

}  // namespace chasqui::sim
