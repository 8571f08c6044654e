// The inbox: takes each event of each conversation once and in order.
//
// Three marks per conversation: `taken` (all of 1..taken is in the journal, synced), `journaled` (handed out to be
// synced) and `head` (there is that much, as we were told). taken <= journaled, and journaled + 1 is what is missing
// if head is above.
//
// Invariants: (1) Received comes for taken + 1 only, once its record is synced; (2) what comes again changes nothing;
// (3) what comes above a gap is buffered if there is room, else forgotten: the gap and all above are fetched from the
// history; what a group's history says to be hidden, and an event that is withheld, is passed over like what was taken;
// (4) an event whose payload does not fit its digest is never taken.
//
// Bounds: 256 events above a gap per conversation, 4,096 and 16 MiB in all; 4,096 events and 16 MiB not yet synced; 8
// fetches outstanding; 262,144 conversations. At a bound nothing is lost: it is fetched later. Events taken and not yet
// shown are kept for the application, and bounded by it alone.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/base/random.h"
#include "core/client/client.h"
#include "core/client/journal.h"
#include "core/client/timers.h"
#include "proto/client.pb.h"

namespace chasqui::client {

struct Fetch {
  ConversationId conversation;
  Seq after;
  std::uint32_t limit = 0;
};

class Inbox {
 public:
  static constexpr std::uint64_t lane_buffer_events_max = 256;
  static constexpr std::uint64_t buffer_events_max = 4096;
  static constexpr std::uint64_t buffer_bytes_max = 16 * 1024 * 1024;
  static constexpr std::uint64_t unsynced_events_max = 4096;
  static constexpr std::uint64_t unsynced_bytes_max = 16 * 1024 * 1024;
  static constexpr std::uint64_t fetches_max = 8;
  static constexpr std::uint64_t fetch_events_max = 200;
  static constexpr std::uint64_t conversations_max = 262'144;

  // `fetch` false: heads are followed, nothing is taken.
  Inbox(Journal& journal, Random& random, Duration retry_base, Duration retry_cap, bool fetch)
      : journal_(journal), random_(random), retry_base_(retry_base), retry_cap_(retry_cap), fetch_(fetch) {}

  // An event, pushed or of a page. InvalidArgument: it is malformed, or not what its digest says; nothing is taken.
  absl::Status on_event(const ConversationId& conversation, const Event& event);
  void note_head(const ConversationId& conversation, Seq head);
  // The same, of which an event is probably on its way: fetched only if it is not there at `at`.
  void expect_head(const ConversationId& conversation, Seq head, MonoTime at);

  // What to ask for now; it is then outstanding until on_page, on_fetch_error or on_connection_lost.
  [[nodiscard]] std::optional<Fetch> next_fetch(MonoTime now);
  [[nodiscard]] MonoTime next_deadline(MonoTime now) const;
  absl::Status on_page(const ConversationId& conversation, const HistoryPage& page, MonoTime now);
  void on_fetch_error(const ConversationId& conversation, const Error& error, MonoTime now);
  void on_connected();
  void on_connection_lost();

  // Everything that has become safe is taken, and handed to the application.
  void on_persisted(std::vector<Received>& out);
  void mark_shown(const ConversationId& conversation, Seq seq);

  // What a deletion erases, or whose time is over by this device's clock, goes from what is kept here at once, and from
  // the journal when its owner replaces it.
  void expire(WallTime wall);
  // A send of one's own is that event: what it said stands in the journal, if it has not been replaced since.
  void note_own(const ConversationId& conversation, Seq seq);
  [[nodiscard]] std::optional<WallTime> next_expiry() const { return next_expiry_; }
  [[nodiscard]] bool holds_erased() const { return holds_erased_; }
  void journal_replaced();

  // A restored server: asks each conversation for its head, and goes back to it where we have more.
  void verify_all();
  [[nodiscard]] bool is_verifying() const { return !verifying_.empty(); }

