#include "sim/invariants/i11_marks_grow.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void MarksGrow::see(Time at, const Fact& fact) {
  if (const auto* heard = std::get_if<MarksHeard>(&fact)) {
    Marks& marks = heard_[heard->device][{heard->conversation, heard->user}];
    check(heard->delivered >= marks.delivered && heard->read >= marks.read, at, [&] {
      return absl::StrCat("device ", heard->device, " heard that user ", heard->user.value(), " has ",
                          heard->conversation.hex(), " delivered to ", heard->delivered.value(), " and read to ",
                          heard->read.value(), " after ", marks.delivered.value(), " and ", marks.read.value());
    });
    marks = {heard->delivered, heard->read};
  } else if (const auto* left = std::get_if<MarksLeft>(&fact)) {
    if (cluster_) return;
    Marks& marks = told_[left->node][left->session][{left->conversation, left->user}];
    const bool says_read = left->read != Seq();  // else that session's user does not ask who reads
    check(left->delivered >= marks.delivered && (!says_read || left->read >= marks.read), at, [&] {
      return absl::StrCat("node ", left->node, " told a session that user ", left->user.value(), " has ",
                          left->conversation.hex(), " delivered to ", left->delivered.value(), " and read to ",
                          left->read.value(), " after ", marks.delivered.value(), " and ", marks.read.value());
    });
    marks = {left->delivered, says_read ? left->read : marks.read};
  } else if (const auto* over = std::get_if<SessionOver>(&fact)) {
    told_[over->node].erase(over->session);
  } else if (const auto* gone = std::get_if<NodeCrashed>(&fact)) {
    told_.erase(gone->node);
  } else if (const auto* crashed = std::get_if<PhoneCrashed>(&fact)) {
    // What it had heard is not all in its journal: a new run of the program counts anew.
    heard_.erase(crashed->device);
  } else if (const auto* replaced = std::get_if<JournalReplaced>(&fact)) {
    heard_.erase(replaced->device);
  } else if (const auto* seen = std::get_if<EventSeen>(&fact)) {
    auto& [seq, time] = times_[{seen->device, seen->conversation}];
    check(seen->seq <= seq || seen->time >= time, at, [&] {
      return absl::StrCat(seen->conversation.hex(), ": log time goes back from ", time.ms, " at seq ", seq.value(),
                          " to ", seen->time.ms, " at seq ", seen->seq.value());
    });
    if (seen->seq > seq) {
      seq = seen->seq;
      time = seen->time;
    }
  }
}

}  // namespace chasqui::sim
