// The law of the client: whatever breaks, everybody hears everything once and in order, and what was sent is stored
// once. Any interleaving of: connections that break, journals that lose their end, processes that die, backups that are
// restored, pushes that come twice or not at all, servers that are busy.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>

#include "core/client/client.h"
#include "core/client/model_server.h"

namespace chasqui::client::testing {
namespace {

const std::array<ConversationId, 2> chats = {ConversationId::direct(UserId(1), UserId(2)),
                                             ConversationId::direct(UserId(1), UserId(1))};

// One device with what it must have stored in the end.
struct Actor {
  ModelDevice device;
  std::vector<std::pair<std::string, std::size_t>> unsure;  // sent, record not synced yet: text, records before it
  std::vector<std::string> must;                            // the record is synced: stored once, in this order
  std::vector<std::string> may;                             // forgotten by a restored backup: stored at most once
  std::size_t records = 0;                                  // handed out in this life
  struct Backup {
    std::vector<std::string> journal;
    std::vector<std::string> must;
    std::map<std::string, std::vector<Event>> seen;
    Credentials credentials;
  };
  std::optional<Backup> backup;

  Actor(ModelServer& server, std::uint64_t user, std::uint32_t number) : device(server, user, number) { device.open(); }

  void send(int number, std::size_t chat) {
    const std::string text = std::to_string(device.credentials.user.value()) + " says " + std::to_string(number);
    if (device.client == nullptr || !device.send(chats[chat], text).ok()) return;
    unsure.emplace_back(text, device.synced_count + device.unsynced.size());
  }
  void sync(std::size_t most) {
    device.sync_journal(most);
    settle_unsure();
  }
  void settle_unsure() {
    while (!unsure.empty() && unsure.front().second <= device.synced_count) {
      must.push_back(unsure.front().first);
      unsure.erase(unsure.begin());
    }
  }
  void restart() {
    settle_unsure();
    unsure.clear();  // never synced, so never sent
    device.crash();
    device.open();
  }
  void save() {
    settle_unsure();
    // An application shows no event that it would not have after a restore; the model's one has shown what is
    // journaled.
    std::map<std::string, std::vector<Event>> seen = device.seen;
    for (auto& [conversation, events] : seen) {
      events.resize(
          std::min<std::size_t>(events.size(), device.client->taken(*ConversationId::parse(conversation)).value()));
    }
    backup = Backup{device.journal, must, seen, device.credentials};
  }
  void restore() {
    if (!backup) return;
    settle_unsure();
    device.crash();
    for (const std::string& text : must) {
      if (std::find(backup->must.begin(), backup->must.end(), text) == backup->must.end()) may.push_back(text);
    }
    for (const auto& [text, record] : unsure) may.push_back(text);
    unsure.clear();
    must = backup->must;
    device.journal = backup->journal;
    device.seen = backup->seen;
    // The person logs in again if the old token is out, which the restored journal cannot know.
    device.credentials = backup->credentials;
    const auto key =
        std::make_pair(device.credentials.user.value(), static_cast<std::uint32_t>(device.credentials.device.value()));
    if (!device.server.devices.contains(key)) {
      const std::uint32_t number = device.server.last_device[key.first] + 1;
      device.credentials.device = DeviceId(number);
      device.credentials.secret = std::string(32, static_cast<char>(number));
      device.server.add_device(key.first, number, device.credentials.secret);
    }
    backup.reset();
    device.open();
  }
};

void act(int kind, std::size_t amount, int step, Actor& actor, ModelServer& server) {
  ModelDevice& device = actor.device;
  switch (kind) {
    case 0: return;
    case 1:
    case 15:
    case 16:
      for (std::size_t i = 0; i <= amount % 4; ++i) {
        const bool to_herself = amount % 5 == 0 && device.credentials.user == UserId(1);
        actor.send(step * 10 + static_cast<int>(i), to_herself ? 1 : 0);
      }
      return;
    case 2: device.finish_connecting(); return;
    case 3: device.carry_up(amount % 4 + 1); return;
    case 4: device.carry_down(amount % 4 + 1); return;
    case 5: actor.sync(amount % 8 + 1); return;
    case 6:
    case 17:
    case 18:
      device.settle();
      actor.settle_unsure();
      return;
    case 7:
    case 19: device.pass(static_cast<std::int64_t>(amount) * 37); return;
    case 8: device.break_connection(); return;
    case 9:
      if (amount % 2 == 0) actor.restart();
      return;
    case 10: server.faults.push_back(static_cast<Fault>(amount % 5)); return;
    case 11:  // something arrives twice, or not at all
      if (device.to_device.empty()) return;
      if (amount % 2 == 0) device.to_device.push_back(device.to_device.front());
      if (amount % 2 == 1) server.push_heads_only = !server.push_heads_only;
      return;
    case 12: {
      Outputs out;
      const ConversationId chat = chats[0];
      device.client->mark_shown(device.now, chat, Seq(amount), out);
      device.client->mark_read(device.now, chat, Seq(amount), out);
      device.carry(out);
      return;
    }
    case 13:
      if (amount % 3 == 0) actor.save();
      if (amount % 3 == 1) actor.restore();
      return;
    case 14:  // compaction, once everything is synced
      if (device.unsynced.empty()) device.journal = device.client->compacted();
      return;
    default: return;
  }
}

std::size_t count(const std::vector<std::string>& texts, const std::string& text) {
  return static_cast<std::size_t>(std::count(texts.begin(), texts.end(), text));
}

RC_GTEST_PROP(ClientLaw, everybody_hears_everything_once_and_in_order, ()) {
  ModelServer server;
  server.page_entries = 1;
  server.page_events = 3;
  std::array<Actor, 3> actors = {Actor(server, 1, 1), Actor(server, 2, 1), Actor(server, 1, 2)};
  server.window = *rc::gen::element<std::uint64_t>(64, 3);  // 3: even an honest repeat may be too late
  const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int>>>(
      120, rc::gen::tuple(rc::gen::inRange(0, 20), rc::gen::inRange(0, 3), rc::gen::inRange(0, 40)));
  int step = 0;
  for (const auto& [kind, who, amount] : steps) {
    Actor& actor = actors[static_cast<std::size_t>(who)];
    act(kind, static_cast<std::size_t>(amount), ++step, actor, server);
    actor.settle_unsure();
  }

  // Peace: everything is carried, and time passes.
  server.faults.clear();
  for (int round = 0; round < 4; ++round) {
    for (Actor& actor : actors) {
      actor.device.settle_for(round < 2 ? 40'000 : 2'000);
      actor.settle_unsure();
    }
  }
  for (Actor& actor : actors) {
    RC_ASSERT(actor.device.complaints == std::vector<std::string>{});
    RC_ASSERT(actor.device.client->unsent() == 0U);
    RC_ASSERT(actor.device.heard<Ended>().empty());
    std::vector<std::string> stored;
    for (const ConversationId& chat : chats) {
      const std::vector<std::string> texts = server.texts(chat);
      for (const std::string& text : texts) RC_ASSERT(count(texts, text) == 1U);
      stored.insert(stored.end(), texts.begin(), texts.end());
      const std::vector<Event>& seen = actor.device.seen[chat.str()];
      if (!chat.has_direct_member(actor.device.credentials.user)) continue;
      RC_ASSERT(seen.size() == texts.size());
      for (std::size_t i = 0; i < seen.size(); ++i) {
        RC_ASSERT(seen[i].SerializeAsString() == server.logs[chat.str()][i].SerializeAsString());
      }
    }
    for (const std::string& text : actor.must) RC_ASSERT(count(stored, text) == 1U);
    // In order within each conversation.
    for (const ConversationId& chat : chats) {
      std::vector<std::string> in_order;
      for (const std::string& text : server.texts(chat)) {
        if (count(actor.must, text) == 1U) in_order.push_back(text);
      }
      std::vector<std::string> sent;
      for (const std::string& text : actor.must) {
        if (count(in_order, text) == 1U) sent.push_back(text);
      }
      RC_ASSERT(in_order == sent);
    }
  }
}

}  // namespace
}  // namespace chasqui::client::testing
