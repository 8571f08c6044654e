// A hostile user: an account and a device like anybody's, but no client core. The world speaks raw frames for it
// (world_hostile.cc) over ordinary connections; what it says is made by tricks.h.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "sim/device.h"
#include "sim/draw.h"
#include "sim/plan/plan.h"

namespace chasqui::sim {

// Hostile devices are numbered from here on, wherever a device is named by its number.
constexpr std::uint32_t hostile_base = 1'000'000;
[[nodiscard]] constexpr bool is_hostile(std::uint32_t device) {
  return device >= hostile_base;
}

// What it knows, and what it has said.
struct Scene {
  std::uint32_t index = 0;
  UserId user;
  DeviceId device;
  std::string secret;
  std::vector<UserId> others;                               // at its node; honest people first
  std::map<ConversationId, std::uint64_t> next_outbox_seq;  // less one
  std::map<std::uint64_t, ConversationId> sends;            // by request; the last sends_max
  std::deque<std::string> old;                              // messages that it sent; the last old_max
  std::uint64_t texts = 0;
  std::uint64_t requests = 0;
  std::uint64_t generation = 0;
  std::uint64_t renewals = 0;
  std::string renewed_secret;  // that it has asked for

  static constexpr std::size_t old_max = 64;
  static constexpr std::size_t sends_max = 256;
};

// One connection of it, and what it does there.
struct HostileSession {
  ItemKind trick{};
  std::uint64_t size = 0;
  Time until = 0;
  Time gap = 0;  // between volleys
  std::uint32_t connects_left = 0;
  bool greeted = false;
  bool token_is_out = false;
  std::uint64_t entity = 0;  // of its draws
  std::uint64_t volleys = 0;
};

struct Hostile {
  Device device;  // its account and its network; never a client
  Scene scene;
  std::map<std::uint64_t, HostileSession> sessions;  // by connection
};

}  // namespace chasqui::sim
