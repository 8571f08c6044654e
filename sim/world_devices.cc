// Devices and their people: what the client core asks for, what the application sees, what the person does.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/describe.h"
#include "sim/payload_text.h"
#include "sim/trace/io_bytes.h"
#include "sim/world.h"

namespace chasqui::sim {
namespace {

// What leaves together may leave as one message: `frames` is a repeated field.
void glue(std::vector<std::string>& messages) {
  std::vector<std::string> glued;
  for (std::string& bytes : messages) {
    if (glued.empty() || glued.back().size() + bytes.size() > 200'000) glued.emplace_back();
    glued.back() += bytes;
  }
  messages = std::move(glued);
}

}  // namespace

void World::device_rises(Device& device) {
  ++device.incarnation;
  Dice dice(plan_.seed, Concern::DeviceSeed, (std::uint64_t{device.index} << 32) | device.incarnation);
  Seed seed{};
  for (std::size_t word = 0; word < 4; ++word) {
    const std::uint64_t bits = dice.bits();
    for (std::size_t i = 0; i < 8; ++i) seed[8 * word + i] = static_cast<std::uint8_t>(bits >> (8 * i));
  }
  client::Config config;
  config.retry_cap = milliseconds(static_cast<std::int64_t>(plan_.knobs.retry_cap_ms));
  auto client = client::Client::open(device.credentials, config, seed, device.journal);
  if (client.ok() && dice.chance(200'000)) {
    // A program that compacts its journal when it starts.
    device.journal = (*client)->compacted();
    client = client::Client::open(device.credentials, config, seed, device.journal);
  }
  if (!client.ok()) {
    see(ContractBroken{device.node, absl::StrCat("device ", device.index, " cannot open its journal: ",
                                                 std::string(client.status().message()))});
    return;
  }
  device.client = *std::move(client);
  if (tracing()) trace(absl::StrCat("device ", device.index, " starts, life ", device.incarnation));
  client::Outputs outputs;
  for (const client::Received& received : device.client->not_shown()) {
    saw(device, received.conversation, received.event);
    shown(device, received.conversation, outputs);
  }
  device.started = true;
  device.greeted = true;
  device.client->start(device.now(now_), outputs);
  if (plan_.knobs.watch != 0) person_watches(device, outputs);
  carry_out(device, outputs);
}

void World::carry_out(Device& device, client::Outputs& outputs) {
  record_.clear();
  record_.push_back('D');
  append_number(device.index, record_);
  append_number(static_cast<std::uint64_t>(now_), record_);
  for (const std::string& bytes : outputs.persist) append_string(bytes, record_);
  for (const std::string& bytes : outputs.send) append_string(bytes, record_);
  append_number(outputs.happenings.size(), record_);
  record_.push_back(static_cast<char>((outputs.connect ? 1 : 0) | (outputs.disconnect ? 2 : 0)));
  hash_record();

  device.handed += outputs.persist.size();
  for (std::string& record : outputs.persist) device.unsynced.push_back(std::move(record));
  if (!device.unsynced.empty() && device.in_sync == 0) {
    device.in_sync = device.unsynced.size();
    const std::uint64_t bits = noise(Concern::Journal, device.index, static_cast<std::uint64_t>(now_));
    const std::uint64_t us = log_uniform(bits, plan_.knobs.journal_us + 1, 8 * plan_.knobs.journal_us + 8);
    push(now_ + static_cast<Time>(us) * microsecond, EventKind::JournalSynced, device.index, device.incarnation);
  }
  if (Connection* connection = find(device.connection); connection != nullptr && connection->device_open) {
    if (plan_.knobs.codec != 0) glue(outputs.send);
    for (std::string& bytes : outputs.send) {
      if (tracing()) {
        client::ClientMessage message;
        (void)message.ParseFromString(bytes);
        for (const auto& frame : message.frames())
          trace(absl::StrCat("device ", device.index, " says ", describe(frame)));
      }
      send_up(*connection, now_, std::move(bytes));
    }
  }
  if (outputs.disconnect && device.connection != 0) {
    const std::uint64_t id = std::exchange(device.connection, 0);
    if (Connection* connection = find(id); connection != nullptr) close_by_device(*connection);
  }
  if (outputs.connect) connect(device);

  client::Outputs more;
  for (client::Happening& happening : outputs.happenings) happen(device, happening, more);
  // The application shows what it got at once, and says so.
  std::vector<ConversationId> fresh;
  for (const client::Happening& happening : outputs.happenings) {
    const auto* received = std::get_if<client::Received>(&happening);
    if (received == nullptr) continue;
    if (fresh.empty() || fresh.back() != received->conversation) fresh.push_back(received->conversation);
  }
  for (const ConversationId& conversation : fresh) shown(device, conversation, more);
  if (!more.persist.empty() || !more.send.empty() || !more.happenings.empty() || more.connect || more.disconnect) {
    carry_out(device, more);
  } else {
    set_wake(device);
  }
}

void World::shown(Device& device, const ConversationId& conversation, client::Outputs& more) {
  const Seq seq = device.seen[conversation];
  const std::uint64_t before = device.handed + more.persist.size();
  device.client->mark_shown(device.now(now_), conversation, seq, more);
  device.doubts.push_back({before, device.handed + more.persist.size(), conversation, seq, {}});
}

void World::saw(Device& device, const ConversationId& conversation, const client::Event& event) {
  client::Payload payload;
  EventSeen seen{device.index,
                 conversation,
                 Seq(event.seq()),
                 {event.time_ms()},
                 UserId(event.sender()),
                 DeviceId(event.device()),
                 {},
                 true,
                 false};
  seen.erased = event.erased_by() != 0 || event.expired();
  if (event.has_change()) {  // its digest is of the payload that made it, which its sender alone has
    seen.text = name_of(event.change());
  } else if (!seen.erased) {
    if (payload.ParseFromString(event.payload())) seen.text = text_of(payload);
    if (payload.has_poll()) device.polls[conversation] = seen.seq;
    seen.digest_right = event.digest() == view(blake2b_256(event.payload()));
  }
  device.seen[conversation] = seen.seq;
  if (options_.lie == Lie::DoubleSight && chance_ppm(noise(Concern::Think, 77, report_.delivered), 10'000)) see(seen);
  see(std::move(seen));
  if (device.reading) return;
  device.reading = true;
  const std::uint64_t bits = noise(Concern::Think, device.index, report_.delivered);
  push(now_ + static_cast<Time>(log_uniform(bits, 300, 60'000)) * millisecond, EventKind::PersonReads, device.index, 0);
}

void World::happen(Device& device, client::Happening& happening, client::Outputs& more) {
  (void)more;
  if (auto* received = std::get_if<client::Received>(&happening)) {
    saw(device, received->conversation, received->event);
  } else if (auto* accepted = std::get_if<client::SendAccepted>(&happening)) {
    see(AcceptedHeard{device.index, accepted->conversation, accepted->outbox_seq, accepted->seq, accepted->time});
  } else if (auto* refused = std::get_if<client::SendRefused>(&happening)) {
    if (tracing()) trace(absl::StrCat("device ", device.index, " is refused: ", refused->status.ToString()));
    see(RefusalHeard{device.index, refused->conversation, refused->outbox_seq, refused->status.ToString()});
  } else if (auto* marks = std::get_if<client::MarksMoved>(&happening)) {
    see(MarksHeard{device.index, marks->conversation, marks->user, marks->delivered, marks->read});
  } else if (auto* unread = std::get_if<client::UnreadMoved>(&happening)) {
    see(CountsHeard{device.node, device.index, device.credentials.user, unread->conversation, unread->unread,
                    unread->mentions, false});
  } else if (auto* changed = std::get_if<client::DeviceChanged>(&happening)) {
    device.credentials = changed->credentials;
    see(DeviceJoined{device.index, changed->credentials.user, changed->credentials.device});
  } else if (auto* done = std::get_if<client::GateDone>(&happening)) {
    see(GateHeard{device.index, device.incarnation << 32 | done->request, done->status.ok(), done->gate.in_force()});
  } else if (std::holds_alternative<client::JournalOutdated>(happening)) {
    device.outdated = true;
    replace_outdated(device);
  } else if (auto* ended = std::get_if<client::Ended>(&happening)) {
    sent_away(device, *ended);
  }
}

// At once, but between two syncs: what a real program does some moments later.
void World::replace_outdated(Device& device) {
  if (!device.outdated || !device.up() || !device.unsynced.empty()) return;
  device.outdated = false;
  device.journal = device.client->compacted();
  device.client->journal_replaced();
}

void World::journal_synced(Device& device) {
  for (; device.in_sync > 0; --device.in_sync) {
    device.journal.push_back(std::move(device.unsynced.front()));
    device.unsynced.pop_front();
    ++device.synced;
  }
  device.settle(device.synced);
  client::Outputs outputs;
  device.client->persisted(device.now(now_), device.synced, outputs);
  carry_out(device, outputs);
  replace_outdated(device);
}

void World::set_wake(Device& device) {
  if (!device.up()) return;
  const MonoTime deadline = device.client->next_deadline();
  if (deadline == MonoTime::never()) return;
  const Time at = std::max(now_, deadline.ns - device.now(0).mono.ns);
  if (device.wake_at <= at) return;
  device.wake_at = at;
  push(at, EventKind::DeviceWakes, device.index, static_cast<std::uint64_t>(at));
}

void World::device_wakes(Device& device, Time meant) {
  if (!device.up() || device.wake_at != meant) return;
  device.wake_at = no_time;
  if (device.client->next_deadline() > device.now(now_).mono) return set_wake(device);
  client::Outputs outputs;
  device.client->tick(device.now(now_), outputs);
  carry_out(device, outputs);
}

// ----------------------------------------------------------------------------------------------------- the person

void World::person_sends(Device& device, const Item& item) {
  if (!device.up()) return;
  if (item.kind == ItemKind::Send) {
    const auto& contacts = plan_.contacts[device.person];
    const UserId other = users_[contacts[item.object % contacts.size()]];
    if (other) send_text(device, ConversationId::direct(device.credentials.user, other), item.size);
    return;
  }
  // Two others of the same cluster.
  const std::uint32_t clusters = plan_.clusters();
  const std::uint32_t home = plan_.cluster_of(device.person);
  const auto here = static_cast<std::uint32_t>((users_.size() - home + clusters - 1) / clusters);
  const std::uint32_t one = home + clusters * (item.object % here);
  const std::uint32_t two = home + clusters * (item.object / here % here);
  if (one == device.person || two == device.person || !users_[one] || !users_[two]) return;
  send_text(device, ConversationId::direct(users_[one], users_[two]), item.size);
}

void World::person_reads(Device& device) {
  device.reading = false;
  if (!device.up()) return;
  client::Outputs outputs;
  for (const auto& [conversation, seq] : device.seen) {
    Seq& read = device.read[conversation];
    if (seq <= read) continue;
    read = seq;
    device.read_at = now_;
    see(ReadByPerson{device.index, conversation, seq});
    device.client->mark_read(device.now(now_), conversation, seq, outputs);
    if (plan_.knobs.hide_ppm != 0) person_hides(device, conversation, seq, outputs);
  }
  carry_out(device, outputs);
}

}  // namespace chasqui::sim
