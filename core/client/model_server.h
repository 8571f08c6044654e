// For tests: a small, correct server of direct conversations, and a device with a journal that can lose its end.
//
// Over 400 lines because server and device are two ends of the same queues, and each test needs both.
//
// The server answers at once, but nothing arrives before the test carries it: each device has a queue in both
// directions, which a break empties. Faults are asked for one send at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/digest.h"
#include "core/client/client.h"
#include "proto/client.pb.h"

namespace chasqui::client::testing {

// What the next sends meet instead of being handled.
enum class Fault : std::uint8_t {
  None,
  Unavailable,    // not stored
  AbortedStored,  // stored, and yet unknown to the sender
  TooFast,        // RESOURCE_EXHAUSTED with retry_after_ms 200
  Silent,         // never answered
};

struct ModelServer {
  struct Row {
    std::vector<std::pair<std::string, std::uint64_t>> taken;  // digest and seq (0: refused) of number 1, 2, ...
  };
  struct Session {
    std::uint64_t user = 0;
    std::uint32_t device = 0;
    std::deque<std::string>* to_device = nullptr;
  };

  std::map<std::string, std::vector<Event>> logs;  // by conversation
  std::map<std::tuple<std::string, std::uint64_t, std::uint32_t>, Row> rows;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::string> devices;  // secret hashes
  std::map<std::uint64_t, std::uint32_t> last_device;
  std::map<std::pair<std::uint64_t, std::string>, IndexEntry> index;
  std::map<std::uint64_t, std::uint64_t> versions;
  std::map<std::pair<std::string, std::uint64_t>, Receipt> marks;
  std::map<int, Session> sessions;  // live, by connection
  std::deque<Fault> faults;
  std::uint32_t epoch = 1;
  int page_entries = 200;
  int page_events = 200;
  std::uint64_t window = 64;  // numbers of a device whose answers are remembered
  bool push_heads_only = false;
  bool drop_acks = false;
  bool lose_renewals = false;                    // carried out, not answered
  std::set<std::string> strangers_may_not_send;  // conversations: PERMISSION_DENIED, no number taken
  std::vector<Hello> hellos;
  std::vector<Ack> acks;
  std::uint64_t histories = 0;
  std::uint64_t sends = 0;

  void add_device(std::uint64_t user, std::uint32_t device, const std::string& secret) {
    devices[{user, device}] = std::string(view(blake2b_256(secret)));
    last_device[user] = std::max(last_device[user], device);
  }

  static void tell(Session& session, const ServerFrame& frame) {
    ServerMessage message;
    *message.add_frames() = frame;
    session.to_device->push_back(message.SerializeAsString());
  }
  static void fail(Session& session, std::uint64_t id, Code code, std::uint64_t next = 0, std::uint32_t after_ms = 0) {
    ServerFrame frame;
    frame.set_request_id(id);
    frame.mutable_error()->set_code(code);
    frame.mutable_error()->set_next_outbox_seq(next);
    frame.mutable_error()->set_retry_after_ms(after_ms);
    tell(session, frame);
  }

  void receive(int connection, std::deque<std::string>& to_device, const std::string& bytes) {
    ClientMessage message;
    if (!message.ParseFromString(bytes)) return;
    for (const ClientFrame& frame : message.frames()) {
      Session none{0, 0, &to_device};
      if (frame.has_hello()) {
        on_hello(connection, none, frame);
      } else if (sessions.contains(connection)) {
        on_frame(connection, sessions[connection], frame);
      }
    }
  }

  void on_hello(int connection, Session& session, const ClientFrame& frame) {
    const Hello& hello = frame.hello();
    hellos.push_back(hello);
    const auto device = devices.find({hello.user(), hello.device()});
    if (device == devices.end() || device->second != view(blake2b_256(hello.secret()))) {
      return fail(session, frame.request_id(), UNAUTHENTICATED);
    }
    session.user = hello.user();
    session.device = hello.device();
    sessions[connection] = session;
    ServerFrame answer;
    answer.set_request_id(frame.request_id());
    answer.mutable_hello()->set_history_epoch(epoch);
    *answer.mutable_hello()->mutable_sync() = page(hello.user(), hello.synced_version(), 0);
    tell(session, answer);
  }

