// Disappearing messages: payloads whose time is over, by log time, are erased, with those of their edits.
//
// Whoever proposed it has read which rows are due; what was deleted meanwhile has no row any more, and what is not due
// by log time (a leader whose clock is ahead) is left alone. Bounded: events in a command, edits of each.
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "core/base/bounds.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/shard/about.h"
#include "core/shard/commands/commands.h"

namespace chasqui::shard {

Effects expire(const ShardView& view, const log::Expire& command) {
  if (static_cast<std::uint64_t>(command.events_size()) > bounds::expiries_per_command_max) {
    return Effects::refused(client::INVALID_ARGUMENT,
                            absl::StrCat("an expire has ", command.events_size(), " of at most ",
                                         bounds::expiries_per_command_max, " events: split it"));
  }
  Effects effects;
  std::map<ConversationId, state::Header> headers;
  std::set<std::pair<ConversationId, std::uint64_t>> done;
  for (const log::DueEvent& due : command.events()) {
    const auto conversation = ConversationId::parse(due.conversation());
    if (!conversation || due.expires_ms() <= 0 || due.expires_ms() > view.time().ms) continue;
    const Seq seq(due.seq());
    if (!view.expires(due.expires_ms(), *conversation, seq) || !done.insert({*conversation, due.seq()}).second)
      continue;
    std::optional<client::Event> event = view.event(*conversation, seq);
    const state::Header* header = view.header(*conversation);
    if (!event || header == nullptr) continue;
    CHASQUI_MARK("payload_expired");
    state::Header& after = headers.try_emplace(*conversation, *header).first->second;
    erase_message(view, *conversation, *std::move(event), Seq(), after, effects);
  }
  for (auto& [conversation, header] : headers) {
    if (header.pins_size() == view.header(conversation)->pins_size()) continue;
    effects.put(keys::header(view.shard(), conversation), std::move(header));
  }
  return effects;
}

}  // namespace chasqui::shard
