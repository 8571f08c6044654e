#include "core/shard/steps.h"

#include <algorithm>

#include "core/base/bounds.h"

namespace chasqui::shard {

void note_step(state::Steps& steps, std::uint64_t to, LogTime time) {
  if (!steps.seqs().empty() && steps.seqs(steps.seqs_size() - 1) >= to) return;
  const auto second = static_cast<std::uint32_t>(std::clamp<std::int64_t>(time.ms / 1'000, 0, 0xffff'ffff));
  if (!steps.times_s().empty() && steps.times_s(steps.times_s_size() - 1) == second) {  // nothing is lost by that
    steps.set_seqs(steps.seqs_size() - 1, to);
    return;
  }
  if (static_cast<std::uint64_t>(steps.seqs_size()) >= bounds::receipt_steps_kept) {
    steps.set_forgotten(steps.seqs(0));
    steps.mutable_seqs()->erase(steps.seqs().begin());
    steps.mutable_times_s()->erase(steps.times_s().begin());
  }
  steps.add_seqs(to);
  steps.add_times_s(second);
}

void forget_steps(state::Steps& steps, std::uint64_t at) {
  steps.Clear();
  steps.set_forgotten(at);
}

std::int64_t passed_ms(const state::Steps& steps, Seq seq) {
  if (seq.value() <= steps.forgotten()) return 0;
  const auto at = std::lower_bound(steps.seqs().begin(), steps.seqs().end(), seq.value());
  if (at == steps.seqs().end()) return 0;
  return std::int64_t{1'000} * steps.times_s(static_cast<int>(at - steps.seqs().begin()));
}

}  // namespace chasqui::shard