  SyncPage page(std::uint64_t user, std::uint64_t since, std::uint64_t below) {
    std::map<std::uint64_t, IndexEntry, std::greater<>> newest_first;
    for (const auto& [key, entry] : index) {
      if (key.first == user && entry.version() > since && (below == 0 || entry.version() < below)) {
        newest_first[entry.version()] = entry;
      }
    }
    SyncPage out;
    out.set_top_version(versions[user]);
    for (const auto& [version, entry] : newest_first) {
      if (out.entries_size() == page_entries) {
        out.set_next_below(out.entries(out.entries_size() - 1).version());
        break;
      }
      *out.add_entries() = entry;
    }
    return out;
  }

  void on_frame(int connection, Session& session, const ClientFrame& frame) {
    ServerFrame answer;
    answer.set_request_id(frame.request_id());
    if (frame.has_send()) return on_send(session, frame);
    if (frame.has_ack()) {
      acks.push_back(frame.ack());
      if (drop_acks) return;
      Receipt& mark = marks[{frame.ack().conversation(), session.user}];
      const std::uint64_t head = logs[frame.ack().conversation()].size();
      mark.set_conversation(frame.ack().conversation());
      mark.set_user(session.user);
      mark.set_read_seq(std::max(mark.read_seq(), std::min<std::uint64_t>(frame.ack().read_seq(), head)));
      mark.set_delivered_seq(std::max(
          {mark.delivered_seq(), mark.read_seq(), std::min<std::uint64_t>(frame.ack().delivered_seq(), head)}));
      answer.mutable_acked()->set_conversation(mark.conversation());
      answer.mutable_acked()->set_delivered_seq(mark.delivered_seq());
      answer.mutable_acked()->set_read_seq(mark.read_seq());
      for (auto& [other, live] : sessions) {
        ServerFrame told;
        *told.mutable_receipt() = mark;
        if (live.user != session.user) tell(live, told);
      }
    } else if (frame.has_sync()) {
      *answer.mutable_sync() = page(session.user, frame.sync().since_version(), frame.sync().below_version());
    } else if (frame.has_history()) {
      ++histories;
      HistoryPage& history = *answer.mutable_history();
      const std::vector<Event>& log = logs[frame.history().conversation()];
      history.set_conversation(frame.history().conversation());
      history.set_head(log.size());
      const int limit = std::min(page_events, static_cast<int>(frame.history().limit()));
      for (std::uint64_t seq = frame.history().after_seq() + 1; seq <= log.size() && history.events_size() < limit;
           ++seq) {
        *history.add_events() = log[seq - 1];
      }
    } else if (frame.has_marks()) {
      answer.mutable_marks();
      for (const std::string& conversation : frame.marks().conversations()) {
        for (const auto& [key, mark] : marks) {
          if (key.first == conversation) *answer.mutable_marks()->add_receipts() = mark;
        }
      }
    } else if (frame.has_ping()) {
      answer.mutable_pong();
    } else if (frame.has_lookup()) {
      answer.mutable_profile()->set_handle(frame.lookup().handle());
      answer.mutable_profile()->set_user(7);
    } else if (frame.has_renew_device()) {
      const std::uint32_t device = ++last_device[session.user];
      devices.erase({session.user, session.device});
      devices[{session.user, device}] = frame.renew_device().secret_hash();
      answer.mutable_device_renewed()->set_device(device);
      if (!lose_renewals) tell(session, answer);
      sessions.erase(connection);
      return;
    } else if (frame.has_logout()) {
      answer.mutable_logged_out();
    }
    tell(session, answer);
  }

