#include "sim/invariants/i26_bounded_memory.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/fanout/marks.h"
#include "core/fanout/notify.h"
#include "core/fanout/unparking.h"
#include "core/gateway/session.h"

namespace chasqui::sim {
namespace {

// Rows that one entry adds to a feed beyond its limit, marks that one batch adds to what waits: what is let in while
// there is room comes in whole.
constexpr std::uint64_t one_more = 1'024;
constexpr std::uint64_t small_answers = 64 * 1024;  // Acked and errors; acks are no requests

}  // namespace

std::uint64_t BoundedMemory::answer_bytes_max() const {
  return limits_.page_bytes_max + limits_.message_bytes_max + 1'024;
}

// Sessions and their heads; buckets; of each shard what waits, its feed, its marks, and its log's index; what is
// proposed. The figures are those of core's own account, a little above.
std::uint64_t BoundedMemory::node_bytes_max(const NodeSizes& sizes) const {
  const std::uint64_t session = 4'096 + (gateway::Session::missed_max + 256) * 112;
  const std::uint64_t log = (limits_.log_trailing_entries + 65'536) * 64;
  const std::uint64_t shard = limits_.shard_waiting_bytes_max + (limits_.feed_outstanding_items_max + one_more) * 300 +
                              limits_.feed_kept_event_bytes_max +
                              (fanout::Unparking::sending_max * limits_.feed_batch_items_max + shards_) * 120 +
                              (2 * fanout::Notify::waiting_max + fanout::Marks::waiting_max + one_more) * 120 + log;
  return sizes.sessions * session + 6 * (limits_.rate_entries_max + 4) * 48 + shards_ * shard +
         limits_.uncommitted_node_bytes_max + limits_.raft_entry_bytes_max +
         (limits_.calls_max + limits_.reads_outstanding_max) * 512;
}

void BoundedMemory::measured(Time at, const NodeMeasured& fact) {
  struct Bound {
    const char* what;
    std::uint64_t size;
    std::uint64_t limit;
  };
  const NodeSizes& sizes = fact.sizes;
  const Bound bounds[] = {
      {"sockets before Hello", sizes.sockets_before_hello, limits_.sockets_before_hello_max},
      {"heads kept for one session", sizes.session_missed_most, gateway::Session::missed_max},
      // The one message that brings it to the limit is taken whole.
      {"unanswered requests of one session", sizes.session_unanswered_most,
       limits_.session_unanswered_max + limits_.frames_per_message_max},
      {"buckets of the gateway", sizes.gateway_rate_entries_most, limits_.rate_entries_max + 2},
      {"buckets of accounts", sizes.account_rate_entries_most, limits_.rate_entries_max + 2},
      {"calls", sizes.calls, limits_.calls_max},
      {"reads", sizes.reads, limits_.reads_outstanding_max},
      {"commands waiting for one shard", sizes.shard_waiting_commands_most, limits_.shard_waiting_commands_max},
      {"bytes waiting for one shard", sizes.shard_waiting_bytes_most, limits_.shard_waiting_bytes_max},
      {"entries under way of one shard", sizes.shard_entries_most,
       std::max<std::uint64_t>(2, limits_.entries_in_flight_max)},
      {"bytes under way", sizes.bytes_in_flight, limits_.uncommitted_node_bytes_max + limits_.raft_entry_bytes_max},
      {"items of one feed", sizes.feed_outstanding_most, limits_.feed_outstanding_items_max + one_more},
      {"index marks of one shard", sizes.notify_marks_most, 2 * fanout::Notify::waiting_max + one_more},
      {"sends of one shard that wait for a gate", sizes.shard_gated_most, limits_.shard_waiting_commands_max},
      {"members' marks of one shard", sizes.member_marks_most, fanout::Marks::waiting_max},
      {"bytes", fact.memory_bytes, node_bytes_max(sizes)},
  };
  for (const Bound& bound : bounds) {
    check(bound.size <= bound.limit, at, [&] {
      return absl::StrCat("node ", fact.node, " holds ", bound.size, " ", bound.what, ", at most are allowed ",
                          bound.limit);
    });
  }
}

void BoundedMemory::see(Time at, const Fact& fact) {
  if (const auto* sizes = std::get_if<NodeMeasured>(&fact)) return measured(at, *sizes);
  const auto* queued = std::get_if<SessionQueued>(&fact);
  if (queued == nullptr) return;
  const std::uint64_t most = limits_.push_budget_bytes_max + (1 + queued->owed) * answer_bytes_max() + small_answers;
  check(queued->bytes <= most, at, [&] {
    return absl::StrCat("node ", queued->node, " holds ", queued->bytes, " bytes for session ", queued->session.value(),
                        ", which does not read them: over its budget of ", limits_.push_budget_bytes_max, " and ",
                        queued->owed, " answers owed");
  });
}

}  // namespace chasqui::sim
