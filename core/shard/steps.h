// When a mark passed which seq: "delivered at", "read at". The last 16 steps of each mark, in whole seconds of log time
// (a finer one would tell strangers when a phone wakes up: RELIABILITY.md section 7).
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/ids.h"
#include "core/base/now.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

// The mark has moved to `to`, which is above where it was.
void note_step(state::Steps& steps, std::uint64_t to, LogTime time);
// It stands at `at`, and since when is not known.
void forget_steps(state::Steps& steps, std::uint64_t at);

// When the mark, which is at or above `seq`, passed it, in ms; 0: that is not known (any more).
[[nodiscard]] std::int64_t passed_ms(const state::Steps& steps, Seq seq);

}  // namespace chasqui::shard
