// A device: the production client core on a journal that loses what it had not synced, in a person's hands.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/client/client.h"
#include "sim/event_queue.h"
#include "sim/history.h"
#include "sim/virtual_node.h"

namespace chasqui::sim {

// The network address of a client; no two share a number.
[[nodiscard]] inline Address address_of(std::uint32_t number) {
  Address address{};
  for (std::size_t i = 0; i < 4; ++i) address[12 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return address;
}

struct Device {
  std::uint32_t index = 0;
  std::uint32_t person = 0;
  std::uint32_t node = 0;  // its server; in a cluster, the one that it tries next
  bool first = false;      // of its person: it makes the account, the others log in

  // Its account; none while has_account is false.
  bool has_account = false;
  client::Credentials credentials;
  std::uint64_t registrations = 0;  // logins after the first: each has a secret of its own
  std::uint64_t call = 0;           // under way; 0: none
  std::uint32_t call_node = 0;      // where
  Time call_at = no_time;           // when it asks next

  // Its journal outlives the program.
  std::vector<std::string> journal;
  std::map<ConversationId, Seq> shown_durable;

  // The program; none while the phone is down.
  std::unique_ptr<client::Client> client;
  std::uint64_t incarnation = 0;
  bool outdated = false;             // its journal is to be replaced
  std::deque<std::string> unsynced;  // records handed out and not on disk
  std::uint64_t handed = 0;          // records that this program has handed out
  std::uint64_t synced = 0;
  std::uint64_t in_sync = 0;  // records of the sync under way; 0: none
  Time wake_at = no_time;
  bool started = false;
  bool greeted = false;  // on its last connection Hello was answered, or it has begun anew
  bool ended = false;    // it was sent away

  // What people do to their phones (world_phones.cc).
  struct Copy {
    std::vector<std::string> journal;
    client::Credentials credentials;
  };
  std::optional<Copy> backup;
  bool doubtful = false;                 // it may have been sent away for what its person did: then it is opened again
  bool revoked = false;                  // sent away since its id is no more
  bool gone = false;                     // thrown away
  std::optional<std::uint32_t> heir;     // thrown away: who goes on in its place
  std::optional<std::uint32_t> twin_of;  // it is a copy of that one

  // What depends on records that may still be lost: counts are of `handed`, before and after the call that made them.
  struct Doubt {
    std::uint64_t before = 0;
    std::uint64_t after = 0;
    ConversationId conversation;
    Seq shown;  // 0: it is a message
    std::string text;
  };
  std::deque<Doubt> doubts;

  // Its network.
  bool network = true;
  std::uint64_t connection = 0;  // that the program uses; 0: none
  bool has_tried = false;        // to connect, since it was made
  std::uint64_t link_draws = 0;
  Time stall = 0;
  Time stall_until = 0;

  // Its person.
  std::uint64_t messages = 0;
  std::map<ConversationId, Seq> polls;  // the last one that it saw
  std::map<ConversationId, Seq> seen;   // by the program that runs now
  std::map<ConversationId, Seq> read;
  bool reading = false;  // they will look at it soon
  Time read_at = 0;      // when they did so last, or when their server did not know yet of all that was read

  [[nodiscard]] bool up() const { return client != nullptr; }
  [[nodiscard]] Now now(Time at) const;

  // Records are on disk up to `count` of those handed out: what was in doubt is settled.
  void settle(std::uint64_t count);
  // The program dies; `survivors` of the records that were not synced are on disk after all. Returns what is forgotten
  // and what the journal knows as shown.
  std::vector<Fact> crash(std::uint64_t survivors);
};

}  // namespace chasqui::sim
