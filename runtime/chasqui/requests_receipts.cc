// Of requests: who has a message, what is unread where, and how far the members of a conversation are.
#include <algorithm>
#include <utility>

#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/outcome.h"
#include "runtime/chasqui/requests.h"

namespace chasqui::cli {

namespace json = boost::json;

// "Message info".
void Requests::receipts(std::uint64_t id, const json::object& request) {
  const Seq seq(number_at(request, "seq"));
  device_.when_online([weak = weak_from_this(), id, seq, who = string_at(request, "who")] {
    const auto self = weak.lock();
    if (!self) return;
    self->find(who, [weak, id, seq](absl::StatusOr<ConversationId> found) {
      const auto still = weak.lock();
      if (!still) return;
      if (!found.ok()) return still->reply_(error_reply(id, found.status()));
      still->ask_receipts(id, *found, seq);
    });
  });
}

void Requests::ask_receipts(std::uint64_t id, const ConversationId& conversation, Seq seq) {
  const std::uint64_t asked = device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
    return client.ask_receipts(now, conversation, seq, out);
  });
  receipts_[asked] = [weak = weak_from_this(), id, conversation, seq](const client::ReceiptsDone& done) {
    const auto self = weak.lock();
    if (!self) return;
    if (exit_code(done.status) == exit_unreachable) {
      return self->later([weak, id, conversation, seq] {
        if (const auto still = weak.lock()) still->ask_receipts(id, conversation, seq);
      });
    }
    if (!done.status.ok()) return self->reply_(error_reply(id, done.status));
    Users users;
    for (const client::MemberReceipt& line : done.receipts.members()) users.emplace_back(line.user());
    self->with_names(std::move(users), {}, [weak, id, receipts = done.receipts](const NamesOfUsers& names) {
      if (const auto still = weak.lock()) still->reply_({{"id", id}, {"receipts", receipts_object(receipts, names)}});
    });
  };
}

// Every conversation that this home knows of, with what is unread there on all of the user's devices.
void Requests::conversations(std::uint64_t id) {
  device_.when_online([weak = weak_from_this(), id] {
    const auto self = weak.lock();
    if (!self) return;
    if (!self->device_.is_synced()) {
      return self->later([weak, id] {
        if (const auto still = weak.lock()) still->conversations(id);
      });
    }
    const UserId me = self->device_.me().user;
    Users users;
    for (const ConversationId& conversation : self->device_.client().conversations()) {
      if (conversation.is_group()) continue;
      users.push_back(conversation.lower() == me ? conversation.higher() : conversation.lower());
    }
    self->with_names(std::move(users), {}, [weak, id, me](const NamesOfUsers& names) {
      const auto still = weak.lock();
      if (!still) return;
      json::array all;
      for (const ConversationId& conversation : still->device_.client().conversations()) {
        const Counts counts = still->device_.client().unread(conversation);
        json::object one{
            {"conversation", conversation.hex()}, {"unread", counts.unread()}, {"mentions", counts.unread_mentions()}};
        const auto name = conversation.is_group()
                              ? names.end()
                              : names.find(conversation.lower() == me ? conversation.higher() : conversation.lower());
        if (name != names.end()) one["with"] = name->second;
        if (still->device_.client().gate(conversation) == client::REQUEST) one["request"] = true;
        all.push_back(std::move(one));
      }
      still->reply_({{"id", id}, {"conversations", std::move(all)}});
    });
  });
}

// Of a direct conversation; a group's description holds them.
void Requests::watermarks(std::uint64_t id, const json::object& request) {
  device_.when_online([weak = weak_from_this(), id, who = string_at(request, "who")] {
    const auto self = weak.lock();
    if (!self) return;
    self->find(who, [weak, id](absl::StatusOr<ConversationId> found) {
      const auto still = weak.lock();
      if (!still) return;
      if (!found.ok()) return still->reply_(error_reply(id, found.status()));
      still->ask_watermarks(id, *found);
    });
  });
}

void Requests::ask_watermarks(std::uint64_t id, const ConversationId& conversation) {
  const std::uint64_t asked = device_.transport().call(
      [&](client::Client& client, Now now, client::Outputs& out) { return client.ask_marks(now, conversation, out); });
  marks_[asked] = [weak = weak_from_this(), id, conversation](const client::MarksDone& done) {
    const auto self = weak.lock();
    if (!self) return;
    if (exit_code(done.status) == exit_unreachable) {
      return self->later([weak, id, conversation] {
        if (const auto still = weak.lock()) still->ask_watermarks(id, conversation);
      });
    }
    if (!done.status.ok()) return self->reply_(error_reply(id, done.status));
    Users users;
    for (const client::Receipt& receipt : done.page.receipts()) users.emplace_back(receipt.user());
    self->with_names(std::move(users), {}, [weak, id, conversation, page = done.page](const NamesOfUsers& names) {
      const auto still = weak.lock();
      if (!still) return;
      json::array members;
      for (const client::Receipt& receipt : page.receipts()) {
        const auto name = names.find(UserId(receipt.user()));
        members.push_back(json::object{{"handle", name == names.end() ? "" : name->second},
                                       {"delivered_seq", receipt.delivered_seq()},
                                       {"read_seq", receipt.read_seq()}});
      }
      still->reply_(
          {{"id", id},
           {"watermarks", json::object{{"conversation", conversation.hex()}, {"members", std::move(members)}}}});
    });
  };
}

}  // namespace chasqui::cli