  void on_send(Session& session, const ClientFrame& frame) {
    ++sends;
    const Send& send = frame.send();
    Fault fault = Fault::None;
    if (!faults.empty()) {
      fault = faults.front();
      faults.pop_front();
    }
    if (fault == Fault::Unavailable) return fail(session, frame.request_id(), UNAVAILABLE);
    if (fault == Fault::TooFast) return fail(session, frame.request_id(), RESOURCE_EXHAUSTED, 0, 200);
    Row& row = rows[{send.conversation(), session.user, session.device}];
    const std::string digest(view(blake2b_256(send.payload())));
    if (strangers_may_not_send.contains(send.conversation())) {
      return fail(session, frame.request_id(), PERMISSION_DENIED, row.taken.size() + 1);
    }
    if (send.outbox_seq() > row.taken.size() + 1) {
      return fail(session, frame.request_id(), OUT_OF_RANGE, row.taken.size() + 1);
    }
    if (send.outbox_seq() <= row.taken.size() &&
        (send.outbox_seq() + window <= row.taken.size() || row.taken[send.outbox_seq() - 1].first != digest)) {
      return fail(session, frame.request_id(), ALREADY_EXISTS);
    }
    const bool again = send.outbox_seq() <= row.taken.size();
    if (!again) {
      Payload payload;
      payload.ParseFromString(send.payload());
      const bool refused = payload.text() == "refuse me";
      row.taken.emplace_back(digest, refused ? 0 : append(session, send, digest));
    }
    const std::uint64_t seq = row.taken[send.outbox_seq() - 1].second;
    if (fault == Fault::Silent) return;
    if (fault == Fault::AbortedStored) return fail(session, frame.request_id(), ABORTED);
    if (seq == 0) return fail(session, frame.request_id(), INVALID_ARGUMENT);
    ServerFrame answer;
    answer.set_request_id(frame.request_id());
    answer.mutable_accepted()->set_conversation(send.conversation());
    answer.mutable_accepted()->set_outbox_seq(send.outbox_seq());
    answer.mutable_accepted()->set_seq(seq);
    answer.mutable_accepted()->set_again(again);
    tell(session, answer);
  }

  std::uint64_t append(const Session& session, const Send& send, const std::string& digest) {
    std::vector<Event>& log = logs[send.conversation()];
    Event event;
    event.set_seq(log.size() + 1);
    event.set_sender(session.user);
    event.set_device(session.device);
    event.set_outbox_seq(send.outbox_seq());
    event.set_digest(digest);
    event.set_payload(send.payload());
    log.push_back(event);
    const ConversationId conversation = *ConversationId::parse(send.conversation());
    for (const UserId member : std::set<UserId>{conversation.lower(), conversation.higher()}) {
      IndexEntry& entry = index[{member.value(), send.conversation()}];
      entry.set_conversation(send.conversation());
      entry.set_head(log.size());
      entry.set_version(++versions[member.value()]);
    }
    for (auto& [connection, live] : sessions) {
      if (!conversation.has_direct_member(UserId(live.user))) continue;
      ServerFrame told;
      if (push_heads_only) {
        told.mutable_head()->set_conversation(send.conversation());
        told.mutable_head()->set_seq(log.size());
      } else {
        told.mutable_push()->set_conversation(send.conversation());
        *told.mutable_push()->mutable_event() = event;
      }
      tell(live, told);
    }
    return log.size();
  }

  [[nodiscard]] std::vector<std::string> texts(const ConversationId& conversation) const {
    std::vector<std::string> all;
    const auto it = logs.find(conversation.str());
    if (it == logs.end()) return all;
    for (const Event& event : it->second) {
      Payload payload;
      payload.ParseFromString(event.payload());
      all.push_back(payload.text());
    }
    return all;
  }
};

// A device: the client core, its journal, its connection, and an application that checks what it hears.
struct ModelDevice {
  ModelServer& server;
  Credentials credentials;
  Config config;
  Now now{{0}, {1'000'000}};
  std::vector<std::string> journal;  // synced
  std::deque<std::string> unsynced;  // handed out
  std::uint64_t synced_count = 0;    // of this life
  std::unique_ptr<Client> client;
  std::deque<std::string> to_server;
  std::deque<std::string> to_device;
  int connection = 0;  // 0: none
  bool connecting = false;
  bool reachable = true;
  std::uint8_t lives = 0;
  std::map<std::string, std::vector<Event>> seen;  // by the application, over all lives
  std::vector<Happening> happened;                 // in this life
  std::vector<std::string> complaints;             // what must never be

  ModelDevice(ModelServer& at, std::uint64_t user, std::uint32_t device) : server(at) {
    credentials = {UserId(user), DeviceId(device), std::string(32, static_cast<char>('a' + user)), "somebody"};
    server.add_device(user, device, credentials.secret);
  }

  void open() {
    Seed seed{};
    seed[0] = static_cast<std::uint8_t>(credentials.user.value());
    seed[1] = ++lives;
    auto opened = Client::open(credentials, config, seed, journal);
    if (!opened.ok()) {
      complaints.push_back(std::string(opened.status().message()));
      return;
    }
    client = *std::move(opened);
    unsynced.clear();
    synced_count = 0;
    happened.clear();
    // What the last life journaled without being told so in time.
    for (const Received& received : client->not_shown()) {
      if (received.event.seq() > seen[received.conversation.str()].size()) see(received);
    }
    Outputs out;
    client->start(now, out);
    carry(out);
  }

