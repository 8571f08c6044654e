// What a log on disk holds after an append: for worlds that keep it in memory.
#pragma once

#include "core/base/check.h"
#include "core/log_image.h"

namespace chasqui::testing {

inline void apply_append(const LogAppend& append, ReplicaImage& image) {
  image.shard = append.shard;
  if (append.reset) {
    image.entries.clear();
    image.first_index = append.snapshot ? append.snapshot->index.next() : RaftIndex(1);
  }
  if (append.hard_state) image.hard_state = *append.hard_state;
  if (append.snapshot) image.snapshot = *append.snapshot;
  if (!append.entries.empty()) {
    if (image.entries.empty()) image.first_index = append.first_index;
    CHASQUI_ASSERT(append.first_index >= image.first_index, "a log is truncated above its beginning");
    image.entries.resize(append.first_index.value() - image.first_index.value());
    image.entries.insert(image.entries.end(), append.entries.begin(), append.entries.end());
  }
  while (append.drop_below > image.first_index && !image.entries.empty()) {
    image.entries.erase(image.entries.begin());
    image.first_index = image.first_index.next();
  }
}

}  // namespace chasqui::testing