  absl::Status replay(const ConversationId& conversation, const JournalTaken& record, Event& event);
  absl::Status replay(const ConversationId& conversation, const JournalPosition& record);
  void replay(const ConversationId& conversation, const JournalShown& record);
  void compact(std::vector<JournalRecord>& out) const;

  [[nodiscard]] Seq taken(const ConversationId& conversation) const;
  [[nodiscard]] Seq head(const ConversationId& conversation) const;  // known, or taken
  [[nodiscard]] std::vector<Received> not_shown() const;
  [[nodiscard]] std::vector<ConversationId> conversations() const;

 private:
  struct Lane {
    Seq taken;
    Seq journaled;
    Seq shown;
    Seq shown_elsewhere;          // up to here the journal holds nothing of what was shown
    bool own_in_journal = false;  // sends that were answered
    bool has_deletion = false;    // one was taken since the journal was replaced
    Seq head;
    Seq head_since_fetch;  // told while a fetch is outstanding: its page may not know it yet
    Seq expected;          // see expect_head
    absl::btree_map<Seq, Event> above_gap;
    std::deque<Event> kept;  // shown + 1 .. journaled, less what is hidden
    std::uint32_t failures = 0;
    bool fetching = false;
    bool queued = false;
  };
  struct Unsynced {
    std::uint64_t record = 0;
    ConversationId conversation;
    Seq seq;
    std::uint64_t bytes = 0;
    bool is_hidden = false;  // all up to `seq` is not for this user: nothing is handed to the application
  };

  Lane* lane_of(const ConversationId& conversation);
  [[nodiscard]] const Lane* find(const ConversationId& conversation) const;
  [[nodiscard]] bool has_room(std::uint64_t share) const;
  void take(const ConversationId& conversation, Lane& lane, const Event& event);
  void note_erasure(Lane& lane, const Event& event);
  void take_what_follows(const ConversationId& conversation, Lane& lane);
  void buffer(Lane& lane, const Event& event);
  void forget(Lane& lane, Seq seq);
  absl::Status pass_hidden(const ConversationId& conversation, Lane& lane, const HistoryPage& page, int& at);
  void pass(const ConversationId& conversation, Lane& lane, Seq to);
  // That all up to where it is journaled has its place.
  [[nodiscard]] static JournalRecord position_record(const ConversationId& conversation, const Lane& lane);
  [[nodiscard]] bool wants(const ConversationId& conversation, const Lane& lane) const;
  void want(const ConversationId& conversation, Lane& lane);
  void retry(const ConversationId& conversation, Lane& lane, MonoTime now, std::uint32_t retry_after_ms);
  void verify(const ConversationId& conversation, Lane& lane, Seq head);
  void go_back(const ConversationId& conversation, Lane& lane, Seq head);

  Journal& journal_;
  Random& random_;
  Duration retry_base_;
  Duration retry_cap_;
  bool fetch_;
  absl::btree_map<ConversationId, Lane> lanes_;
  absl::btree_set<ConversationId> behind_;  // want a fetch, whether they wait for it or not
  absl::btree_set<ConversationId> verifying_;
  std::deque<ConversationId> queue_;  // whose turn it is to fetch
  Timers<ConversationId> retries_;
  Timers<ConversationId> expectations_;
  MonoTime paused_until_{};  // the server asked us to slow down
  std::deque<Unsynced> unsynced_;
  std::uint64_t unsynced_bytes_ = 0;
  std::uint64_t buffered_ = 0;
  std::uint64_t buffered_bytes_ = 0;
  std::uint64_t fetching_ = 0;
  std::optional<WallTime> next_expiry_;  // of an event in the journal, or before
  bool holds_erased_ = false;
};

// InvalidArgument: no seq, or the payload is not what the digest says.
[[nodiscard]] absl::Status check_event(const Event& event);

}  // namespace chasqui::client
