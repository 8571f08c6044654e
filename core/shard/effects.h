// What a command wants done, as a value: rows to write, marks owed to users' indexes, an answer. apply.cc alone writes.
//
// A refusal is Effects with an answer and nothing else, but where a rule says that something is written all the same.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/ids.h"
#include "core/base/owed.h"
#include "core/shard/apply.h"
#include "core/shard/overlay.h"
#include "proto/client.pb.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

struct Effects {
  struct Change {
    std::string key;
    std::optional<RowValue> row;  // nullopt: the row is removed
    bool is_new = false;          // certainly: its key is named by this entry, or by a number that was never given
  };

  std::vector<Change> changes;  // in this order; a later one of the same key wins
  std::vector<state::FeedItem> owed;
  std::vector<Consequence> consequences;
  std::optional<RaftIndex> feed_cursor;  // moved to here
  std::int64_t expiries = 0;             // rows `E` written, less those removed
  Reply reply = Done{};

  [[nodiscard]] static Effects only(Reply reply) {
    Effects effects;
    effects.reply = std::move(reply);
    return effects;
  }
  [[nodiscard]] static Effects refused(client::Code code, std::string message, OutboxSeq next = {}) {
    return only(Refused{code, std::move(message), next});
  }

  void put(std::string key, RowValue row) { changes.push_back({std::move(key), std::move(row), false}); }
  void put_new(std::string key, RowValue row) { changes.push_back({std::move(key), std::move(row), true}); }
  void remove(std::string key) { changes.push_back({std::move(key), std::nullopt, false}); }
  // `user`'s index is to be told, or (a stance) the conversation's shard; 0: says nothing of that.
  void owe(UserId user, const ConversationId& conversation, const Owed& what) {
    state::FeedItem item;
    item.set_user(user.value());
    item.set_conversation(conversation.str());
    what.put(item);
    owed.push_back(std::move(item));
  }
  // The indexes of all members of a group, but of who is told apart, are to be told of its event `head`, and how many
  // messages there are up to it.
  void owe_group(const ConversationId& conversation, Seq head, std::uint64_t messages) {
    owe(UserId(), conversation, {head.value(), 0, {messages, 0, 0, 0}});
  }
};

}  // namespace chasqui::shard
