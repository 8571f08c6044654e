// An event of the queue as a few words.
#pragma once

#include <string>

#include "sim/event_queue.h"

namespace chasqui::sim {

[[nodiscard]] const char* word(EventKind kind);
// e.g. "frame_up connection 7"
[[nodiscard]] std::string describe(const Event& event);

}  // namespace chasqui::sim
