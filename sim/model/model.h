// What is right: a second, slow and plain implementation of what the shards' logs mean, written from ARCHITECTURE.md
// (sections 6, 7 and 10) and not from core/, with which it shares the protobuf messages and the ids alone.
//
// It is fed with what is committed and knows, for each conversation, its events by seq, the answer to every number of
// every device, and the members' marks; for each user, what their index has been told; for each shard, up to where it
// has said that all it owed others has taken effect or is set aside, and what is set aside. Nothing in it fails,
// forgets or is bounded.
//
//   Model model;
//   model.apply(entry);                                   // in the order of each shard's log
//   const Model::Answer* answer = model.answer(key);      // what the device must be told, always
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/base/hash_index.h"
#include "proto/client.pb.h"
#include "sim/model/group.h"
#include "sim/model/logged.h"

namespace chasqui::sim {

class Model {
 public:
  struct Event {
    UserId sender;
    DeviceId device;
    OutboxSeq number;
    LogTime time;
    std::string digest;
    std::uint32_t about_kind = 0;  // a client.About.Kind
    Seq about = {};
    std::uint64_t edits = 0;
    bool erased = false;  // its payload, by a deletion or since its time was over
    std::uint32_t poll_options = 0;
    std::uint32_t poll_choices_max = 0;
    std::int64_t expires_ms = 0;  // log time; 0: never
    std::string nonce;
    bool is_change = false;  // of a group: not a message
    bool withheld = false;   // from the other member, who had blocked its sender
    std::vector<UserId> mentions = {};
  };
  struct Answer {
    client::Code code{};  // OK: it is the event `seq`
    Seq seq;
    LogTime time;
  };
  struct Marks {
    Seq delivered;
    Seq read;
    Seq read_told = {};  // up to where the user lets others know that it is read
  };
  struct IndexEntry {
    Seq head;
    Seq read;
    RaftIndex changed;  // the entry of the user's shard that changed it last
  };
  struct Gate {  // of a member of a direct conversation, towards the other
    LoggedStance said;
    bool has_written = false;
    bool is_held = false;  // the other is told `told`, although the marks may stand higher
    Marks told;            // as the other has been told the member's marks
    [[nodiscard]] bool is_blocked() const;
    [[nodiscard]] bool is_open() const;
  };
  struct Conversation {
    std::vector<Event> events;  // by seq - 1
    std::map<UserId, Gate> gates;
    std::vector<Seq> pins;
    std::uint32_t timer_s = 0;
    std::map<UserId, Marks> marks;
  };
  using Index = std::map<ConversationId, IndexEntry>;
  struct Unread {
    std::uint64_t messages = 0;
    std::uint64_t mentions = 0;
    friend bool operator==(const Unread&, const Unread&) = default;
  };
  // What a shard has said to be done at others, and is not: an event that a member's index does not know.
  struct Untold {
    UserId user;
    ConversationId conversation;
    Seq seq;
  };

  // One entry of a shard's log, in order; an index that was applied before is skipped (another replica's, or a
  // restart). False: entries between are missing.
  [[nodiscard]] bool apply(const LoggedEntry& entry);

