#include "core/describe.h"

#include "absl/strings/str_cat.h"
#include "core/base/text.h"

namespace chasqui {
namespace {

std::string short_id(const std::string& conversation) {
  const auto parsed = ConversationId::parse(conversation);
  return parsed ? parsed->hex().substr(8, 8) + ".." + parsed->hex().substr(24) : "malformed";
}

// Only where it is said.
std::string known(std::uint64_t seq) {
  return seq == 0 ? "" : absl::StrCat(" known=", seq);
}

std::string session(SessionId id) {
  return absl::StrCat(" session=", id.value());
}

template <class Message, class Frame>
std::string frames(const std::string& bytes) {
  Message message;
  if (!message.ParseFromString(bytes)) return absl::StrCat(" malformed bytes=", bytes.size());
  std::string line;
  for (const Frame& frame : message.frames()) absl::StrAppend(&line, " [", describe(frame), "]");
  return line;
}

struct InputLine {
  std::string operator()(const Tick&) const { return "tick"; }
  std::string operator()(const SessionOpened& in) const { return absl::StrCat("opened", session(in.session)); }
  std::string operator()(const SessionFrame& in) const {
    return absl::StrCat("frame", session(in.session), frames<client::ClientMessage, client::ClientFrame>(in.bytes));
  }
  std::string operator()(const SessionWritable& in) const {
    return absl::StrCat("writable", session(in.session), " bytes=", in.bytes);
  }
  std::string operator()(const SessionClosed& in) const { return absl::StrCat("closed", session(in.session)); }
  std::string operator()(const HttpCall& in) const {
    const char* kinds[] = {"create_account", "login", "provision"};
    return absl::StrCat("call ", kinds[in.body.index()], " call=", in.call.value());
  }
  std::string operator()(const PasswordHashed& in) const {
    const char* results[] = {"done", "wrong", "overloaded"};
    return absl::StrCat("password ", results[static_cast<int>(in.result)], " call=", in.call.value());
  }
  std::string operator()(const CallAbandoned& in) const { return absl::StrCat("abandoned call=", in.call.value()); }
  std::string operator()(const PeerFrame& in) const {
    return absl::StrCat("peer_frame from=", in.from.value(), " bytes=", in.bytes.size());
  }
  std::string operator()(const PeerReachable& in) const { return absl::StrCat("reachable node=", in.node.value()); }
  std::string operator()(const PeerUnreachable& in) const { return absl::StrCat("unreachable node=", in.node.value()); }
  std::string operator()(const LogAppended& in) const { return absl::StrCat("appended id=", in.id.value()); }
  std::string operator()(const ReadDone& in) const {
    std::size_t rows = 0;
    for (const RangeResult& result : in.results) rows += result.rows.size();
    return absl::StrCat("read_done id=", in.read.value(), " rows=", rows);
  }
  std::string operator()(const StoreFlushed& in) const { return absl::StrCat("flushed shards=", in.shards.size()); }
  std::string operator()(const Pressure& in) const {
    return absl::StrCat("pressure disk=", static_cast<int>(in.disk), " behind=", in.store_behind ? 1 : 0);
  }
  std::string operator()(const Drain&) const { return "drain"; }
  std::string operator()(const StreamRowsRead& in) const {
    return absl::StrCat("stream_rows id=", in.stream.value(), " rows=", in.result.rows.size(),
                        " more=", in.result.more ? 1 : 0);
  }
  std::string operator()(const StreamRowsWritten& in) const {
    return absl::StrCat("stream_written id=", in.stream.value());
  }
  std::string operator()(const StreamIngested& in) const {
    return absl::StrCat("stream_ingested id=", in.stream.value());
  }
};

struct OutputLine {
  std::string operator()(const SessionSend& out) const {
    return absl::StrCat("send", session(out.session), frames<client::ServerMessage, client::ServerFrame>(out.bytes));
  }
  std::string operator()(const SessionClose& out) const {
    return absl::StrCat("close", session(out.session), " code=", out.code, " \"", out.reason, "\"");
  }
  std::string operator()(const SessionRead& out) const {
    return absl::StrCat("read", session(out.session), out.on ? " on" : " off");
  }
  std::string operator()(const PasswordWork& out) const {
    return absl::StrCat(out.kind == PasswordWork::Kind::Hash ? "hash" : "verify", " call=", out.call.value());
  }
  std::string operator()(const HttpAnswer& out) const {
    return absl::StrCat("answer call=", out.call.value(), " ", text(name(static_cast<client::Code>(out.code))),
                        " user=", out.user.value(), " device=", out.device.value());
  }
  std::string operator()(const PeerSend& out) const {
    return absl::StrCat("peer_send to=", out.to.value(), " bytes=", out.bytes.size());
  }
  std::string operator()(const LogAppend& out) const {
    std::string line = absl::StrCat("append id=", out.id.value(), " shard=", out.shard.value());
    if (out.reset) absl::StrAppend(&line, " reset");
    if (out.hard_state) {
      absl::StrAppend(&line, " term=", out.hard_state->term.value(), " vote=", out.hard_state->vote.value());
    }
    if (out.snapshot) absl::StrAppend(&line, " snapshot=", out.snapshot->index.value());
    if (!out.entries.empty()) {
      absl::StrAppend(&line, " entries=", out.first_index.value(), "+", out.entries.size());
    }
    if (out.drop_below) absl::StrAppend(&line, " drop_below=", out.drop_below.value());
    return line;
  }
  std::string operator()(const Read& out) const {
    return absl::StrCat("read id=", out.read.value(), " ranges=", out.ranges.size());
  }
  std::string operator()(const Note& out) const { return describe(out); }
  std::string operator()(const StreamOpen& out) const { return absl::StrCat("stream_open id=", out.stream.value()); }
  std::string operator()(const StreamRead& out) const { return absl::StrCat("stream_read id=", out.stream.value()); }
  std::string operator()(const StreamWrite& out) const {
    return absl::StrCat("stream_write id=", out.stream.value(), " rows=", out.rows.size());
  }
  std::string operator()(const StreamIngest& out) const {
    return absl::StrCat("stream_ingest id=", out.stream.value());
  }
  std::string operator()(const StreamClose& out) const { return absl::StrCat("stream_close id=", out.stream.value()); }
};

}  // namespace

std::string describe(const Input& input) {
  return std::visit(InputLine{}, input);
}
std::string describe(const Output& output) {
  return std::visit(OutputLine{}, output);
}

std::string describe(const Note& note) {
  std::string line = absl::StrCat("note ", text(name(note.kind)));
  if (note.shard) absl::StrAppend(&line, " shard=", note.shard.value());
  if (note.session) absl::StrAppend(&line, session(note.session));
  return absl::StrCat(line, " a=", note.a, " b=", note.b);
}

std::string describe(const client::ClientFrame& frame) {
  const std::string id = absl::StrCat("#", frame.request_id(), " ");
  switch (frame.body_case()) {
    case client::ClientFrame::kHello:
      return absl::StrCat(id, "hello user=", frame.hello().user(), " device=", frame.hello().device(),
                          " generation=", frame.hello().generation(), " synced=", frame.hello().synced_version());
    case client::ClientFrame::kSend:
      return absl::StrCat(id, "send ", short_id(frame.send().conversation()), " outbox=", frame.send().outbox_seq(),
                          known(frame.send().known_seq()), " bytes=", frame.send().payload().size());
    case client::ClientFrame::kAck:
      return absl::StrCat(id, "ack ", short_id(frame.ack().conversation()), " delivered=", frame.ack().delivered_seq(),
                          " read=", frame.ack().read_seq());
    case client::ClientFrame::kSync:
      return absl::StrCat(id, "sync since=", frame.sync().since_version(), " below=", frame.sync().below_version());
    case client::ClientFrame::kHistory:
      return absl::StrCat(id, "history ", short_id(frame.history().conversation()),
                          " after=", frame.history().after_seq(), " limit=", frame.history().limit());
    case client::ClientFrame::kHide:
      return absl::StrCat(id, "hide ", short_id(frame.hide().conversation()), " seqs=", frame.hide().first_seq(), "..",
                          frame.hide().last_seq());
    case client::ClientFrame::kAskHidden:
      return absl::StrCat(id, "ask_hidden ", short_id(frame.ask_hidden().conversation()));
    case client::ClientFrame::kTyping:
      return absl::StrCat(id, "typing ", short_id(frame.typing().conversation()),
                          frame.typing().is_over() ? " over" : "");
    case client::ClientFrame::kWatch: return absl::StrCat(id, "watch users=", frame.watch().users_size());
    case client::ClientFrame::kSetPrivacy: return absl::StrCat(id, "set_privacy");
    case client::ClientFrame::kSetGate:
      return absl::StrCat(id, "set_gate user=", frame.set_gate().user(),
                          " gate=", static_cast<int>(frame.set_gate().gate()));
    case client::ClientFrame::kLookup: return absl::StrCat(id, "lookup");
    case client::ClientFrame::kAskReceipts:
      return absl::StrCat(id, "ask_receipts ", short_id(frame.ask_receipts().conversation()),
                          " seq=", frame.ask_receipts().seq());
    case client::ClientFrame::kMarks: return absl::StrCat(id, "marks of=", frame.marks().conversations_size());
    case client::ClientFrame::kPing: return absl::StrCat(id, "ping");
    case client::ClientFrame::kRenewDevice: return absl::StrCat(id, "renew_device");
    case client::ClientFrame::kLogout: return absl::StrCat(id, "logout");
    case client::ClientFrame::kDescribeGroup:
      return absl::StrCat(id, "describe_group ", short_id(frame.describe_group().conversation()));
    case client::ClientFrame::BODY_NOT_SET: break;
  }
  return absl::StrCat(id, "unknown");
}

std::string describe(const client::ServerFrame& frame) {
  const std::string id = absl::StrCat("#", frame.request_id(), " ");
  switch (frame.body_case()) {
    case client::ServerFrame::kError:
      return absl::StrCat(id, "error ", text(name(frame.error().code())), " next=", frame.error().next_outbox_seq(),
                          known(frame.error().known_seq()), " retry_after_ms=", frame.error().retry_after_ms());
    case client::ServerFrame::kHello:
      return absl::StrCat(id, "hello epoch=", frame.hello().history_epoch(),
                          " entries=", frame.hello().sync().entries_size(),
                          " top=", frame.hello().sync().top_version());
    case client::ServerFrame::kAccepted:
      return absl::StrCat(id, "accepted ", short_id(frame.accepted().conversation()),
                          " outbox=", frame.accepted().outbox_seq(), " seq=", frame.accepted().seq());
    case client::ServerFrame::kAcked:
      return absl::StrCat(id, "acked ", short_id(frame.acked().conversation()),
                          " delivered=", frame.acked().delivered_seq(), " read=", frame.acked().read_seq());
    case client::ServerFrame::kSync:
      return absl::StrCat(id, "sync entries=", frame.sync().entries_size(), " top=", frame.sync().top_version(),
                          " next=", frame.sync().next_below());
    case client::ServerFrame::kHistory:
      return absl::StrCat(id, "history ", short_id(frame.history().conversation()),
                          " events=", frame.history().events_size(), " head=", frame.history().head());
    case client::ServerFrame::kProfile: return absl::StrCat(id, "profile user=", frame.profile().user());
    case client::ServerFrame::kMarks: return absl::StrCat(id, "marks receipts=", frame.marks().receipts_size());
    case client::ServerFrame::kPong: return absl::StrCat(id, "pong");
    case client::ServerFrame::kDeviceRenewed:
      return absl::StrCat(id, "device_renewed device=", frame.device_renewed().device());
    case client::ServerFrame::kLoggedOut: return absl::StrCat(id, "logged_out");
    case client::ServerFrame::kGroup:
      return absl::StrCat(id, "group ", short_id(frame.group().conversation()),
                          " members=", frame.group().members_size());
    case client::ServerFrame::kPush:
      return absl::StrCat(id, "push ", short_id(frame.push().conversation()), " seq=", frame.push().event().seq(),
                          " from=", frame.push().event().sender());
    case client::ServerFrame::kHead:
      return absl::StrCat(id, "head ", short_id(frame.head().conversation()), " seq=", frame.head().seq(),
                          " messages=", frame.head().messages(), "-", frame.head().messages_read());
    case client::ServerFrame::kReceipt:
      return absl::StrCat(id, "receipt ", short_id(frame.receipt().conversation()), " user=", frame.receipt().user(),
                          " delivered=", frame.receipt().delivered_seq(), " read=", frame.receipt().read_seq());
    case client::ServerFrame::kGoAway:
      return absl::StrCat(id, "go_away reason=", static_cast<int>(frame.go_away().reason()),
                          " after_ms=", frame.go_away().after_ms());
    case client::ServerFrame::kHidden:
      return absl::StrCat(id, "hidden ", short_id(frame.hidden().conversation()), " hides=", frame.hidden().hides(),
                          " ranges=", frame.hidden().ranges_size() / 2);
    case client::ServerFrame::kTyping:
      return absl::StrCat(id, "typing ", short_id(frame.typing().conversation()), " user=", frame.typing().user(),
                          frame.typing().is_over() ? " over" : "");
    case client::ServerFrame::kPresences:
      return absl::StrCat(id, "presences users=", frame.presences().presences_size());
    case client::ServerFrame::kPrivacySet:
      return absl::StrCat(id, "privacy_set presence=", static_cast<int>(frame.privacy_set().presence()));
    case client::ServerFrame::kGateSet:
      return absl::StrCat(id, "gate_set user=", frame.gate_set().user(),
                          " gate=", static_cast<int>(frame.gate_set().gate()),
                          frame.gate_set().in_force() ? "" : " not_yet");
    case client::ServerFrame::kReceiptsOf:
      return absl::StrCat(id, "receipts_of ", short_id(frame.receipts_of().conversation()),
                          " seq=", frame.receipts_of().seq(), " members=", frame.receipts_of().members_size());
    case client::ServerFrame::kGroupReceipts:
      return absl::StrCat(id, "group_receipts ", short_id(frame.group_receipts().conversation()),
                          " members=", frame.group_receipts().members_size(),
                          " counts=", frame.group_receipts().counts_size());
    case client::ServerFrame::BODY_NOT_SET: break;
  }
  return absl::StrCat(id, "unknown");
}

std::string_view name(NoteKind kind) {
  switch (kind) {
    case NoteKind::ShardLeads: return "shard_leads";
    case NoteKind::ShardFollows: return "shard_follows";
    case NoteKind::ReplicaStopped: return "replica_stopped";
    case NoteKind::EntryApplied: return "entry_applied";
    case NoteKind::MalformedEntry: return "malformed_entry";
    case NoteKind::SessionLoggedIn: return "session_logged_in";
    case NoteKind::SessionRefused: return "session_refused";
    case NoteKind::SessionEnded: return "session_ended";
    case NoteKind::SessionBehind: return "session_behind";
    case NoteKind::SessionCaughtUp: return "session_caught_up";
    case NoteKind::BadFrame: return "bad_frame";
    case NoteKind::CommandRefused: return "command_refused";
    case NoteKind::CommandExpired: return "command_expired";
    case NoteKind::FeedResent: return "feed_resent";
    case NoteKind::FeedParked: return "feed_parked";
    case NoteKind::FeedUnparked: return "feed_unparked";
    case NoteKind::CursorMoved: return "cursor_moved";
    case NoteKind::AccountCreated: return "account_created";
    case NoteKind::DeviceAdded: return "device_added";
    case NoteKind::LoginRefused: return "login_refused";
    case NoteKind::PeerFrameDropped: return "peer_frame_dropped";
    case NoteKind::PressureChanged: return "pressure_changed";
    case NoteKind::DiskSlow: return "disk_slow";
    case NoteKind::AppendsWaiting: return "appends_waiting";
    case NoteKind::Draining: return "draining";
    case NoteKind::SnapshotServed: return "snapshot_served";
    case NoteKind::SnapshotLost: return "snapshot_lost";
    case NoteKind::SnapshotWanted: return "snapshot_wanted";
    case NoteKind::SnapshotTaken: return "snapshot_taken";
    case NoteKind::SnapshotGivenUp: return "snapshot_given_up";
    case NoteKind::ReplicaDiffers: return "replica_differs";
  }
  return "unknown";
}

std::string_view name(client::Code code) {
  if (!client::Code_IsValid(code)) return "UNKNOWN";
  return client::Code_Name(code);
}

}  // namespace chasqui
