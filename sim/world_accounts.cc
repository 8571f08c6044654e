// Accounts: a person's first device makes it, the others log in; again and again, under the same secret, until done.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "sim/world.h"

namespace chasqui::sim {
namespace {

constexpr Time call_timeout = 8 * second;

}  // namespace

void World::set_call(Device& device, Time at) {
  device.call_at = at;
  push(at, EventKind::CallDue, device.index, static_cast<std::uint64_t>(at));
}

void World::abandon_call(Device& device) {
  VirtualNode& node = *nodes_[device.call_node];
  node.caller_of.erase(device.call);
  if (node.up()) feed(node, CallAbandoned{CallId(device.call)});
  device.call = 0;
}

void World::call_due(Device& device, Time meant) {
  if (device.has_account || device.call_at != meant) return;
  if (device.call != 0) {
    // Nobody waits any longer; the retry is the same request.
    abandon_call(device);
    next_server(device);
  }
  VirtualNode& node = *nodes_[device.node];
  const bool hostile = is_hostile(device.index);
  const bool too_early = !device.first && !hostile && !users_[device.person];
  if (!node.up() || too_early) {
    next_server(device);
    return set_call(device, now_ + second);
  }
  if (device.credentials.secret.empty()) {
    Dice dice(plan_.seed, Concern::Secret, device.index | (device.registrations << 32));
    while (device.credentials.secret.size() < 32)
      device.credentials.secret.push_back(static_cast<char>(dice.roll(0, 255)));
  }
  device.call = ++node.last_call;
  device.call_node = node.index;
  node.caller_of[device.call] = device.index;
  HttpCall call;
  call.call = CallId(device.call);
  call.address = address_of(device.index + 1);
  const std::string handle = absl::StrCat("person.", device.person);
  const std::string name = absl::StrCat("device ", device.index);
  const std::string hash(view(blake2b_256(device.credentials.secret)));
  if (device.first && (hostile || !users_[device.person])) {
    call.body = CreateAccountCall{handle, name, hash};
  } else {
    call.body = LoginCall{handle, name, hash};
  }
  set_call(device, now_ + call_timeout);
  feed(node, std::move(call));
}

void World::answered(VirtualNode& node, Time at, const HttpAnswer& answer) {
  const auto caller = node.caller_of.find(answer.call.value());
  if (caller == node.caller_of.end()) return;  // it was abandoned
  Device& device = device_at(caller->second);
  node.caller_of.erase(caller);
  device.call = 0;
  if (answer.code != 0) {
    if (tracing()) trace(absl::StrCat("device ", device.index, " got no account: ", answer.message));
    next_server(device);
    const Time wait = std::max<Time>(second, Time{answer.retry_after_ms} * millisecond);
    return set_call(device, at + wait);
  }
  device.has_account = true;
  device.credentials.user = answer.user;
  device.credentials.device = answer.device;
  device.credentials.handle = answer.handle;
  if (is_hostile(device.index)) return hostile_joins(device);
  if (device.first && !users_[device.person]) {
    users_[device.person] = answer.user;
  } else if (users_[device.person] != answer.user) {
    see(ContractBroken{node.index, absl::StrCat("a login of person ", device.person, " gave another user's account")});
  }
  see(DeviceJoined{device.index, answer.user, answer.device});
  push(at, EventKind::DeviceRises, device.index, device.incarnation);
}

}  // namespace chasqui::sim
