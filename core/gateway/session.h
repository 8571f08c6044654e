// One live connection of one device, as its gateway knows it.
//
//   Opened --Hello--> Checking --token is good--> Greeting --HelloAnswer--> Live --> (gone)
//
// From Greeting on the session is registered: nothing that changes in the user's index passes it by. What comes before
// the HelloAnswer, or while the session is behind, is kept as heads (`missed`) and told when it can be.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/ids.h"
#include "core/base/index_marks.h"
#include "core/base/now.h"
#include "core/gateway/bucket.h"
#include "proto/client.pb.h"

namespace chasqui::gateway {

// What an index entry says beside its marks.
struct Standing {
  std::uint64_t hides = 0;                          // 0: nothing new
  std::optional<client::Gate> gate = std::nullopt;  // nullopt: says nothing, nor of an invitation
  bool is_invitation = false;
  bool is_news = false;  // the gate or the invitation is

  void merge(const Standing& later) {
    hides = std::max(hides, later.hides);
    is_news = is_news || later.is_news;
    if (!later.gate) return;
    gate = later.gate;
    is_invitation = later.is_invitation;
  }
};

// What an index says that no event does, as one number that grows whenever any of it does.
[[nodiscard]] inline std::uint64_t beside_events(const IndexMarks& marks) {
  return marks.read + marks.counts.messages_read + marks.counts.mentions + marks.counts.mentions_read;
}

// The heads that a session was pushed lately, so that a committed mark need not tell them again. A forgotten one costs
// a superfluous Head, nothing more.
class PushedHeads {
 public:
  void note(const ConversationId& conversation, Seq head, const Standing& standing = {}, std::uint64_t beside = 0) {
    for (Entry& entry : entries_) {
      if (entry.conversation == conversation) {
        entry.head = std::max(entry.head, head);
        entry.standing.merge(standing);
        entry.beside = std::max(entry.beside, beside);
        return;
      }
    }
    entries_[next_] = {conversation, head, standing, beside};
    next_ = (next_ + 1) % entries_.size();
  }
  // An event says nothing of the standing: a row of the index that moves between two pages of a sync is told as a
  // whole.
  [[nodiscard]] bool covers(const ConversationId& conversation, Seq head, const Standing& standing) const {
    if (standing.is_news) return false;
    for (const Entry& entry : entries_) {
      if (entry.conversation != conversation) continue;
      const bool is_known = !standing.gate || standing.gate == entry.standing.gate.value_or(client::OPEN);
      return entry.head >= head && entry.standing.hides >= standing.hides && is_known;
    }
    return false;
  }
  [[nodiscard]] bool covers(const ConversationId& conversation, std::uint64_t beside) const {
    return beside == 0 || std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
             return entry.conversation == conversation && entry.beside >= beside;
           });
  }

 private:
  struct Entry {
    ConversationId conversation;
    Seq head;
    Standing standing;
    std::uint64_t beside = 0;
  };
  std::array<Entry, 8> entries_{};
  std::size_t next_ = 0;
};

struct Session {
  enum class State : std::uint8_t { Opened, Checking, Greeting, Live };
  // Heads kept for a session that cannot be told now; one more ends it: it comes back and syncs.
  static constexpr std::size_t missed_max = 1024;

  struct Missed {
    IndexMarks marks;
    Version version;
    Standing standing;          // of the index entry
    bool beside_events = true;  // more has moved than what the event at the head says
    void merge(const Missed& later) {
      marks.merge(later.marks);
      version = std::max(version, later.version);
      standing.merge(later.standing);
      beside_events = beside_events || later.beside_events;
    }
  };

  SessionId id;
  State state = State::Opened;
  Address address{};
  MonoTime opened_at;
  UserId user;
  DeviceId device;
  std::uint64_t generation = 0;
  Version version;  // of the user's index: it has been told, or will be, of everything up to it
  Version heard;    // the highest it was told of; above `version` while a leader looks up what it lacks
  // A leader took it in before its Hello was answered. What changed between that answer's reads and then was told to
  // nobody, so that it is registered once more, from the version of the answer on.
  bool registered_unanswered = false;
  // Nothing of what it has heard of is still to come.
  void count_as_told() {
    if (!registered_unanswered) version = std::max(version, heard);
  }
  std::uint64_t bytes_out = 0;   // handed out and not yet written
  std::uint64_t unanswered = 0;  // requests
  bool reading = true;
  bool behind = false;
  MonoTime progress_at;  // when a behind session last read something
  absl::btree_map<ConversationId, Missed> missed;
  // What is unread there has changed, and nothing else: told together a little later, unless a head is told before.
  absl::btree_map<ConversationId, Missed> recounted;
  std::optional<MonoTime> recount_due;
  // It has not been told its whole index yet: a row that moves between two pages is on neither, and told as a whole.
  bool is_paging = true;
  bool reads_private = false;  // SetPrivacy.read_receipts is off: nothing of others' reads is told to it
  std::uint64_t privacy_changes = 0;
  PushedHeads pushed;
  Bucket sends;
  Bucket send_bytes;
  Bucket acks;
  Bucket pages;
  Bucket forwards;
  Bucket settings;
  Bucket ephemerals;
  std::vector<UserId> watched;  // ascending: presence and typing of others are not for it
};

}  // namespace chasqui::gateway
