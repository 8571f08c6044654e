#include "core/shard/feed.h"

namespace chasqui::shard {

void OwedMarks::add(const state::FeedItem& item) {
  const Owed owed = Owed::of(item);
  marks_[{item.user(), item.conversation(), owed.is_stance()}].merge(owed);
}

state::Feed OwedMarks::row() const {
  state::Feed feed;
  for (const auto& [to, owed] : marks_) {
    state::FeedItem& item = *feed.add_items();
    item.set_user(to.user);
    item.set_conversation(to.conversation);
    owed.put(item);
  }
  return feed;
}

}  // namespace chasqui::shard
