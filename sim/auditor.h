// One more device of a person, that only asks what has changed (world_audit.cc).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "sim/event_queue.h"

namespace chasqui::sim {

struct Auditor {
  std::uint32_t person = 0;
  std::uint32_t node = 0;  // that it asks
  bool has_account = false;
  DeviceId device;
  std::string secret;
  std::uint64_t generation = 0;
  std::uint32_t epoch = 0;  // of the history, as told last

  // What it was told so far: a version, and all that it knew then.
  struct Told {
    Version version;
    std::map<ConversationId, Seq> known;
  };
  std::vector<Told> told;

  // The question under way.
  Time since = 0;
  std::uint64_t call = 0;     // a login; 0: none
  SessionId session;          // 0: none
  std::uint64_t audit = 0;    // its number in the run
  std::size_t from = 0;       // from `told[from - 1]`; 0: from nothing
  bool at_end = false;        // all has settled
  bool is_listening = false;  // it had its last page, and waits for what its cluster has not told yet
  Version top;                // told with its first page
  std::map<ConversationId, Seq> known;

  [[nodiscard]] bool busy() const { return call != 0 || static_cast<bool>(session); }
  [[nodiscard]] Version version() const { return from == 0 ? Version() : told[from - 1].version; }
};

}  // namespace chasqui::sim
