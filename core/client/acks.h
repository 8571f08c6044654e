// What this device tells of what it has: one delivered and one read mark per conversation, said again until the server
// confirms that they are committed.
//
// Marks merge by max, so saying one twice, late, or out of order does no harm; a mark that a server drops (too many at
// once) is simply said again: after 2 s, 4 s, ... 30 s, and at the next connection.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/client/timers.h"
#include "proto/client.pb.h"

namespace chasqui::client {

class Acks {
 public:
  static constexpr std::uint64_t at_once_max = 256;  // marks in one message; the others follow in the next

  // `delivered` of a group waits longer than all else: its receipts are told once a second, so who said each at once
  // would only wake his radio, and the server, as often as somebody says something.
  Acks(Duration linger, Duration group_linger) : linger_(linger), group_linger_(std::max(linger, group_linger)) {}

  // All of 1..seq is on this device's disk.
  void on_taken(const ConversationId& conversation, Seq seq, MonoTime now);
  // The person has seen all of 1..seq. True if that is news.
  bool on_read(const ConversationId& conversation, Seq seq, MonoTime now);
  // What is committed. True if that is news.
  bool on_confirmed(const ConversationId& conversation, Seq delivered, Seq read);
  // The device has only this much (any more): marks above are void, and what was confirmed is to be confirmed anew.
  void go_back(const ConversationId& conversation, Seq taken);
  void confirm_all_anew();
  // Everything unconfirmed is due at once, unsaid as far as the new session knows.
  void on_connected(MonoTime now);

  // What is to be said now; with `riding` (a message leaves anyway) also what would linger. At most at_once_max.
  [[nodiscard]] std::vector<Ack> take(MonoTime now, bool riding, HistoryEpoch epoch);
  [[nodiscard]] MonoTime next_deadline() const { return earlier(lingering_.next(), repeats_.next()); }

  void replay(const ConversationId& conversation, const JournalMarks& record);
  void describe(const ConversationId& conversation, JournalMarks& record) const;
  [[nodiscard]] bool all_confirmed() const;
  [[nodiscard]] Seq read(const ConversationId& conversation) const;
  [[nodiscard]] std::vector<ConversationId> conversations() const;

 private:
  struct Lane {
    Seq delivered;
    Seq read;
    Seq delivered_confirmed;
    Seq read_confirmed;
    std::uint32_t repeats = 0;
    [[nodiscard]] bool is_confirmed() const { return delivered_confirmed >= delivered && read_confirmed >= read; }
  };
  void say(const ConversationId& conversation, Lane& lane, MonoTime now, HistoryEpoch epoch, std::vector<Ack>& out);

  Duration linger_;
  Duration group_linger_;
  absl::btree_map<ConversationId, Lane> lanes_;
  Timers<ConversationId> lingering_;  // something new to say
  Timers<ConversationId> repeats_;    // said and not confirmed
};

}  // namespace chasqui::client
