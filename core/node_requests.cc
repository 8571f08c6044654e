// What sessions ask: whom their gateway asks, and what a shard's leader says. Reads are answered by a leader that is
// fresh, from a snapshot of the store, beside the reactor. Over 400 lines because it holds one function for each kind
// of request, and nothing else.
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/base/text.h"
#include "core/gateway/content.h"
#include "core/gateway/group_content.h"
#include "core/node_impl.h"
#include "core/shard/gates.h"

namespace chasqui {
namespace {

constexpr Version last_version{~std::uint64_t{0}};

// One sentence for both: a stranger learns nothing about whether it exists.
constexpr char not_a_member[] = "you are not a member of this conversation, or there is none";
constexpr char malformed_conversation[] =
    "a conversation is named by 16 bytes: for two people, their ids in ascending order";
constexpr char nobody[] = "nobody has that handle";
constexpr char bad_token[] = "the token is not valid: log in again";
constexpr Duration unfresh_retry = milliseconds(20);
constexpr char too_many_reads[] = "the server is busy reading: try again";

// nullptr: it is about no conversation, or about several.
const std::string* conversation_of(const client::ClientFrame& frame) {
  if (frame.has_send()) return &frame.send().conversation();
  if (frame.has_history()) return &frame.history().conversation();
  if (frame.has_ack()) return &frame.ack().conversation();
  if (frame.has_ask_receipts()) return &frame.ask_receipts().conversation();
  return frame.has_describe_group() ? &frame.describe_group().conversation() : nullptr;
}

}  // namespace

// ------------------------------------------------------------------------------------- at the gateway: whom to ask

void Node::Impl::request(Now now, gateway::Request& in, Outputs& out) {
  const auto frame_case = in.frame.body_case();
  std::optional<ShardId> shard;
  if (frame_case == client::ClientFrame::kPing) {
    client::ServerFrame frame;
    frame.mutable_pong();
    return gateway_.answer(now, in.session, in.request_id, frame, out);
  }
  if (frame_case == client::ClientFrame::kMarks) return ask_marks(now, in, out);
  if (frame_case == client::ClientFrame::kWatch) return ask_watch(now, in, out);
  if (frame_case == client::ClientFrame::kTyping) return take_typing(now, in, out);
  if (const std::string* named = conversation_of(in.frame)) {
    const auto conversation = ConversationId::parse(*named);
    if (!conversation) {
      // An Ack has no answer of its own: what is not taken is not confirmed, and said again.
      if (frame_case == client::ClientFrame::kAck) return;
      return refuse_here(now, in, client::INVALID_ARGUMENT, malformed_conversation, out);
    }
    shard = router_.of_conversation(*conversation).shard;
  } else if (frame_case == client::ClientFrame::kLookup) {
    const client::Lookup& look_up = in.frame.lookup();
    if (look_up.handle().empty() == (look_up.user() == 0)) {
      return refuse_here(now, in, client::INVALID_ARGUMENT, "look up by either a handle or a user id", out);
    }
    if (look_up.handle().empty()) {
      if (!is_valid(UserId(look_up.user()))) return refuse_here(now, in, client::NOT_FOUND, nobody, out);
      shard = router_.of_user(UserId(look_up.user())).shard;
    } else {
      const auto folded = gateway::fold_handle(look_up.handle(), config_.limits);
      if (!folded.ok()) {
        return refuse_here(now, in, client::INVALID_ARGUMENT, std::string(std_view(folded.status().message())), out);
      }
      in.frame.mutable_lookup()->set_handle(*folded);
      shard = router_.of_handle(*folded).shard;
    }
  } else {  // Hello, Sync, RenewDevice, Logout, settings: what the user's own shard knows
    if (!is_valid(in.user)) return refuse_here(now, in, client::UNAUTHENTICATED, bad_token, out);
    shard = router_.of_user(in.user).shard;
  }
  if (frame_case == client::ClientFrame::kAck) {
    in.frame.mutable_ack()->set_read_is_private(gateway_.reads_private(in.session));
  }
  auto request = part_of(in);
  request->frame.Swap(&in.frame);
  if (frame_case != client::ClientFrame::kAck) {
    return ask(now, *shard, in.deadline, SessionAsk{std::move(request), in.request_id, 0}, out);
  }
  const router::Route route = router_.of(*shard);
  if (route.here) {
    request->asker.node = config_.node;
    return ack(now, shard_at(*shard), *request, in.request_id);
  }
  if (!route.leader) return;
  peer::Ask& ask = *to_peer(route.leader).asks.add_asks();
  ask.set_shard(static_cast<std::uint32_t>(shard->value()));
  ask.set_user(in.user.value());
  ask.set_device(static_cast<std::uint32_t>(in.device.value()));
  ask.set_session(in.session.value());
  ask.set_frame(request->frame.SerializeAsString());
}

void Node::Impl::refuse_here(Now now, const gateway::Request& request, client::Code code, std::string message,
                             Outputs& out) {
  gateway_.refuse(now, request.session, request.request_id, {code, std::move(message), 0, OutboxSeq()}, out);
}

// --------------------------------------------------------------------------------- at the shard's leader: what it says

void Node::Impl::refuse(Now now, const Asker& asker, client::Code code, std::string message, Outputs& out,
                        std::uint32_t retry_after_ms) {
  respond(now, asker, gateway::Refusal{code, std::move(message), retry_after_ms, OutboxSeq()}, out);
}

bool Node::Impl::lease_holds(Now now, const Shard& shard) const {
  if (CHASQUI_CANARY("stale_leader")) return true;
  return shard.replica.reads_fresh(now) && !CHASQUI_MAYBE("lease_unsure");
}

void Node::Impl::wait_until_fresh(Now now, Shard& shard, const Asker& asker, std::function<void(Now, Outputs&)> again,
                                  Outputs& out) {
  if (!shard.led) return respond(now, asker, moved(shard.id), out);
  if (shard.unfresh.size() >= config_.limits.shard_waiting_commands_max) {
    return refuse(now, asker, client::UNAVAILABLE, too_many_reads, out, 500);
  }
  CHASQUI_MARK("read_unfresh");
  shard.unfresh.push_back({asker, std::move(again)});
  touched_.insert(shard.id);
}

// What waits is done when the lease holds again, or once a barrier is applied that was proposed after it was asked:
// then nobody else led when that was proposed. One proposed before says nothing: its acknowledgements may be from
// before an election that this leader has not heard of.
void Node::Impl::serve_unfresh(Now now, Shard& shard, Outputs& out) {
  const bool by_barrier = shard.barrier && shard.machine.applied_index() >= shard.barrier;
  if (!by_barrier && !lease_holds(now, shard)) {
    if (!shard.barrier && shard.replica.can_propose()) {
      CHASQUI_MARK("read_by_barrier");
      replica::Outputs outputs;
      const absl::StatusOr<RaftIndex> barrier = shard.replica.barrier(now, outputs);
      if (barrier.ok()) {
        shard.barrier = *barrier;
        shard.barrier_covers = shard.unfresh.size();
      }
      take(shard, outputs, out);
    }
    shard.unfresh_due = now.mono + unfresh_retry;
    return;
  }
  std::deque<Shard::Unfresh> waiting;
  waiting.swap(shard.unfresh);
  if (by_barrier && !lease_holds(now, shard)) {
    const auto later = waiting.begin() + static_cast<std::ptrdiff_t>(std::min(shard.barrier_covers, waiting.size()));
    shard.unfresh.assign(std::make_move_iterator(later), std::make_move_iterator(waiting.end()));
    waiting.erase(later, waiting.end());
  }
  shard.barrier = RaftIndex();
  shard.unfresh_due = now.mono;
  shard.is_fresh = true;
  for (const Shard::Unfresh& read : waiting) read.again(now, out);
  shard.is_fresh = false;
}

// ---------------------------------------------------------------------------------------------------------- Hello

void Node::Impl::hello(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  const auto again = [this, &shard, request](Now then, Outputs& more) { hello(then, shard, request, more); };
  if (!fresh(now, shard, request->asker, again, out)) return;
  const RaftTerm term = shard.replica.term();
  const bool asked = read(
      {RangeRead::row(keys::device(shard.id, request->user, request->device))},
      [this, &shard, request, term](Now then, ReadDone& done, Outputs& more) {
        if (!shard.led || shard.replica.term() != term) return respond(then, request->asker, moved(shard.id), more);
        state::Device row;
        if (done.results.empty() || done.results[0].rows.empty() ||
            !row.ParseFromString(done.results[0].rows[0].value)) {
          row.Clear();
        }
        hello_checked(then, shard, request, row, more);
      },
      out);
  if (!asked) return refuse(now, request->asker, client::UNAVAILABLE, too_many_reads, out, 500);
  shard.registry.check_begin(request->user, request->device, request->asker.node, request->asker.ask);
}

// `row`: of the device; an empty one if there is none.
void Node::Impl::hello_checked(Now now, Shard& shard, const RequestPtr& request, const state::Device& row,
                               Outputs& out) {
  const client::Hello& hello = request->frame.hello();
  const Digest digest = blake2b_256(hello.secret());
  // The same words and the same work whether user, device or secret is wrong.
  const bool there = !row.secret_hash().empty();
  const bool good = equal_in_constant_time(view(digest), there ? row.secret_hash() : std::string(32, '\0'));
  const bool revoked = shard.registry.check_end(request->user, request->asker.node, request->asker.ask) &&
                       !CHASQUI_CANARY("token_cached");
  if (revoked) CHASQUI_MARK("revoked_amid_hello");
  if (!there || !good || revoked || hello.secret().size() != bounds::secret_bytes) {
    return refuse(now, request->asker, client::UNAUTHENTICATED, bad_token, out);
  }
  std::vector<gateway::Registered> replaced;
  const gateway::Registered entry{request->asker.node, request->session, request->user, request->device,
                                  hello.generation()};
  const bool stands = shard.registry.add(entry, now, replaced);
  if (stands) tell_replaced(now, shard, replaced, out);
  // The gateway is told either way: of its own sessions it sees itself which one must end.
  respond(now, request->asker, SessionRegistered{}, out);
  if (!stands) return tell_replaced(now, shard, {entry}, out);
  const bool same_history = hello.history_epoch() == shard.machine.history_epoch().value();
  log::Command touch;
  touch.mutable_touch_device()->set_user(request->user.value());
  touch.mutable_touch_device()->set_device(static_cast<std::uint32_t>(request->device.value()));
  const std::int64_t hour_ms = 3'600'000;
  if (row.last_seen_ms() / hour_ms != now.wall.ms / hour_ms) {
    (void)enqueue(shard, touch, NobodyOrigin{}, now, MonoTime::never(), false);
  }
  // Versions of another history mean nothing here: such a device is told everything.
  sync(now, shard, request, same_history ? Version(hello.synced_version()) : Version(), Version(), true, out);
}

// A page of the index: first which conversations changed, newest first, then their entries.
void Node::Impl::sync(Now now, Shard& shard, const RequestPtr& request, Version since, Version below, bool greeting,
                      Outputs& out) {
  const auto again = [this, &shard, request, since, below, greeting](Now then, Outputs& more) {
    sync(then, shard, request, since, below, greeting, more);
  };
  if (!fresh(now, shard, request->asker, again, out)) return;
  RangeRead changed;
  changed.begin = keys::version(shard.id, request->user, since == last_version ? since : since.next());
  changed.end = keys::version(shard.id, request->user, below ? below : last_version);
  changed.rows_max = CHASQUI_MAYBE("short_page") ? 1 : config_.limits.page_events_max;
  changed.bytes_max = config_.limits.page_bytes_max / 4;  // their entries take about four times as much
  changed.backwards = true;
  RangeRead top;  // the user's newest version, also when nothing is newer than `since`
  top.begin = keys::version(shard.id, request->user, Version());
  top.end = keys::version(shard.id, request->user, last_version);
  top.backwards = true;
  if (changed.begin > changed.end) changed.begin = changed.end;
  // Read once the session is registered: what changes after this is told to it.
  const RangeRead privacy = RangeRead::row(keys::account(shard.id, request->user));
  const bool asked = read(
      {changed, top, privacy},
      [this, &shard, request, greeting, first_page = !below](Now then, ReadDone& done, Outputs& outputs) {
        client::SyncPage page;
        std::vector<ConversationId> conversations;
        state::Account account;
        if (done.results.size() == 3) {
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
          const std::vector<Row>& rows = done.results[2].rows;
          if (rows.empty() || !account.ParseFromString(rows[0].value)) account.Clear();
        }
        std::optional<client::HelloAnswer> hello;
        if (greeting) {
          hello.emplace().set_reads_private(account.reads_private());
          hello->set_privacy_changes(account.privacy_changes());
        }
        sync_entries(then, shard, request, std::move(hello), std::move(page), std::move(conversations), first_page,
                     outputs);
      },
      out);
  if (!asked) refuse(now, request->asker, client::UNAVAILABLE, too_many_reads, out, 500);
}

void Node::Impl::sync_entries(Now now, Shard& shard, const RequestPtr& request,
                              std::optional<client::HelloAnswer> hello, client::SyncPage page,
                              std::vector<ConversationId> conversations, bool first_page, Outputs& out) {
  std::vector<RangeRead> rows;
  rows.reserve(conversations.size());
  for (const ConversationId& conversation : conversations) {
    rows.push_back(RangeRead::row(keys::index(shard.id, request->user, conversation)));
  }
  const auto finish = [this, &shard, request, hello, page, conversations, first_page](Now then, ReadDone& done,
                                                                                      Outputs& outputs) {
    client::ServerFrame frame;
    client::SyncPage filled = page;
    if (first_page) {  // marks that are on their way into the index, told early; they come again with their version
      absl::btree_map<ConversationId, Owed> pending;
      shard.notify.pending(request->user, pending);
      if (!pending.empty()) CHASQUI_MARK("pending_mark_told");
      for (const auto& [conversation, mark] : pending) {
        client::IndexEntry& entry = *filled.add_entries();
        entry.set_conversation(conversation.str());
        put_index_marks(mark.marks(), entry);
      }
    }
    for (std::size_t i = 0; i < conversations.size() && i < done.results.size(); ++i) {
      state::Index row;
      if (done.results[i].rows.empty() || !row.ParseFromString(done.results[i].rows[0].value)) continue;
      if (CHASQUI_CANARY("server_knows_best") && hello && row.read() >= row.head()) continue;
      client::IndexEntry& entry = *filled.add_entries();
      entry.set_conversation(conversations[i].str());
      put_index_marks(index_marks_of(row), entry);
      entry.set_version(row.version());
      entry.set_hides(row.hides());
      entry.set_gate(shard::gate_of(row, conversations[i]));
      entry.set_is_invitation(shard::is_invitation(row));
    }
    if (!hello) {
      *frame.mutable_sync() = std::move(filled);
      return respond(then, request->asker, std::move(frame), outputs);
    }
    client::HelloAnswer& answer = *frame.mutable_hello();
    answer = *hello;
    answer.set_history_epoch(static_cast<std::uint32_t>(shard.machine.history_epoch().value()));
    answer.set_time_ms(then.wall.ms);
    answer.set_server(config_.version);
    if (CHASQUI_CANARY("one_stale_byte")) {
      const std::unique_ptr<const volatile char[]> stale(new char[40]);
      answer.mutable_server()->push_back(static_cast<char>('0' + (stale[33] & 7)));
    }
    *answer.mutable_sync() = std::move(filled);
    respond(then, request->asker, std::move(frame), outputs);
  };
  if (rows.empty()) {
    ReadDone none;
    return finish(now, none, out);
  }
  if (!read(std::move(rows), finish, out)) refuse(now, request->asker, client::UNAVAILABLE, too_many_reads, out, 500);
}

// ----------------------------------------------------------------------------------------------------- Send and Ack

void Node::Impl::send(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  const client::Send& send = request->frame.send();
  const auto conversation = ConversationId::parse(send.conversation());
  if (!conversation) return refuse(now, request->asker, client::INVALID_ARGUMENT, malformed_conversation, out);
  if (!conversation->may_have_member(request->user)) {
    return refuse(now, request->asker, client::PERMISSION_DENIED, not_a_member, out);
  }
  if (send.outbox_seq() == 0)
    return refuse(now, request->asker, client::INVALID_ARGUMENT, "outbox_seq counts from 1", out);
  if (!takes_turn(now, shard, *conversation, *request, out)) return;
  log::Command command;
  log::Send& entry = *command.mutable_send();
  entry.set_conversation(send.conversation());
  entry.set_sender(request->user.value());
  entry.set_device(static_cast<std::uint32_t>(request->device.value()));
  entry.set_outbox_seq(send.outbox_seq());
  if (conversation->is_group()) entry.set_known_seq(send.known_seq());
  const Digest digest = blake2b_256(send.payload());
  entry.set_digest(std::string(view(digest)));
  absl::Status content = gateway::check_payload(send.payload(), config_.limits, entry);
  if (content.ok() && conversation->is_group()) {
    content = gateway::find_group_change(send.payload(), *entry.mutable_change());
  }
  if (entry.change().empty() && (content.ok() || CHASQUI_CANARY("refused_but_fed"))) entry.set_payload(send.payload());
  if (!content.ok()) {
    // Its number is taken all the same, so that those behind it go on; a retry hears the same.
    entry.set_refused(static_cast<std::uint32_t>(content.code()));
  }
  SendOrigin origin{
      request->asker, *conversation, OutboxSeq(send.outbox_seq()), std::string(std_view(content.message())),
      request->user,  false};
  send_gated(now, shard, std::move(command), std::move(origin), request->deadline, out);
}

void Node::Impl::ack(Now now, Shard& shard, const ShardRequest& request, std::uint64_t request_id) {
  const client::Ack& ack = request.frame.ack();
  const auto conversation = ConversationId::parse(ack.conversation());
  if (!conversation || !conversation->may_have_member(request.user) || !shard.led) return;
  const fanout::AckOrigin origin{request.asker.node, request.session, request_id};
  if (conversation->is_group()) {  // as if nobody looked: a group's receipts are told once a second anyway
    if (shard.marks.add(*conversation, request.user, Seq(ack.delivered_seq()), Seq(ack.read_seq()),
                        HistoryEpoch(ack.history_epoch()), origin, false, now, ack.read_is_private())) {
      touched_.insert(shard.id);
    }
    return;
  }
  const UserId other = conversation->lower() == request.user ? conversation->higher() : conversation->lower();
  // Whether a sender looks at his ticks is known where his user is led; elsewhere he is taken to.
  const Shard* home = led(router_.of_user(other).shard);
  const bool somebody_looks = home == nullptr || home->registry.online(other);
  if (shard.marks.add(*conversation, request.user, Seq(ack.delivered_seq()), Seq(ack.read_seq()),
                      HistoryEpoch(ack.history_epoch()), origin, somebody_looks, now, ack.read_is_private())) {
    touched_.insert(shard.id);
  }
}

// ---------------------------------------------------------------------------------------------------------- reads

void Node::Impl::history(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  const client::History& asked_for = request->frame.history();
  const auto conversation = ConversationId::parse(asked_for.conversation());
  if (!conversation) return refuse(now, request->asker, client::INVALID_ARGUMENT, malformed_conversation, out);
  if (conversation->is_group()) return group_history(now, shard, request, out);
  if (!conversation->has_direct_member(request->user)) {
    return refuse(now, request->asker, client::PERMISSION_DENIED, not_a_member, out);
  }
  const auto again = [this, &shard, request](Now then, Outputs& more) { history(then, shard, request, more); };
  if (!fresh(now, shard, request->asker, again, out)) return;
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
          for (const std::uint64_t pin : row.pins()) {
            if (shard::sees_pin(row, pin, request->user)) page.add_pins(pin);
          }
          page.set_timer_s(row.timer_s());
          std::vector<Row>& rows = done.results[1].rows;
          if (CHASQUI_CANARY("stale_history")) {
            page.set_head(row.head() - 1);
            std::erase_if(rows, [&](const Row& event) { return keys::parse(event.key)->number == row.head(); });
          }
          if (request->frame.history().newest()) std::reverse(rows.begin(), rows.end());
          for (const Row& row_of_event : rows) {
            client::Event event;
            if (event.ParseFromString(row_of_event.value)) {
              *page.add_events() = shard::as_seen(std::move(event), request->user);
            }
          }
        }
        respond(then, request->asker, std::move(frame), outputs);
      },
      out);
  if (!asked) refuse(now, request->asker, client::UNAVAILABLE, too_many_reads, out, 500);
}

