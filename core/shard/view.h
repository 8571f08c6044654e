// What a command may see: the shard's rows as the commands before it have left them, and the entry's place and time.
//
// Read only; the rows of commands earlier in the same entry are seen. Pointers are good until the command's effects are
// written. Time comes from the log, never from a clock.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/base/keys.h"
#include "core/base/now.h"
#include "core/shard/overlay.h"
#include "proto/client.pb.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

// Where the entry under way stands.
struct Place {
  ShardId shard;
  ShardCount shards;
  RaftIndex index;
  LogTime time;
};

class ShardView {
 public:
  // All three outlive the view. `numbers` are those of now: a cursor moved by this entry is moved.
  ShardView(Overlay& overlay, const Place& place, const state::Shard& numbers)
      : overlay_(overlay), place_(place), numbers_(numbers) {}

  [[nodiscard]] ShardId shard() const { return place_.shard; }
  [[nodiscard]] ShardCount shards() const { return place_.shards; }
  [[nodiscard]] RaftIndex index() const { return place_.index; }
  [[nodiscard]] LogTime time() const { return place_.time; }
  [[nodiscard]] HistoryEpoch history_epoch() const { return HistoryEpoch(numbers_.history_epoch()); }
  [[nodiscard]] RaftIndex feed_cursor() const { return RaftIndex(numbers_.feed_cursor()); }

  // nullptr: there is none.
  [[nodiscard]] const state::Header* header(const ConversationId& conversation) const {
    return overlay_.find<state::Header>(keys::header(shard(), conversation));
  }
  // A copy; nullopt: there is none.
  [[nodiscard]] std::optional<client::Event> event(const ConversationId& conversation, Seq seq) const {
    const std::string* bytes = overlay_.find_bytes(keys::event(shard(), conversation, seq));
    if (bytes == nullptr) return std::nullopt;
    client::Event event;
    CHASQUI_ASSERT(event.ParseFromString(*bytes), "a row of the store is one that this machine wrote");
    return event;
  }
  [[nodiscard]] const state::Hidden* hidden(UserId user, const ConversationId& conversation) const {
    return overlay_.find<state::Hidden>(keys::hidden(shard(), user, conversation));
  }
  [[nodiscard]] bool expires(std::int64_t expires_ms, const ConversationId& conversation, Seq seq) const {
    return overlay_.has(keys::expiry(shard(), expires_ms, conversation, seq));
  }
  [[nodiscard]] const state::Group* group(const ConversationId& conversation) const {
    return overlay_.find<state::Group>(keys::group(shard(), conversation));
  }
  [[nodiscard]] const state::GroupMarks* group_marks(const ConversationId& conversation) const {
    return overlay_.find<state::GroupMarks>(keys::group_marks(shard(), conversation));
  }
  [[nodiscard]] const state::FormerMember* former(const ConversationId& conversation, UserId user) const {
    return overlay_.find<state::FormerMember>(keys::former(shard(), conversation, user));
  }
  [[nodiscard]] const state::MemberCounts* member_counts(const ConversationId& conversation, UserId user) const {
    return overlay_.find<state::MemberCounts>(keys::member_counts(shard(), conversation, user));
  }
  [[nodiscard]] const state::SenderRow* sender(const ConversationId& conversation, UserId user, DeviceId device) const {
    return overlay_.find<state::SenderRow>(keys::sender(shard(), conversation, user, device));
  }
  [[nodiscard]] const state::Account* account(UserId user) const {
    return overlay_.find<state::Account>(keys::account(shard(), user));
  }
  [[nodiscard]] const state::Device* device(UserId user, DeviceId device) const {
    return overlay_.find<state::Device>(keys::device(shard(), user, device));
  }
  [[nodiscard]] const state::Index* index_entry(UserId user, const ConversationId& conversation) const {
    return overlay_.find<state::Index>(keys::index(shard(), user, conversation));
  }
  [[nodiscard]] const state::Version* version_row(UserId user, Version version) const {
    return overlay_.find<state::Version>(keys::version(shard(), user, version));
  }
  // That of this entry, if an earlier command of it has begun one.
  [[nodiscard]] const state::Version* version_row_begun(UserId user) const {
    return overlay_.find_begun<state::Version>(keys::version(shard(), user, Version(index().value())));
  }
  [[nodiscard]] const state::Gate* gate(UserId user, UserId other) const {
    return overlay_.find<state::Gate>(keys::gate(shard(), user, other));
  }
  [[nodiscard]] const state::Handle* handle(std::string_view handle) const {
    return overlay_.find<state::Handle>(keys::handle(shard(), handle));
  }
  [[nodiscard]] const state::Parked* parked(const std::string& key) const { return overlay_.find<state::Parked>(key); }
  [[nodiscard]] bool has_feed_row(RaftIndex index) const { return overlay_.has(keys::feed(shard(), index)); }

 private:
  Overlay& overlay_;  // what is asked for is kept there
  const Place& place_;
  const state::Shard& numbers_;
};

}  // namespace chasqui::shard
