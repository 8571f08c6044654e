#include "runtime/note_log.h"

#include "core/describe.h"
#include "net/problem.h"
#include "runtime/logging.h"

namespace chasqui {

namespace {

using logging::Level;
using logging::log;
using logging::short_id;

// Per message or per entry: counted, and a line only for who debugs.
Level level_of(NoteKind kind) {
  switch (kind) {
    case NoteKind::EntryApplied:
    case NoteKind::FeedResent:
    case NoteKind::CursorMoved:
    case NoteKind::AppendsWaiting:
    case NoteKind::ShardLeads:
    case NoteKind::ShardFollows:
    case NoteKind::SessionLoggedIn:
    case NoteKind::SessionEnded:
    case NoteKind::SessionCaughtUp:
    case NoteKind::CommandRefused: return Level::Debug;
    case NoteKind::SessionRefused:
    case NoteKind::SessionBehind:
    case NoteKind::BadFrame:
    case NoteKind::CommandExpired:
    case NoteKind::FeedParked:
    case NoteKind::FeedUnparked:
    case NoteKind::AccountCreated:
    case NoteKind::DeviceAdded:
    case NoteKind::LoginRefused:
    case NoteKind::PeerFrameDropped:
    case NoteKind::SnapshotServed:
    case NoteKind::SnapshotWanted:
    case NoteKind::SnapshotTaken:
    case NoteKind::Draining: return Level::Info;
    case NoteKind::SnapshotLost:
    case NoteKind::SnapshotGivenUp:
    case NoteKind::DiskSlow:
    case NoteKind::PressureChanged: return Level::Warn;
    case NoteKind::ReplicaDiffers:
    case NoteKind::MalformedEntry:
    case NoteKind::ReplicaStopped: return Level::Error;
  }
  return Level::Info;
}

// What `a` and `b` mean, as io.h says.
void write_line(const Note& note, Level level) {
  const std::string_view sentence = NoteLog::name(note.kind);
  switch (note.kind) {
    case NoteKind::ShardLeads:
    case NoteKind::ShardFollows: return log(level, sentence, {{"shard", note.shard.value()}, {"term", note.a}});
    case NoteKind::ReplicaStopped:
      return log(level, sentence,
                 {{"shard", note.shard.value()}, {"code", code_name(static_cast<std::uint32_t>(note.a))}});
    case NoteKind::EntryApplied:
      return log(level, sentence, {{"shard", note.shard.value()}, {"index", note.a}, {"commands", note.b}});
    case NoteKind::MalformedEntry:
    case NoteKind::CursorMoved: return log(level, sentence, {{"shard", note.shard.value()}, {"index", note.a}});
    case NoteKind::SessionLoggedIn:
      return log(level, sentence, {{"session", note.session.value()}, {"user", short_id(note.a)}, {"device", note.b}});
    case NoteKind::SessionRefused:
      return log(level, sentence,
                 {{"session", note.session.value()}, {"code", code_name(static_cast<std::uint32_t>(note.a))}});
    case NoteKind::SessionEnded: return log(level, sentence, {{"session", note.session.value()}, {"reason", note.a}});
    case NoteKind::SessionBehind:
    case NoteKind::SessionCaughtUp:
    case NoteKind::BadFrame: return log(level, sentence, {{"session", note.session.value()}});
    case NoteKind::CommandRefused:
      return log(level, sentence,
                 {{"shard", note.shard.value()}, {"code", code_name(static_cast<std::uint32_t>(note.a))}});
    case NoteKind::CommandExpired: return log(level, sentence, {{"shard", note.shard.value()}});
    case NoteKind::FeedParked:
    case NoteKind::FeedUnparked: return log(level, sentence, {{"shard", note.shard.value()}, {"marks", note.a}});
    case NoteKind::FeedResent: return log(level, sentence, {{"shard", note.shard.value()}, {"rows", note.a}});
    case NoteKind::AccountCreated: return log(level, sentence, {{"user", short_id(note.a)}});
    case NoteKind::DeviceAdded: return log(level, sentence, {{"user", short_id(note.a)}, {"device", note.b}});
    case NoteKind::LoginRefused: return log(level, sentence, {{"code", code_name(static_cast<std::uint32_t>(note.a))}});
    case NoteKind::PeerFrameDropped: return log(level, sentence, {{"node", note.a}, {"reason", note.b}});
    case NoteKind::PressureChanged: return log(level, sentence, {{"disk", note.a}, {"store_behind", note.b}});
    case NoteKind::DiskSlow: return log(level, sentence, {{"waits_ms", note.a}, {"shards_led", note.b}});
    case NoteKind::AppendsWaiting: return log(level, sentence, {{"bytes", note.a}});
    case NoteKind::Draining: return log(level, sentence, {{"sessions", note.a}});
    case NoteKind::SnapshotServed:
    case NoteKind::SnapshotLost:
      return log(level, sentence, {{"shard", note.shard.value()}, {"node", note.a}, {"parts", note.b}});
    case NoteKind::SnapshotWanted:
      return log(level, sentence, {{"shard", note.shard.value()}, {"node", note.a}, {"index", note.b}});
    case NoteKind::SnapshotTaken:
      return log(level, sentence, {{"shard", note.shard.value()}, {"index", note.a}, {"parts", note.b}});
    case NoteKind::SnapshotGivenUp: return log(level, sentence, {{"shard", note.shard.value()}, {"node", note.a}});
    case NoteKind::ReplicaDiffers: return log(level, sentence, {{"shard", note.shard.value()}, {"index", note.a}});
  }
}

}  // namespace

std::string_view NoteLog::name(NoteKind kind) {
  return chasqui::name(kind);
}

void NoteLog::take(const Note& note, MonoTime now) {
  counts_[static_cast<std::size_t>(note.kind)]++;
  const Level level = level_of(note.kind);
  if (!logging::is_on(level)) {
    return;
  }
  if (level != Level::Error && !lines_.try_take(1, now)) {
    silenced_++;
    return;
  }
  if (silenced_ != 0) {
    log(Level::Warn, "lines were left out", {{"lines", std::exchange(silenced_, 0)}});
  }
  write_line(note, level);
}

}  // namespace chasqui
