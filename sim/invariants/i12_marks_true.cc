#include "sim/invariants/i12_marks_true.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void MarksTrue::see(Time at, const Fact& fact) {
  if (const auto* heard = std::get_if<MarksHeard>(&fact)) {
    told(at, heard->conversation, heard->user, heard->delivered, heard->read);
  } else if (const auto* left = std::get_if<MarksLeft>(&fact)) {
    told(at, left->conversation, left->user, left->delivered, left->read);
    const Model::Marks marks = model_.marks(left->conversation, left->user);
    check(left->delivered <= marks.delivered && left->read <= marks.read, at, [&] {
      return absl::StrCat("node ", left->node, " told that user ", left->user.value(), " has ",
                          left->conversation.hex(), " delivered to ", left->delivered.value(), " and read to ",
                          left->read.value(), ", and has committed ", marks.delivered.value(), " and ",
                          marks.read.value());
    });
  } else if (const auto* answer = std::get_if<AuditAnswered>(&fact)) {
    for (const auto& [conversation, said] : answer->known) {
      const Seq head = model_.head(conversation);
      check(said <= head, at, [&, &id = conversation, seq = said] {
        return absl::StrCat("the index of user ", answer->user.value(), " at node ", answer->node, " has ", id.hex(),
                            " up to ", seq.value(), " of ", head.value());
      });
    }
  } else if (const auto* entry = std::get_if<EntryCommitted>(&fact)) {
    committed(at, *entry);
  } else if (const auto* step = std::get_if<OperatorStep>(&fact)) {
    if (step->step == "wall_jump") wrong_clocks_.insert(step->node);
  }
}

// Over a history from a file there is no model: the relation of the two marks is all that can be seen.
void MarksTrue::told(Time at, const ConversationId& conversation, UserId user, Seq delivered, Seq read) {
  const auto describe = [&](const char* why, Seq than) {
    return absl::StrCat("user ", user.value(), " is said to have ", conversation.hex(), " delivered to ",
                        delivered.value(), " and read to ", read.value(), ": ", why, than.value());
  };
  check(read <= delivered, at, [&] { return describe("read above delivered, ", delivered); });
  if (!model_.fed()) return;
  const Seq head = model_.head(conversation);
  check(delivered <= head, at, [&] { return describe("above the head, ", head); });
}

void MarksTrue::committed(Time at, const EntryCommitted& committed) {
  const LoggedEntry& entry = committed.entry;
  for (const LoggedCommand& command : entry.commands) {
    const auto* cursor = std::get_if<LoggedCursor>(&command);
    if (cursor == nullptr) continue;
    check(cursor->index < entry.index, at, [&] {
      return absl::StrCat("entry ", entry.index.value(), " of shard ", entry.shard.shard.value(), " at node ",
                          committed.node, " moves the cursor to ", cursor->index.value());
    });
  }
  const bool wrong = cluster_ ? !wrong_clocks_.empty() : wrong_clocks_.contains(committed.node);
  if (entry.time.ms == 0 || wrong) return;
  const std::int64_t error = entry.time.ms - committed.wall_ms;
  check(error <= clock_error_max_ms && error >= -clock_error_max_ms, at, [&] {
    return absl::StrCat("entry ", entry.index.value(), " of shard ", entry.shard.shard.value(), " at node ",
                        committed.node, " has a log time ", error, " ms off, and its clock was right");
  });
}

}  // namespace chasqui::sim