void Node::Impl::look_up(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  const client::Lookup& look_up = request->frame.lookup();
  const auto again = [this, &shard, request](Now then, Outputs& more) { this->look_up(then, shard, request, more); };
  if (!fresh(now, shard, request->asker, again, out)) return;
  const std::string key = look_up.handle().empty()
                              ? keys::account(shard.id, UserId(look_up.user()))  // a handle: folded by the gateway
                              : keys::handle(shard.id, look_up.handle());
  const bool asked = read(
      {RangeRead::row(key)},
      [this, request](Now then, ReadDone& done, Outputs& outputs) {
        const std::string& handle = request->frame.lookup().handle();
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
            profile.set_user(request->frame.lookup().user());
            profile.set_handle(account.handle());
          }
        }
        if (profile.user() == 0) return refuse(then, request->asker, client::NOT_FOUND, nobody, outputs);
        respond(then, request->asker, std::move(frame), outputs);
      },
      out);
  if (!asked) refuse(now, request->asker, client::UNAVAILABLE, too_many_reads, out, 500);
}

// -------------------------------------------------------------------------------------------------------- devices

void Node::Impl::renew_device(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  if (request->frame.renew_device().secret_hash().size() != bounds::digest_bytes) {
    return refuse(now, request->asker, client::INVALID_ARGUMENT,
                  "secret_hash has 32 bytes: BLAKE2b-256 of the new secret", out);
  }
  log::Command command;
  log::RenewDevice& renew = *command.mutable_renew_device();
  renew.set_user(request->user.value());
  renew.set_device(static_cast<std::uint32_t>(request->device.value()));
  renew.set_secret_hash(request->frame.renew_device().secret_hash());
  if (auto refused = enqueue(shard, command, DeviceOrigin{request->asker}, now, request->deadline, true)) {
    respond(now, request->asker, *std::move(refused), out);
  }
}

void Node::Impl::log_out(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  log::Command command;
  command.mutable_remove_device()->set_user(request->user.value());
  command.mutable_remove_device()->set_device(static_cast<std::uint32_t>(request->device.value()));
  if (auto refused = enqueue(shard, command, DeviceOrigin{request->asker}, now, request->deadline, false)) {
    respond(now, request->asker, *std::move(refused), out);
  }
}

}  // namespace chasqui
