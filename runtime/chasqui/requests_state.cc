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
      still->device_.watch(*user);
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

void Requests::privacy(std::uint64_t id, const json::object& request) {
  std::optional<client::Audience> presence;
  const std::string wanted = string_at(request, "presence");
  if (wanted == "nobody") presence = client::NOBODY;
  if (wanted == "everyone") presence = client::EVERYONE;
  std::optional<bool> read_receipts;
  const std::string reads = string_at(request, "read_receipts");
  if (!reads.empty()) read_receipts = reads == "on";
  device_.when_online([weak = weak_from_this(), id, presence, read_receipts] {
    const auto self = weak.lock();
    if (!self) return;
    const std::uint64_t asked =
        self->device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
          return client.set_privacy(now, presence, read_receipts, out);
        });
    self->asked_[asked] = id;
  });
}

}  // namespace chasqui::cli