  [[nodiscard]] bool fed() const { return !applied_.empty(); }
  [[nodiscard]] const Conversation* conversation(const ConversationId& id) const;
  [[nodiscard]] Seq head(const ConversationId& id) const;
  [[nodiscard]] const Event* event(const ConversationId& id, Seq seq) const;  // none: there is no such event
  // None: that number was never taken.
  [[nodiscard]] const Answer* answer(const ConversationId& id, UserId sender, DeviceId device, OutboxSeq number) const;
  // Of a group by its members' times, of a direct conversation by its name.
  [[nodiscard]] bool has_part(const ConversationId& id, UserId user) const;  // is or was a member
  [[nodiscard]] bool sees(const ConversationId& id, UserId user, Seq seq) const;
  [[nodiscard]] Seq last_for(const ConversationId& id, UserId user) const;  // what there is for them goes up to there
  [[nodiscard]] Seq next_for(const ConversationId& id, UserId user, Seq after) const;
  [[nodiscard]] std::vector<UserId> audience(const ConversationId& id, Seq seq) const;
  [[nodiscard]] const GroupModel* group(const ConversationId& id) const;
  // Whether a stranger's answer is due: they never had a part, nor took a number.
  [[nodiscard]] bool is_stranger(const ConversationId& id, UserId user, DeviceId device) const;
  [[nodiscard]] Marks marks(const ConversationId& id, UserId user) const;
  // What another member may have heard of them at most.
  [[nodiscard]] Marks marks_told(const ConversationId& id, UserId user) const;
  [[nodiscard]] Unread unread(const ConversationId& id, UserId user) const;
  [[nodiscard]] const Index* index(UserId user) const;
  [[nodiscard]] const std::map<ConversationId, Conversation>& conversations() const { return conversations_; }
  [[nodiscard]] bool is_hidden(UserId user, const ConversationId& id, Seq seq) const;
  [[nodiscard]] std::uint64_t erased() const { return erased_; }  // payloads
  // Of the last apply(): what its cursors or unparks said to be done although it is not.
  [[nodiscard]] const std::vector<Untold>& untold() const { return untold_; }

 private:
  void apply(const LoggedEntry& entry, const LoggedSend& send);
  [[nodiscard]] static std::int64_t expiry(const Conversation& conversation, const LoggedEntry& entry,
                                           const LoggedSend& send);
  void apply_to_group(const LoggedEntry& entry, const LoggedSend& send);
  Seq append(const LoggedEntry& entry, const LoggedSend& send);
  // A client.Code; 0: it may be stored.
  [[nodiscard]] static std::uint32_t refused(const Conversation& conversation, const LoggedEntry& entry,
                                             const LoggedSend& send, bool is_admin);
  void about(Conversation& conversation, const LoggedSend& send);
  void erase(Conversation& conversation, Seq message);
  void apply(const LoggedEntry& entry, const LoggedDue& due);
  void apply(const LoggedEntry& entry, const LoggedHide& hide);
  void apply(const LoggedEntry& entry, const LoggedGate& gate);
  Conversation& conversation_at(const ConversationId& id);
  void learn(const ConversationId& id, UserId user, const LoggedStance& said);
  [[nodiscard]] static UserId other_of(const ConversationId& id, UserId user);
  [[nodiscard]] static bool tells_marks(Conversation& conversation, const ConversationId& id, UserId user);
  static void tell_marks(Conversation& conversation, const ConversationId& id, UserId user);
  [[nodiscard]] static bool is_withheld(Conversation& conversation, const LoggedSend& send);
  void apply(const LoggedEntry& entry, const LoggedMark& mark);
  void apply(const LoggedEntry& entry, const LoggedNotice& notice);
  void apply(const LoggedEntry& entry, const LoggedCursor& cursor);
  void apply(const LoggedEntry& entry, const LoggedParked& parked);
  void apply(const LoggedEntry& entry, const LoggedUnparked& unparked);
  [[nodiscard]] bool knows(UserId user, const ConversationId& conversation, Seq seq) const;  // by the index

  struct Owed {  // by the entry that made the event
    ConversationId conversation;
    Seq seq;
  };
  std::map<LoggedShard, RaftIndex> applied_;
  std::map<ConversationId, Conversation> conversations_;
  HashIndex<ConversationId, Conversation*> by_id_;  // into the map, which is for going through them in order
  HashIndex<std::tuple<ConversationId, UserId, DeviceId>, std::vector<Answer>> answers_;  // by number - 1
  std::map<ConversationId, GroupModel> groups_;
  std::map<UserId, Index> indexes_;
  std::map<std::pair<UserId, ConversationId>, std::vector<std::pair<std::uint64_t, std::uint64_t>>> hidden_;
  std::uint64_t erased_ = 0;
  std::map<LoggedShard, std::deque<std::pair<RaftIndex, Owed>>> owed_;     // above the shard's cursor
  std::map<std::tuple<LoggedShard, UserId, ConversationId>, Seq> parked_;  // by the shard that owes it
  std::vector<Untold> untold_;
};

}  // namespace chasqui::sim
