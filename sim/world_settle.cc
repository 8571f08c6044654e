// After healing: what has still to arrive, when all has settled, and the end of the run.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sim/world.h"

namespace chasqui::sim {
namespace {

// After the bound of I23 the run goes on for so long, to tell what is late (I23) from what is lost (I1).
constexpr Time grace = 90 * second;
// After all has arrived, so that what should not come any more has its chance to come.
// Long enough for what devices do not wait for: a batch that was refused comes again after 5 s, and its marks linger.
constexpr Time afterwards = 9 * second;
// And in a cluster what was parked is sent when its shard is back.
constexpr Time afterwards_in_cluster = 20 * second;
// A page is asked for when the one before has come; a node that is busy reading answers late.
constexpr std::uint64_t page_round_ms = 200;

}  // namespace

// What waits at devices leaves at the rate of one device, what they lack comes in pages at the rate of pages. Twice
// that, since whoever meets a limit waits longer than it takes.
Time World::backlog() const {
  std::uint64_t unsent = 0;
  for (const auto& device : devices_) {
    if (device->up()) unsent = std::max(unsent, device->client->unsent());
  }
  const Limits& limits = plan_.limits;
  const std::uint64_t pages = (unsent + judge_.most_missing()) / limits.page_events_max + 1;
  const std::uint64_t ms =
      unsent * limits.send_device_refill_ms + pages * (limits.page_device_refill_ms + page_round_ms);
  return 2 * static_cast<Time>(ms) * millisecond;
}

std::string World::unsettled() const {
  for (const auto& device : devices_) {
    if (device->gone || (!plan_.is_cluster() && nodes_[device->node]->refused)) continue;
    if (!device->has_account) return absl::StrCat("device ", device->index, " has no account");
    if (!device->up()) return absl::StrCat("device ", device->index, " does not run");
    if (device->ended) return absl::StrCat("device ", device->index, " was sent away for good");
    if (!device->client->is_connected()) return absl::StrCat("device ", device->index, " is not connected");
    if (device->client->unsent() > 0) {
      return absl::StrCat("device ", device->index, " has ", device->client->unsent(), " messages without an answer");
    }
  }
  return judge_.missing();
}

void World::check_settled() {
  for (const auto& device : devices_) {
    if (device->up() && !device->client->marks_are_confirmed()) device->read_at = now_;
  }
  const std::string missing = unsettled();
  const Time later = plan_.is_cluster() ? afterwards_in_cluster : afterwards;
  if (missing.empty()) {
    if (settled_at_ < 0) {
      settled_at_ = now_;
      see(Settled{});
    }
    if (now_ >= settled_at_ + later) rest();
    if (over_) return;
    // A moment for what no device waits for: marks that linger at indexes.
    if (now_ >= settled_at_ + later - second && !end_audited_) {
      end_audited_ = true;
      audit_the_end();
    }
  } else {
    if (now_ > healed_at_ + settle_bound_ && !told_late_) {
      told_late_ = true;
      see(NotSettled{missing});
      if (over_) return;
    }
    if (now_ > healed_at_ + settle_bound_ + grace) return ends();
  }
  push(now_ + second, EventKind::SettleCheck, 0, 0);
}

// What each device lists by now is looked at, settled or not.
void World::ends() {
  std::vector<Fact> facts;
  cluster_log_.all_visible(facts);
  see_all(facts);
  judge_listeners();
  if (plan_.plan_class != PlanClass::Beyond) {
    search_disks();
    list_hidden();
    list_unread(plan_.is_cluster() ? afterwards_in_cluster : afterwards);
  }
  for (const auto& device : devices_) {
    if (!device->has_account || !device->up()) continue;
    ListSeen list{device->index, {}};
    for (const ConversationId& conversation : device->client->conversations()) {
      const Seq taken = device->client->taken(conversation);
      if (taken) list.heads.emplace_back(conversation, taken);
    }
    see(std::move(list));
  }
  over_ = true;
}

// Once nobody reads any more, and the last marks have had their time, nothing but pings may pass.
void World::rest() {
  const Time quiet = static_cast<Time>(plan_.knobs.quiet_s) * second;
  if (quiet == 0) {
    ends();
    return;
  }
  const bool busy = std::any_of(devices_.begin(), devices_.end(), [](const auto& device) { return device->reading; });
  if (busy) rested_at_ = -1;
  if (!busy && rested_at_ < 0) rested_at_ = now_;
  const Time lingering = 20 * second + static_cast<Time>(plan_.knobs.retry_cap_ms) * millisecond;
  if (busy || now_ < rested_at_ + lingering) return;
  if (!std::exchange(idle_, true)) {
    for (Tap& tap : taps_) tap.idle();
  }
  if (now_ >= rested_at_ + lingering + quiet) ends();
}

}  // namespace chasqui::sim
