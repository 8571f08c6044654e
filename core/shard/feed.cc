#include "core/shard/feed.h"

#include <algorithm>

namespace chasqui::shard {

void OwedMarks::add(const state::FeedItem& item) {
  Marks& marks = marks_[{item.user(), item.conversation()}];
  marks.head = std::max(marks.head, item.head());
  marks.read = std::max(marks.read, item.read());
}

state::Feed OwedMarks::row() const {
  state::Feed feed;
  for (const auto& [to, marks] : marks_) {
    state::FeedItem& item = *feed.add_items();
    item.set_user(to.first);
    item.set_conversation(to.second);
    item.set_head(marks.head);
    item.set_read(marks.read);
  }
  return feed;
}

}  // namespace chasqui::shard
