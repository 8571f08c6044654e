#include "core/shard/feed.h"

namespace chasqui::shard {

void OwedMarks::add(const state::FeedItem& item) {
  marks_[{item.user(), item.conversation()}].merge(index_marks_of(item));
}

state::Feed OwedMarks::row() const {
  state::Feed feed;
  for (const auto& [to, marks] : marks_) {
    state::FeedItem& item = *feed.add_items();
    item.set_user(to.first);
    item.set_conversation(to.second);
    put_index_marks(marks, item);
  }
  return feed;
}

}  // namespace chasqui::shard
