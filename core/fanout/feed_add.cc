// Of the feed: what an entry owes goes into batches, its events with it.
#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/check.h"
#include "core/base/points.h"
#include "core/fanout/feed.h"

namespace chasqui::fanout {
namespace {

bool is_for(const FreshEvent& event, UserId user) {
  return event.audience == nullptr || std::binary_search(event.audience->begin(), event.audience->end(), user);
}

}  // namespace

void Feed::add(RaftIndex index, const state::Feed& row, const std::vector<FreshEvent>& events) {
  if (!leads_) return;
  CHASQUI_ASSERT(index > last_, "rows come in the order of their entries");
  last_ = index;
  // Once one row waits in the store, all later ones do: they are read in order.
  if (unread_from_ < unread_to_ || reading_ || !room()) {
    CHASQUI_MARK("feed_full");
    if (unread_from_ >= unread_to_ && !reading_) unread_from_ = RaftIndex(index.value() - 1);
    unread_to_ = index;
    return;
  }
  for (const state::FeedItem& item : row.items()) {
    const auto conversation = ConversationId::parse(item.conversation());
    if (!conversation) continue;
    const bool is_todays = CHASQUI_CANARY("current_members");
    if (is_todays && item.user() != 0 && conversation->is_group() && item.head() != 0) continue;  // who has just left
    if (item.user() == 0) {
      std::shared_ptr<const std::vector<UserId>> today;
      for (const FreshEvent& event : events) {
        if (is_todays && event.conversation == *conversation) today = event.audience;
      }
      for (const FreshEvent& event : events) {
        if (event.conversation != *conversation || event.audience == nullptr) continue;
        const std::vector<UserId>& audience = today != nullptr ? *today : *event.audience;
        const IndexMarks marks{event.seq.value(), 0, {event.messages, 0, 0, 0}};
        add_group_item(index, item.conversation(), marks, audience, &event.bytes);
        if (!CHASQUI_CANARY("members_cached")) continue;
        std::vector<UserId> before;  // as those know it to whom something is on its way
        for (const auto& [id, batch] : sent_) {
          for (const peer::NotifyItem& earlier : batch.frame.items()) {
            if (earlier.conversation() != item.conversation()) continue;
            for (const std::uint64_t user : earlier.users()) before.emplace_back(user);
          }
        }
        add_group_item(index, item.conversation(), marks, before, &event.bytes);
      }
      continue;
    }
    if (conversation->is_group()) {  // its events came with its members, those who leave by them included
      add_item(index, item, nullptr);
      continue;
    }
    // A row tells the last head of the entry; earlier events of the same conversation ride before it.
    const std::string* last_event = nullptr;
    for (const FreshEvent& event : events) {
      if (item.head() == 0 || event.conversation != *conversation || !is_for(event, UserId(item.user()))) continue;
      if (event.seq.value() == item.head()) {
        last_event = &event.bytes;
        continue;
      }
      state::FeedItem earlier;  // without what is read by the end of the entry: of this event that is not so yet
      earlier.set_user(item.user());
      earlier.set_conversation(item.conversation());
      earlier.set_head(event.seq.value());
      earlier.set_messages(event.messages);
      earlier.set_opened(item.opened());
      add_item(index, earlier, &event.bytes);
    }
    add_item(index, item, last_event);
  }
}

void Feed::add_item(RaftIndex index, const state::FeedItem& item, const std::string* event) {
  const Owed owed = Owed::of(item);
  const auto conversation = ConversationId::parse(item.conversation());
  if (!conversation) return;
  const ShardId destination = owed.destination(UserId(item.user()), *conversation, shards_);
  ++rows_[index];
  ++outstanding_;
  if (is_silent(destination)) return park(UserId(item.user()), item.conversation(), owed, index);
  Batch& batch = batch_with_room(destination);
  peer::NotifyItem& notify = *batch.frame.add_items();
  notify.set_user(item.user());
  notify.set_conversation(item.conversation());
  owed.put(notify);
  if (event != nullptr) notify.set_event(*event);
  batch.rows.push_back(index);
  ++batch.users;
}

void Feed::add_group_item(RaftIndex index, const std::string& conversation, const IndexMarks& marks,
                          std::span<const UserId> users, const std::string* event) {
  if (users.empty()) return;
  rows_[index] += users.size();
  outstanding_ += users.size();
  absl::btree_map<ShardId, std::vector<UserId>> by_shard;
  for (const UserId user : users) by_shard[shard_of(user, shards_)].push_back(user);
  for (const auto& [destination, there] : by_shard) {
    if (is_silent(destination)) {
      for (const UserId user : there) park(user, conversation, {.head = marks.head, .counts = marks.counts}, index);
      continue;
    }
    for (std::size_t i = 0; i < there.size();) {
      Batch& batch = batch_with_room(destination);
      peer::NotifyItem& notify = *batch.frame.add_items();
      notify.set_conversation(conversation);
      put_index_marks(marks, notify);
      if (event != nullptr) notify.set_event(*event);
      batch.rows.push_back(index);
      do {
        notify.add_users(there[i++].value());
        ++batch.users;
      } while (i < there.size() && batch.users < limits_.feed_batch_items_max);
    }
  }
}

}  // namespace chasqui::fanout
