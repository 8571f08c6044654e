#include "sim/explain/event_words.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {
namespace {

// What subject and object are, as event_queue.h says.
struct Words {
  const char* kind;
  const char* subject;
  const char* object;
};

Words words(EventKind kind) {
  switch (kind) {
    case EventKind::ItemStarts: return {"item_starts", "", "item"};
    case EventKind::ItemEnds: return {"item_ends", "", "item"};
    case EventKind::NodeRuns: return {"node_runs", "node", ""};
    case EventKind::NodeWakes: return {"node_wakes", "node", ""};
    case EventKind::NodeRises: return {"node_rises", "node", "life"};
    case EventKind::LogSynced: return {"log_synced", "node", ""};
    case EventKind::ReadServed: return {"read_served", "node", ""};
    case EventKind::StreamServed: return {"stream_served", "node", ""};
    case EventKind::FlushDue: return {"flush_due", "node", ""};
    case EventKind::FlushDone: return {"flush_done", "node", ""};
    case EventKind::PasswordDone: return {"password_done", "node", ""};
    case EventKind::CallDue: return {"call_due", "device", ""};
    case EventKind::ConnectArrives: return {"connect_arrives", "", "connection"};
    case EventKind::ConnectAnswered: return {"connect_answered", "", "connection"};
    case EventKind::FrameUp: return {"frame_up", "", "connection"};
    case EventKind::FrameDown: return {"frame_down", "", "connection"};
    case EventKind::BytesLeft: return {"bytes_left", "", "connection"};
    case EventKind::NodeLearns: return {"node_learns", "", "connection"};
    case EventKind::DeviceLearns: return {"device_learns", "", "connection"};
    case EventKind::DeviceWakes: return {"device_wakes", "device", ""};
    case EventKind::JournalSynced: return {"journal_synced", "device", ""};
    case EventKind::PersonReads: return {"person_reads", "device", ""};
    case EventKind::DeviceRises: return {"device_rises", "device", "life"};
    case EventKind::Heal: return {"heal", "", ""};
    case EventKind::SettleCheck: return {"settle_check", "", ""};
    case EventKind::DeviceReturns: return {"device_returns", "device", "life"};
    case EventKind::HostileActs: return {"hostile_acts", "", "connection"};
  }
  return {"?", "", ""};
}

}  // namespace

const char* word(EventKind kind) {
  return words(kind).kind;
}

std::string describe(const Event& event) {
  const Words said = words(event.kind);
  std::string text = said.kind;
  if (*said.subject != 0) absl::StrAppend(&text, " ", said.subject, " ", event.subject);
  if (*said.object != 0) absl::StrAppend(&text, " ", said.object, " ", event.object);
  return text;
}

}  // namespace chasqui::sim
