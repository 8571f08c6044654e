#include "core/gateway/bucket.h"

#include <algorithm>
#include <limits>

namespace chasqui::gateway {
namespace {

// Saturating: a bench's burst of a million tokens of 10 minutes each is above any clock.
std::int64_t span_ns(std::uint64_t tokens, Rate rate) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / 4);
  if (rate.token_ns != 0 && tokens > most / rate.token_ns) return static_cast<std::int64_t>(most);
  return static_cast<std::int64_t>(tokens * rate.token_ns);
}

std::int64_t start_ns(std::int64_t full_at_ns, bool used, MonoTime now) {
  return used ? std::max(full_at_ns, now.ns) : now.ns;
}

}  // namespace

bool Bucket::take(MonoTime now, Rate rate, std::uint64_t tokens) {
  const std::int64_t full_at_ns = start_ns(full_at_ns_, used_, now) + span_ns(tokens, rate);
  if (full_at_ns > now.ns + span_ns(rate.burst, rate)) return false;
  full_at_ns_ = full_at_ns;
  used_ = true;
  return true;
}

std::uint32_t Bucket::wait_ms(MonoTime now, Rate rate, std::uint64_t tokens) const {
  const std::int64_t over_ns =
      start_ns(full_at_ns_, used_, now) + span_ns(tokens, rate) - now.ns - span_ns(rate.burst, rate);
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(over_ns / 1'000'000 + 1, 1, 3'600'000));
}

}  // namespace chasqui::gateway
