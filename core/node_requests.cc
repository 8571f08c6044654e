// What sessions ask. Reads are answered by a leader that is fresh, from a snapshot of the store, beside the reactor.
// Over 400 lines because it holds one function for each kind of request, and nothing else.
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/base/text.h"
#include "core/gateway/content.h"
#include "core/node_impl.h"

namespace chasqui {
namespace {

constexpr Version last_version{~std::uint64_t{0}};

// One sentence for both: a stranger learns nothing about whether it exists.
constexpr char not_a_member[] = "you are not a member of this conversation, or there is none";
constexpr char malformed_conversation[] =
    "a conversation is named by 16 bytes: for two people, their ids in ascending order";
constexpr char too_many_reads[] = "the server is busy reading: try again";

}  // namespace

void Node::Impl::request(Now now, gateway::Request& request, Outputs& out) {
  switch (request.frame.body_case()) {
    case client::ClientFrame::kHello: return hello(now, request, out);
    case client::ClientFrame::kSend: return send(now, request, out);
    case client::ClientFrame::kAck: return ack(now, request, out);
    case client::ClientFrame::kSync:
      return sync(now, request, Version(request.frame.sync().since_version()),
                  Version(request.frame.sync().below_version()), false, out);
    case client::ClientFrame::kHistory: return history(now, request, out);
    case client::ClientFrame::kLookup: return look_up(now, request, out);
    case client::ClientFrame::kMarks: return marks(now, request, out);
    case client::ClientFrame::kPing: {
      client::ServerFrame frame;
      frame.mutable_pong();
      return gateway_.answer(now, request.session, request.request_id, frame, out);
    }
    case client::ClientFrame::kRenewDevice: return renew_device(now, request, out);
    case client::ClientFrame::kLogout: return log_out(now, request, out);
    case client::ClientFrame::BODY_NOT_SET: break;  // the gateway lets none of these in
  }
  refuse(now, request, client::UNIMPLEMENTED, "this server does not know that kind of request", out);
}

void Node::Impl::refuse(Now now, const gateway::Request& request, client::Code code, std::string message, Outputs& out,
                        std::uint32_t retry_after_ms) {
  gateway_.refuse(now, request.session, request.request_id, {code, std::move(message), retry_after_ms, OutboxSeq()},
                  out);
}

bool Node::Impl::may_read(Now now, const gateway::Request& request, Shard& shard, Outputs& out) {
  if (shard.led && shard.replica.reads_fresh(now)) return true;
  refuse(now, request, client::UNAVAILABLE, "this shard has no leader just now: try again", out, 200);
  return false;
}

// ---------------------------------------------------------------------------------------------------------- Hello

void Node::Impl::hello(Now now, const gateway::Request& request, Outputs& out) {
  if (!is_valid(request.user)) {
    return refuse(now, request, client::UNAUTHENTICATED, "the token is not valid: log in again", out);
  }
  Shard& shard = shard_of_user(request.user);
  if (!may_read(now, request, shard, out)) return;
  const RangeRead device = RangeRead::row(keys::device(shard.id, request.user, request.device));
  const bool asked = read(
      {device},
      [this, request](Now then, ReadDone& done, Outputs& outputs) {
        state::Device row;
        const bool there = !done.results.empty() && !done.results[0].rows.empty() &&
                           row.ParseFromString(done.results[0].rows[0].value);
        const client::Hello& hello = request.frame.hello();
        const Digest digest = blake2b_256(hello.secret());
        // The same words and the same work whether user, device or secret is wrong.
        const bool good = equal_in_constant_time(view(digest), there ? row.secret_hash() : std::string(32, '\0'));
        const bool revoked = gateway_.revoked_meanwhile(request.session);
        if (revoked) CHASQUI_MARK("revoked_amid_hello");
        if (!there || !good || revoked || hello.secret().size() != bounds::secret_bytes) {
          return refuse(then, request, client::UNAUTHENTICATED, "the token is not valid: log in again", outputs);
        }
        if (!gateway_.register_session(then, request.session, outputs)) return;
        Shard& home = shard_of_user(request.user);
        const bool same_history = hello.history_epoch() == home.machine.history_epoch().value();
        log::Command touch;
        touch.mutable_touch_device()->set_user(request.user.value());
        touch.mutable_touch_device()->set_device(static_cast<std::uint32_t>(request.device.value()));
        const std::int64_t hour_ms = 3'600'000;
        if (row.last_seen_ms() / hour_ms != then.wall.ms / hour_ms) {
          (void)enqueue(home, touch, NobodyOrigin{}, then, MonoTime::never(), false);
        }
        // Versions of another history mean nothing here: such a device is told everything.
        sync(then, request, same_history ? Version(hello.synced_version()) : Version(), Version(), true, outputs);
      },
      out);
  if (!asked) refuse(now, request, client::UNAVAILABLE, too_many_reads, out, 500);
}

// A page of the index: first which conversations changed, newest first, then their entries.
void Node::Impl::sync(Now now, const gateway::Request& request, Version since, Version below, bool greeting,
                      Outputs& out) {
  Shard& shard = shard_of_user(request.user);
  if (!may_read(now, request, shard, out)) return;
  RangeRead changed;
  changed.begin = keys::version(shard.id, request.user, since == last_version ? since : since.next());
  changed.end = keys::version(shard.id, request.user, below ? below : last_version);
  changed.rows_max = CHASQUI_MAYBE("short_page") ? 1 : config_.limits.page_events_max;
  changed.bytes_max = config_.limits.page_bytes_max / 4;  // their entries take about four times as much
  changed.backwards = true;
  RangeRead top;  // the user's newest version, also when nothing is newer than `since`
  top.begin = keys::version(shard.id, request.user, Version());
  top.end = keys::version(shard.id, request.user, last_version);
  top.backwards = true;
  if (changed.begin > changed.end) changed.begin = changed.end;
  const bool asked = read(
      {changed, top},
      [this, request, greeting, first_page = !below](Now then, ReadDone& done, Outputs& outputs) {
        client::SyncPage page;
        std::vector<ConversationId> conversations;
        if (done.results.size() == 2) {
          for (const Row& row : done.results[0].rows) {
            const auto key = keys::parse(row.key);
            state::Version version;
            if (!key || !version.ParseFromString(row.value)) continue;
            for (const std::string& bytes : version.conversations()) {
              if (const auto conversation = ConversationId::parse(bytes)) conversations.push_back(*conversation);
            }
            if (done.results[0].more) page.set_next_below(key->number);
          }
          if (!done.results[1].rows.empty()) {
            if (const auto key = keys::parse(done.results[1].rows[0].key)) page.set_top_version(key->number);
          }
        }
        sync_entries(then, request, greeting, std::move(page), std::move(conversations), first_page, outputs);
      },
      out);
  if (!asked) refuse(now, request, client::UNAVAILABLE, too_many_reads, out, 500);
}

void Node::Impl::sync_entries(Now now, const gateway::Request& request, bool greeting, client::SyncPage page,
                              std::vector<ConversationId> conversations, bool first_page, Outputs& out) {
  Shard& shard = shard_of_user(request.user);
  std::vector<RangeRead> rows;
  rows.reserve(conversations.size());
  for (const ConversationId& conversation : conversations) {
    rows.push_back(RangeRead::row(keys::index(shard.id, request.user, conversation)));
  }
  const auto finish = [this, request, greeting, page, conversations, first_page](Now then, ReadDone& done,
                                                                                 Outputs& outputs) {
    client::ServerFrame frame;
    client::SyncPage filled = page;
    Shard& home = shard_of_user(request.user);
    if (first_page) {  // marks that are on their way into the index, told early; they come again with their version
      absl::btree_map<ConversationId, fanout::Notify::Mark> pending;
      home.notify.pending(request.user, pending);
      if (!pending.empty()) CHASQUI_MARK("pending_mark_told");
      for (const auto& [conversation, mark] : pending) {
        client::IndexEntry& entry = *filled.add_entries();
        entry.set_conversation(conversation.str());
        entry.set_head(mark.head.value());
        entry.set_read(mark.read.value());
      }
    }
    for (std::size_t i = 0; i < conversations.size() && i < done.results.size(); ++i) {
      state::Index row;
      if (done.results[i].rows.empty() || !row.ParseFromString(done.results[i].rows[0].value)) continue;
      if (CHASQUI_CANARY("server_knows_best") && greeting && row.read() >= row.head()) continue;
      client::IndexEntry& entry = *filled.add_entries();
      entry.set_conversation(conversations[i].str());
      entry.set_head(row.head());
      entry.set_read(row.read());
      entry.set_version(row.version());
    }
    if (!greeting) {
      *frame.mutable_sync() = std::move(filled);
      return gateway_.answer(then, request.session, request.request_id, frame, outputs);
    }
    client::HelloAnswer& answer = *frame.mutable_hello();
    answer.set_history_epoch(static_cast<std::uint32_t>(home.machine.history_epoch().value()));
    answer.set_time_ms(then.wall.ms);
    answer.set_server(config_.version);
    if (CHASQUI_CANARY("one_stale_byte")) {
      const std::unique_ptr<const volatile char[]> stale(new char[40]);
      answer.mutable_server()->push_back(static_cast<char>('0' + (stale[33] & 7)));
    }
    *answer.mutable_sync() = std::move(filled);
    gateway_.greet(then, request.session, request.request_id, frame, outputs);
  };
  if (rows.empty()) {
    ReadDone none;
    return finish(now, none, out);
  }
  if (!read(std::move(rows), finish, out)) refuse(now, request, client::UNAVAILABLE, too_many_reads, out, 500);
}

// ----------------------------------------------------------------------------------------------------- Send and Ack

void Node::Impl::send(Now now, const gateway::Request& request, Outputs& out) {
  const client::Send& send = request.frame.send();
  const auto conversation = ConversationId::parse(send.conversation());
  if (!conversation) return refuse(now, request, client::INVALID_ARGUMENT, malformed_conversation, out);
  if (!conversation->has_direct_member(request.user)) {
    return refuse(now, request, client::PERMISSION_DENIED, not_a_member, out);
  }
  if (send.outbox_seq() == 0) return refuse(now, request, client::INVALID_ARGUMENT, "outbox_seq counts from 1", out);
  log::Command command;
  log::Send& entry = *command.mutable_send();
  entry.set_conversation(send.conversation());
  entry.set_sender(request.user.value());
  entry.set_device(static_cast<std::uint32_t>(request.device.value()));
  entry.set_outbox_seq(send.outbox_seq());
  const Digest digest = blake2b_256(send.payload());
  entry.set_digest(std::string(view(digest)));
  const absl::Status content = gateway::check_payload(send.payload(), config_.limits);
  if (content.ok() || CHASQUI_CANARY("refused_but_fed")) entry.set_payload(send.payload());
  if (!content.ok()) {
    // Its number is taken all the same, so that those behind it go on; a retry hears the same.
    entry.set_refused(static_cast<std::uint32_t>(content.code()));
  }
  Shard& shard = shard_of_conversation(*conversation);
  const SendOrigin origin{request.session, request.request_id, *conversation, OutboxSeq(send.outbox_seq()),
                          std::string(std_view(content.message()))};
  if (const auto refusal = enqueue(shard, command, origin, now, request.deadline, true)) {
    out.push_back(
        Note{NoteKind::CommandRefused, shard.id, request.session, static_cast<std::uint64_t>(refusal->code), 0});
    gateway_.refuse(now, request.session, request.request_id, *refusal, out);
  }
}

void Node::Impl::ack(Now now, const gateway::Request& request, Outputs& out) {
  const client::Ack& ack = request.frame.ack();
  const auto conversation = ConversationId::parse(ack.conversation());
  // An Ack has no answer of its own: what is not taken is not confirmed, and said again.
  if (!conversation || !conversation->has_direct_member(request.user)) return;
  Shard& shard = shard_of_conversation(*conversation);
  if (!shard.led) return;
  const UserId other = conversation->lower() == request.user ? conversation->higher() : conversation->lower();
  if (shard.marks.add(*conversation, request.user, Seq(ack.delivered_seq()), Seq(ack.read_seq()),
                      HistoryEpoch(ack.history_epoch()), {request.session, request.request_id}, gateway_.online(other),
                      now)) {
    touched_.insert(shard.id);
  }
  (void)out;
}

// ---------------------------------------------------------------------------------------------------------- reads

void Node::Impl::history(Now now, const gateway::Request& request, Outputs& out) {
  const client::History& asked_for = request.frame.history();
  const auto conversation = ConversationId::parse(asked_for.conversation());
  if (!conversation) return refuse(now, request, client::INVALID_ARGUMENT, malformed_conversation, out);
  if (!conversation->has_direct_member(request.user)) {
    return refuse(now, request, client::PERMISSION_DENIED, not_a_member, out);
  }
  Shard& shard = shard_of_conversation(*conversation);
  if (!may_read(now, request, shard, out)) return;
  constexpr std::uint64_t usual_limit = 50;
  RangeRead events;
  events.rows_max =
      std::min<std::uint64_t>(asked_for.limit() == 0 ? usual_limit : asked_for.limit(), config_.limits.page_events_max);
  events.bytes_max = config_.limits.page_bytes_max;
  events.backwards = asked_for.newest();
  const Seq after(asked_for.after_seq());
  const std::string end = keys::event(shard.id, *conversation, Seq(~std::uint64_t{0}));
  if (asked_for.newest()) {
    events.begin = keys::event(shard.id, *conversation, Seq());
    events.end = after ? keys::event(shard.id, *conversation, after) : end;
  } else {
    events.begin = after == Seq(~std::uint64_t{0}) ? end : keys::event(shard.id, *conversation, after.next());
    events.end = end;
  }
  const RangeRead header = RangeRead::row(keys::header(shard.id, *conversation));
  const bool asked = read(
      {header, events},
      [this, request, conversation = *conversation](Now then, ReadDone& done, Outputs& outputs) {
        client::ServerFrame frame;
        client::HistoryPage& page = *frame.mutable_history();
        page.set_conversation(conversation.str());
        state::Header row;
        if (done.results.size() == 2 && !done.results[0].rows.empty() &&
            row.ParseFromString(done.results[0].rows[0].value)) {
          page.set_head(row.head());
          page.set_chain(row.chain());
          std::vector<Row>& rows = done.results[1].rows;
          if (CHASQUI_CANARY("stale_history")) {
            page.set_head(row.head() - 1);
            std::erase_if(rows, [&](const Row& event) { return keys::parse(event.key)->number == row.head(); });
          }
          if (request.frame.history().newest()) std::reverse(rows.begin(), rows.end());
          for (const Row& event : rows) {
            if (!page.add_events()->ParseFromString(event.value)) page.mutable_events()->RemoveLast();
          }
        }
        gateway_.answer(then, request.session, request.request_id, frame, outputs);
      },
      out);
  if (!asked) refuse(now, request, client::UNAVAILABLE, too_many_reads, out, 500);
}

void Node::Impl::look_up(Now now, const gateway::Request& request, Outputs& out) {
  const client::Lookup& look_up = request.frame.lookup();
  if (look_up.handle().empty() == (look_up.user() == 0)) {
    return refuse(now, request, client::INVALID_ARGUMENT, "look up by either a handle or a user id", out);
  }
  const char* nobody = "nobody has that handle";
  std::string handle;
  std::string key;
  Shard* shard = nullptr;
  if (!look_up.handle().empty()) {
    const auto folded = gateway::fold_handle(look_up.handle(), config_.limits);
    if (!folded.ok()) {
      return refuse(now, request, client::INVALID_ARGUMENT, std::string(std_view(folded.status().message())), out);
    }
    handle = *folded;
    shard = &shard_for_handle(handle);
    key = keys::handle(shard->id, handle);
  } else {
    const UserId user(look_up.user());
    if (!is_valid(user)) return refuse(now, request, client::NOT_FOUND, nobody, out);
    shard = &shard_of_user(user);
    key = keys::account(shard->id, user);
  }
  if (!may_read(now, request, *shard, out)) return;
  const bool asked = read(
      {RangeRead::row(key)},
      [this, request, handle, nobody](Now then, ReadDone& done, Outputs& outputs) {
        client::ServerFrame frame;
        client::Profile& profile = *frame.mutable_profile();
        if (!done.results.empty() && !done.results[0].rows.empty()) {
          const std::string& value = done.results[0].rows[0].value;
          state::Handle claim;
          state::Account account;
          if (!handle.empty() && claim.ParseFromString(value)) {
            profile.set_user(claim.user());
            profile.set_handle(handle);
          } else if (handle.empty() && account.ParseFromString(value)) {
            profile.set_user(request.frame.lookup().user());
            profile.set_handle(account.handle());
          }
        }
        if (profile.user() == 0) return refuse(then, request, client::NOT_FOUND, nobody, outputs);
        gateway_.answer(then, request.session, request.request_id, frame, outputs);
      },
      out);
  if (!asked) refuse(now, request, client::UNAVAILABLE, too_many_reads, out, 500);
}

void Node::Impl::marks(Now now, const gateway::Request& request, Outputs& out) {
  const client::Marks& asked_for = request.frame.marks();
  if (static_cast<std::uint64_t>(asked_for.conversations_size()) > bounds::marks_asked_max) {
    return refuse(now, request, client::INVALID_ARGUMENT, "marks are asked for at most 64 conversations at a time",
                  out);
  }
  std::vector<RangeRead> rows;
  std::vector<ConversationId> conversations;
  for (const std::string& bytes : asked_for.conversations()) {
    const auto conversation = ConversationId::parse(bytes);
    if (!conversation || !conversation->has_direct_member(request.user)) continue;
    Shard& shard = shard_of_conversation(*conversation);
    if (!may_read(now, request, shard, out)) return;
    rows.push_back(RangeRead::row(keys::header(shard.id, *conversation)));
    conversations.push_back(*conversation);
  }
  const auto finish = [this, request, conversations](Now then, ReadDone& done, Outputs& outputs) {
    client::ServerFrame frame;
    client::MarksPage& page = *frame.mutable_marks();
    for (std::size_t i = 0; i < conversations.size() && i < done.results.size(); ++i) {
      state::Header header;
      if (done.results[i].rows.empty() || !header.ParseFromString(done.results[i].rows[0].value)) continue;
      const UserId users[] = {conversations[i].lower(), conversations[i].higher()};
      for (int m = 0; m < header.members_size() && m < 2; ++m) {
        client::Receipt& receipt = *page.add_receipts();
        receipt.set_conversation(conversations[i].str());
        receipt.set_user(users[m].value());
        receipt.set_delivered_seq(header.members(m).delivered());
        receipt.set_read_seq(header.members(m).read());
      }
    }
    gateway_.answer(then, request.session, request.request_id, frame, outputs);
  };
  if (rows.empty()) {
    ReadDone none;
    return finish(now, none, out);
  }
  if (!read(std::move(rows), finish, out)) refuse(now, request, client::UNAVAILABLE, too_many_reads, out, 500);
}

// -------------------------------------------------------------------------------------------------------- devices

void Node::Impl::renew_device(Now now, const gateway::Request& request, Outputs& out) {
  if (request.frame.renew_device().secret_hash().size() != bounds::digest_bytes) {
    return refuse(now, request, client::INVALID_ARGUMENT, "secret_hash has 32 bytes: BLAKE2b-256 of the new secret",
                  out);
  }
  log::Command command;
  log::RenewDevice& renew = *command.mutable_renew_device();
  renew.set_user(request.user.value());
  renew.set_device(static_cast<std::uint32_t>(request.device.value()));
  renew.set_secret_hash(request.frame.renew_device().secret_hash());
  const DeviceOrigin origin{request.session, request.request_id, true};
  if (const auto refusal = enqueue(shard_of_user(request.user), command, origin, now, request.deadline, true)) {
    gateway_.refuse(now, request.session, request.request_id, *refusal, out);
  }
}

void Node::Impl::log_out(Now now, const gateway::Request& request, Outputs& out) {
  log::Command command;
  command.mutable_remove_device()->set_user(request.user.value());
  command.mutable_remove_device()->set_device(static_cast<std::uint32_t>(request.device.value()));
  const DeviceOrigin origin{request.session, request.request_id, false};
  if (const auto refusal = enqueue(shard_of_user(request.user), command, origin, now, request.deadline, false)) {
    gateway_.refuse(now, request.session, request.request_id, *refusal, out);
  }
}

}  // namespace chasqui