  // The process dies, and what was not synced with it.
  void crash() {
    break_connection_silently();
    client.reset();
  }

  void see(const Received& received) {
    std::vector<Event>& events = seen[received.conversation.str()];
    if (received.event.seq() != events.size() + 1) {
      complaints.push_back("heard event " + std::to_string(received.event.seq()) + " after " +
                           std::to_string(events.size()));
    }
    events.push_back(received.event);
  }

  void carry(Outputs& out) {
    for (std::string& record : out.persist) unsynced.push_back(std::move(record));
    for (std::string& message : out.send) {
      if (connection == 0) complaints.push_back("said something without a connection");
      to_server.push_back(std::move(message));
    }
    for (Happening& happening : out.happenings) {
      if (const auto* received = std::get_if<Received>(&happening)) see(*received);
      if (const auto* changed = std::get_if<DeviceChanged>(&happening)) credentials = changed->credentials;
      happened.push_back(std::move(happening));
    }
    if (out.disconnect) break_connection_silently();
    if (out.connect) connecting = true;
  }

  void break_connection_silently() {
    server.sessions.erase(connection);
    to_server.clear();
    to_device.clear();
    connection = 0;
    connecting = false;
  }

  void break_connection() {
    if (connection == 0) return;
    break_connection_silently();
    Outputs out;
    client->disconnected(now, out);
    carry(out);
  }

  void finish_connecting() {
    if (!connecting || client == nullptr) return;
    connecting = false;
    Outputs out;
    if (reachable) {
      static int last_connection = 0;
      connection = ++last_connection;
      client->connected(now, out);
    } else {
      client->disconnected(now, out);
    }
    carry(out);
  }

  void sync_journal(std::size_t most = 1'000'000) {
    std::size_t count = 0;
    for (; count < most && !unsynced.empty(); ++count) {
      journal.push_back(std::move(unsynced.front()));
      unsynced.pop_front();
    }
    if (client == nullptr || count == 0) return;
    synced_count += count;
    Outputs out;
    client->persisted(now, synced_count, out);
    carry(out);
  }

  void carry_up(std::size_t most = 1'000'000) {
    for (; most > 0 && connection != 0 && !to_server.empty(); --most) {
      const std::string message = std::move(to_server.front());
      to_server.pop_front();
      server.receive(connection, to_device, message);
    }
  }

  void carry_down(std::size_t most = 1'000'000) {
    for (; most > 0 && connection != 0 && !to_device.empty(); --most) {
      const std::string message = std::move(to_device.front());
      to_device.pop_front();
      receive(message);
    }
  }

  void receive(const std::string& message) {
    Outputs out;
    client->received(now, message, out);
    carry(out);
  }

  void pass(std::int64_t ms) {
    now.mono.ns += ms * 1'000'000;
    now.wall.ms += ms;
    if (client == nullptr || client->next_deadline() > now.mono) return;
    Outputs out;
    client->tick(now, out);
    carry(out);
    if (client->next_deadline() <= now.mono) complaints.push_back("a tick leaves something due: the owner would spin");
  }

  absl::StatusOr<OutboxSeq> send(const ConversationId& conversation, const std::string& text) {
    Outputs out;
    auto ticket = client->send(now, conversation, text, out);
    carry(out);
    return ticket;
  }

  // Everything that can happen without time passing.
  void settle() {
    for (int i = 0; i < 1000; ++i) {
      finish_connecting();
      sync_journal();
      carry_up();
      carry_down();
      if (!connecting && unsynced.empty() && to_server.empty() && to_device.empty()) return;
    }
    complaints.push_back("does not come to rest");
  }

  void settle_for(std::int64_t ms) {
    settle();
    for (std::int64_t passed = 0; passed < ms; passed += 50) {
      pass(50);
      settle();
    }
  }

  template <class Kind>
  [[nodiscard]] std::vector<Kind> heard() const {
    std::vector<Kind> all;
    for (const Happening& happening : happened) {
      if (const Kind* kind = std::get_if<Kind>(&happening)) all.push_back(*kind);
    }
    return all;
  }
};

}  // namespace chasqui::client::testing
