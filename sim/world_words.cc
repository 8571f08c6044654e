// What people say beside plain text, and what of it is looked at once all has settled.
//
// A text names its message for every judge, so it is unique in a run; what has no text carries one all the same
// (payload_text.h).
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/keys.h"
#include "sim/payload_text.h"
#include "sim/world.h"

namespace chasqui::sim {
namespace {

using client::About;

constexpr std::uint64_t golden = 0x9e3779b97f4a7c15ULL;

// How many in 16 are of which kind; the rest are messages by themselves.
constexpr About::Kind kinds[16] = {About::REPLY,    About::REPLY,    About::REPLY,    About::EDIT,
                                   About::EDIT,     About::EDIT,     About::REACTION, About::REACTION,
                                   About::REACTION, About::DELETION, About::PIN,      About::UNPIN,
                                   About::VOTE,     About::VOTE,     About::NOTHING,  About::NOTHING};

}  // namespace

// Mostly a message that is there; some edit another's, or mean what is not there yet.
client::About World::drawn_about(const Device& device, const ConversationId& conversation, std::uint64_t bits) const {
  About about;
  about.set_kind(kinds[below(bits, 16)]);
  if (about.kind() == About::NOTHING) return about;
  const std::uint64_t more = mix(bits, golden);
  const std::uint64_t taken = device.client->taken(conversation).value();
  about.set_seq(1 + below(mix(more, bits), taken + (chance_ppm(mix(more, more), 100'000) || taken == 0 ? 3 : 0)));
  const auto poll = device.polls.find(conversation);
  const bool votes_on_it = about.kind() == About::VOTE && poll != device.polls.end();
  if (votes_on_it && chance_ppm(mix(more, golden), 800'000)) about.set_seq(poll->second.value());
  return about;
}

client::Payload World::drawn_payload(const Device& device, const ConversationId& conversation,
                                     std::uint64_t size) const {
  client::Payload payload;
  const std::string name = absl::StrCat("message ", device.messages, " of device ", device.index, " ");
  const auto say = [&](std::uint64_t bytes) {
    payload.set_text(name);
    if (name.size() < bytes) payload.mutable_text()->append(static_cast<std::size_t>(bytes - name.size()), 'x');
  };
  const std::uint64_t bits = noise(Concern::About, device.index + 1, device.messages);
  if (!chance_ppm(bits, plan_.knobs.about_ppm)) {
    say(size);
    return payload;
  }
  const std::uint64_t more = mix(bits, golden);
  const About about = drawn_about(device, conversation, more);
  if (about.kind() != About::NOTHING) *payload.mutable_about() = about;
  if (about.kind() == About::REPLY || about.kind() == About::EDIT) {
    say(size);
    return payload;
  }
  if (about.kind() == About::REACTION && chance_ppm(mix(more, 1), 800'000)) {
    payload.set_text(absl::StrCat("sign ", device.messages, " of ", device.index));
    return payload;
  }
  set_name(payload, name);
  if (about.kind() == About::VOTE) {
    for (std::uint32_t option = 0; option < 4; ++option) {
      if (chance_ppm(mix(more, 2 + option), 250'000)) payload.add_votes(option);
    }
  }
  if (about.kind() != About::NOTHING) return payload;
  const std::uint64_t what = below(mix(more, 10), 6);
  if (what <= 1) {
    client::Poll& poll = *payload.mutable_poll();
    poll.set_question("which?");
    for (std::uint64_t option = 0; option < 2 + below(mix(more, 11), 3); ++option) poll.add_options("this");
    poll.set_choices_max(static_cast<std::uint32_t>(1 + below(mix(more, 12), 2)));
  } else if (what == 2 && plan_.knobs.timer_s != 0) {
    const bool off = chance_ppm(mix(more, 13), 200'000);
    const std::uint64_t seconds = off ? 0 : 1 + below(mix(more, 14), plan_.knobs.timer_s);
    payload.mutable_timer()->set_seconds(static_cast<std::uint32_t>(seconds));
  } else if (what == 3) {
    payload.mutable_location()->set_latitude_e7(-120'464'000);
    payload.mutable_location()->set_longitude_e7(-770'428'000);
  } else if (what == 4) {
    payload.mutable_contact()->set_name("somebody");
    payload.add_mentions(device.credentials.user.value());
  } else {
    payload.clear_text();
    payload.set_sealed(std::string("\xff\0\x01", 3));
    payload.set_forwards(static_cast<std::uint32_t>(below(mix(more, 15), 8)));
  }
  return payload;
}

// Somebody of the same cluster, who may be no member: then they are merely named.
void World::name_somebody(const Device& device, const ConversationId& conversation, client::Payload& payload) const {
  const std::uint64_t bits = noise(Concern::Mentions, device.index + 1, device.messages);
  if (!chance_ppm(bits, conversation.is_group() ? 300'000 : 50'000)) return;
  std::set<std::uint64_t> named(payload.mentions().begin(), payload.mentions().end());
  for (std::uint64_t i = 0; i <= below(mix(bits, 1), 3); ++i) {
    const UserId user = drawn_user(device, mix(bits, 2 + i));
    if (user && named.insert(user.value()).second) payload.add_mentions(user.value());
  }
}

void World::send_text(Device& device, const ConversationId& conversation, std::uint64_t size) {
  ++device.messages;
  client::Payload payload = drawn_payload(device, conversation, size);
  name_somebody(device, conversation, payload);
  std::string text = text_of(payload);
  client::Outputs outputs;
  if (plan_.knobs.watch != 0) device.client->type(device.now(now_), conversation, false, outputs);
  const std::uint64_t before = device.handed;
  const auto number = device.client->send_payload(device.now(now_), conversation, std::move(payload), outputs);
  if (number.ok()) {
    ++report_.sent;
    see(MessageSent{device.index, conversation, *number, text});
    device.doubts.push_back({before, before + outputs.persist.size(), conversation, {}, std::move(text)});
  }
  carry_out(device, outputs);
}

// Something of what it has seen; now and then all of it so far.
void World::person_hides(Device& device, const ConversationId& conversation, Seq seen, client::Outputs& outputs) {
  if (healed_at_ >= 0) return;  // it could not be known everywhere by the end
  const std::uint64_t bits = noise(Concern::About, std::uint64_t{1'000'000} + device.index, seen.value());
  if (!chance_ppm(bits, plan_.knobs.hide_ppm)) return;
  const std::uint64_t more = mix(bits, golden);
  const std::uint64_t first = 1 + below(more, seen.value());
  const bool is_one = chance_ppm(mix(more, 1), 900'000);
  (void)device.client->hide(device.now(now_), conversation, Seq(is_one ? first : 1), Seq(first), outputs);
}

void World::person_watches(Device& device, client::Outputs& outputs) {
  std::vector<UserId> known;
  for (const std::uint32_t contact : plan_.contacts[device.person]) {
    if (users_[contact] && known.size() < 8) known.push_back(users_[contact]);
  }
  device.client->watch(device.now(now_), std::move(known), outputs);
}

// -------------------------------------------------------------------------------------------- once all has settled

namespace {

void search(const std::string& value, const HashIndex<std::string, std::pair<ConversationId, Seq>>& erased,
            std::vector<std::pair<ConversationId, Seq>>& found) {
  constexpr std::size_t nonce_bytes = 16;
  for (std::size_t at = 0; at + nonce_bytes <= value.size(); ++at) {
    if (const auto* event = erased.find(value.substr(at, nonce_bytes))) found.push_back(*event);
  }
}

// Whether that user was told of the deletion that erased the event, or its time was over: he may have been away then.
bool is_told(const Model& model, UserId user, const ConversationId& id, Seq seq) {
  const Model::Event& erased = *model.event(id, seq);
  const Seq target = erased.about_kind == client::About::EDIT ? erased.about : seq;
  for (Seq later = target.next(); later <= model.head(id); later = later.next()) {
    const Model::Event* event = model.event(id, later);
    if (event->about_kind != client::About::DELETION || event->about != target) continue;
    return model.sees(id, user, later);
  }
  return true;
}

}  // namespace

// Of each shard only the replicas that have applied all that anybody has: the others are behind, and will do so.
void World::search_disks() {
  Erased erased;
  std::uint64_t count = 0;
  for (const auto& [id, conversation] : judge_.model().conversations()) {
    for (std::size_t i = 0; i < conversation.events.size(); ++i) {
      const Model::Event& event = conversation.events[i];
      if (!event.erased || event.nonce.empty()) continue;
      erased.insert(event.nonce, {id, Seq(i + 1)});
      ++count;
    }
  }
  if (count == 0) return;
  const auto applied = [](const VirtualNode& node, ShardId shard) {
    state::Shard numbers;
    const auto row = node.store.get(keys::numbers(shard));
    return row && numbers.ParseFromString(*row) ? numbers.applied_index() : 0;
  };
  for (const auto& node : nodes_) {
    if (!node->up()) continue;
    DiskSearched searched{node->index, count, {}};
    for (std::uint32_t i = 0; i < plan_.shards; ++i) {
      const ShardId shard(i);
      std::uint64_t most = 0;
      for (const auto& other : nodes_) {
        if (plan_.is_cluster() || other == node) most = std::max(most, applied(*other, shard));
      }
      if (most == 0 || applied(*node, shard) < most) continue;
      RangeRead all;
      all.begin = keys::shard_begin(shard);
      all.end = keys::shard_end(shard);
      all.rows_max = ~std::uint64_t{0};
      all.bytes_max = ~std::uint64_t{0};
      for (const Row& row : node->store.read(all).rows) search(row.value, erased, searched.found);
    }
    see(std::move(searched));
  }
  search_journals(erased, count);
}

// Of devices that are there and have taken all: a deletion included, but not of a group that they had left before it,
// be they back by now or not.
// What disappears by itself does so by the device's own clock, which may be wrong.
void World::search_journals(const Erased& erased, std::uint64_t count) {
  const Model& model = judge_.model();
  for (const auto& device : devices_) {
    if (!device->has_account || !device->up() || device->ended || device->outdated || !device->unsynced.empty())
      continue;
    DiskSearched searched{device->node, count, {}, device->index};
    for (const std::string& record : device->journal) search(record, erased, searched.found);
    std::erase_if(searched.found, [&](const std::pair<ConversationId, Seq>& found) {
      const auto& [conversation, seq] = found;
      const Model::Event* event = model.event(conversation, seq);
      const Seq last = model.last_for(conversation, device->credentials.user);
      return event == nullptr || event->expires_ms != 0 || last < model.head(conversation) ||
             device->client->taken(conversation) < last || !is_told(model, device->credentials.user, conversation, seq);
    });
    see(std::move(searched));
  }
}

// Of people whose reading has had its time to be known everywhere.
void World::list_unread(Time known_after) {
  if (settled_at_ < 0) return;
  HashIndex<UserId, Time> read_at;
  for (const auto& device : devices_) {
    Time& last = read_at[device->credentials.user];
    last = std::max(last, device->read_at);
  }
  for (const auto& device : devices_) {
    if (!device->has_account || !device->up() || device->ended || !device->client->is_connected()) continue;
    const UserId user = device->credentials.user;
    if (*read_at.find(user) > now_ - known_after) continue;
    for (const auto& [conversation, known] : judge_.model().conversations()) {
      // Of a group that one is merely invited into nothing is unread.
      if (!judge_.model().has_part(conversation, user) && !device->client->is_invitation(conversation)) continue;
      const Counts counts = device->client->unread(conversation);
      see(CountsHeard{device->node, device->index, user, conversation, counts.unread(), counts.unread_mentions(),
                      true});
    }
  }
}

void World::list_hidden() {
  if (plan_.knobs.hide_ppm == 0 || settled_at_ < 0) return;
  for (const auto& device : devices_) {
    if (!device->has_account || !device->up() || device->ended || !device->client->is_connected()) continue;
    for (const ConversationId& conversation : device->client->conversations()) {
      const Seq taken = device->client->taken(conversation);
      if (!taken) continue;
      see(HiddenListed{device->node, device->index, device->credentials.user, conversation, taken,
                       device->client->hidden(conversation).numbers()});
    }
  }
}

}  // namespace chasqui::sim
