// Of requests: what is asked for oneself, and of others: hide, presence, privacy.
#include <optional>
#include <utility>

#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/requests.h"

namespace chasqui::cli {

namespace json = boost::json;

void Requests::hide(std::uint64_t id, const json::object& request) {
  const Seq seq(number_at(request, "seq"));
  device_.when_online([weak = weak_from_this(), id, seq, who = string_at(request, "who")] {
    const auto self = weak.lock();
    if (!self) return;
    self->find(who, [weak, id, seq](absl::StatusOr<ConversationId> found) {
      const auto still = weak.lock();
      if (!still) return;
      if (!found.ok()) return still->reply_(error_reply(id, found.status()));
      still->hide_here(id, *found, seq);
    });
  });
}

// Of this home first: then it is kept, whatever becomes of the server. Answered once that has it, too.
void Requests::hide_here(std::uint64_t id, const ConversationId& conversation, Seq seq) {
  if (!device_.is_synced()) return later([this, id, conversation, seq] { hide_here(id, conversation, seq); });
  const absl::Status status = device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
    return client.hide(now, conversation, seq, seq, out);
  });
  if (!status.ok()) return reply_(error_reply(id, status));
  hiding_[id] = {conversation, seq};
  say_if_hidden();
}

void Requests::say_if_hidden() {
  for (auto it = hiding_.begin(); it != hiding_.end();) {
    const auto& [id, hiding] = *it;
    if (device_.client().is_hidden_everywhere(hiding.conversation, hiding.seq)) {
      reply_({{"id", id},
              {"hidden", json::object{{"conversation", hiding.conversation.hex()}, {"seq", hiding.seq.value()}}}});
      it = hiding_.erase(it);
    } else {
      ++it;
    }
  }
}

void Requests::presence(std::uint64_t id, const json::object& request) {
  device_.when_online([weak = weak_from_this(), id, who = string_at(request, "who")] {
    const auto self = weak.lock();
    if (!self) return;
    self->device_.resolve(who, [weak, id](absl::StatusOr<UserId> user) {
      const auto still = weak.lock();
      if (!still) return;
      if (!user.ok()) return still->reply_(error_reply(id, user.status()));
      still->watched_[*user] = id;
      still->device_.watch({*user});
    });
  });
}

void Requests::say_presence(const client::Presence& presence) {
  const auto it = watched_.find(UserId(presence.user()));
  if (it == watched_.end()) return;
  device_.name_of(it->first, [this, id = it->second, presence](const std::string& name) {
    json::object answer{{"user", name}};
    if (presence.is_online()) answer["online"] = true;
    if (presence.last_seen_ms() != 0) answer["last_seen_ms"] = presence.last_seen_ms();
    reply_({{"id", id}, {"presence", std::move(answer)}});
  });
}

namespace {

std::optional<client::Audience> audience_of(const std::string& word) {
  if (word == "nobody") return client::NOBODY;
  if (word == "contacts") return client::CONTACTS;
  return word == "everyone" ? std::optional(client::EVERYONE) : std::nullopt;
}

}  // namespace

void Requests::privacy(std::uint64_t id, const json::object& request) {
  const std::optional<client::Audience> presence = audience_of(string_at(request, "presence"));
  const std::optional<client::Audience> adds = audience_of(string_at(request, "adds"));
  std::optional<bool> read_receipts;
  const std::string reads = string_at(request, "read_receipts");
  if (!reads.empty()) read_receipts = reads == "on";
  device_.when_online([weak = weak_from_this(), id, presence, adds, read_receipts] {
    const auto self = weak.lock();
    if (!self) return;
    const std::uint64_t asked =
        self->device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
          return client.set_privacy(now, presence, adds, read_receipts, out);
        });
    self->asked_[asked] = id;
  });
}

void Requests::set_gate(std::uint64_t id, const json::object& request) {
  const std::string word = string_at(request, "gate");
  const client::Gate gate = word == "blocked" ? client::BLOCKED : word == "open" ? client::OPEN : client::REQUEST;
  device_.when_online([weak = weak_from_this(), id, gate, who = string_at(request, "who")] {
    const auto self = weak.lock();
    if (!self) return;
    self->device_.resolve(who, [weak, id, gate](absl::StatusOr<UserId> user) {
      const auto still = weak.lock();
      if (!still) return;
      if (!user.ok()) return still->reply_(error_reply(id, user.status()));
      const std::uint64_t asked =
          still->device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
            return client.set_gate(now, *user, gate, out);
          });
      still->gating_[asked] = {id, *user};
    });
  });
}

void Requests::say_gate(const client::GateDone& done) {
  const auto node = gating_.extract(done.request);
  if (!node) return;
  const auto [id, user] = node.mapped();
  if (!done.status.ok()) return reply_(error_reply(id, done.status));
  device_.name_of(user, [this, id = id, gate = done.gate](const std::string& name) {
    const char* word = gate.gate() == client::BLOCKED ? "blocked" : gate.gate() == client::OPEN ? "open" : "request";
    json::object answer{{"user", name}, {"gate", word}};
    if (gate.in_force()) answer["in_force"] = true;
    reply_({{"id", id}, {"gate", std::move(answer)}});
  });
}

void Requests::list_requests(std::uint64_t id) {
  device_.when_online([weak = weak_from_this(), id] {
    if (const auto self = weak.lock()) self->list_requests_here(id);
  });
}

// Once all is known that the index knows.
void Requests::list_requests_here(std::uint64_t id) {
  if (!device_.is_synced()) return later([this, id] { list_requests_here(id); });
  std::vector<ConversationId> waiting;
  Users users;
  for (const ConversationId& conversation : device_.client().gated()) {
    const bool is_request = device_.client().gate(conversation) == client::REQUEST;
    if (!is_request && !device_.client().is_invitation(conversation)) continue;
    waiting.push_back(conversation);
    if (conversation.is_group()) continue;
    users.push_back(conversation.lower() == device_.me().user ? conversation.higher() : conversation.lower());
  }
  with_names(std::move(users), {}, [weak = weak_from_this(), id, waiting](const NamesOfUsers& names) {
    const auto self = weak.lock();
    if (!self) return;
    json::array all;
    for (const ConversationId& conversation : waiting) {
      json::object one{{"conversation", conversation.hex()}};
      const UserId me = self->device_.me().user;
      const auto name = names.find(conversation.lower() == me ? conversation.higher() : conversation.lower());
      if (!conversation.is_group() && name != names.end()) one["user"] = name->second;
      one["seq"] = self->device_.client().taken(conversation).value();
      all.push_back(std::move(one));
    }
    self->reply_({{"id", id}, {"requests", json::object{{"requests", std::move(all)}}}});
  });
}

}  // namespace chasqui::cli
