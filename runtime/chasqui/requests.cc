#include "runtime/chasqui/requests.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/bounds.h"
#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/content_json.h"
#include "runtime/chasqui/event_text.h"
#include "runtime/chasqui/outcome.h"
#include "runtime/chasqui/printable.h"

namespace chasqui::cli {
namespace {

namespace json = boost::json;
constexpr std::uint32_t page_events_max = 200;
constexpr std::uint64_t history_newest_max = 100'000;  // kept in memory, since pages come newest first

// Whom the text means by @HANDLE, as far as this home knows them.
void add_mentions(const Device& device, client::Payload& payload) {
  if (!payload.has_text()) return;
  std::set<std::uint64_t> users;
  for (const auto& word : absl::StrSplit(payload.text(), absl::ByAnyChar(" \t\n,:;!?()"), absl::SkipEmpty())) {
    if (word.size() < 2 || word.front() != '@') continue;
    const auto user = device.known(std::string(word));
    if (user && users.size() < bounds::mentions_max) users.insert(user->value());
  }
  for (const std::uint64_t user : users) payload.add_mentions(user);
}

const char* word_of(client::Audience audience) {
  if (audience == client::NOBODY) return "nobody";
  return audience == client::CONTACTS ? "contacts" : "everyone";
}

bool passes(const absl::Status& status) {
  return exit_code(status) == exit_unreachable || absl::IsResourceExhausted(status);
}

}  // namespace

// One history request: from `after` upwards, or the newest `limit` by pages backwards.
struct Requests::HistoryWalk {
  std::uint64_t id = 0;
  ConversationId conversation;
  bool newest = false;
  Seq position;  // exclusive: events above it, or with newest below it (0: from the head)
  std::uint64_t left = 0;
  std::vector<client::Event> gathered;  // with newest: later pages come before
};

std::shared_ptr<Requests> Requests::create(boost::asio::io_context& io, Device& device, Reply reply) {
  std::shared_ptr<Requests> requests(new Requests(io, device, std::move(reply)));
  requests->subscription_ =
      device.subscribe([weak = std::weak_ptr<Requests>(requests)](const client::Happening& happening) {
        if (const auto self = weak.lock()) self->hear(happening);
      });
  return requests;
}

Requests::Requests(boost::asio::io_context& io, Device& device, Reply reply)
    : io_(io), device_(device), reply_(std::move(reply)) {}

Requests::~Requests() {
  device_.unsubscribe(subscription_);
}

void Requests::handle(const json::object& request) {
  const std::uint64_t id = id_of(request);
  if (!device_.end().ok()) return reply_(error_reply(id, device_.end()));
  if (const json::object* body = object_at(request, "send")) return send(id, *body);
  if (const json::object* body = object_at(request, "forward")) return forward(id, *body);
  if (const json::object* body = object_at(request, "hide")) return hide(id, *body);
  if (const json::object* body = object_at(request, "presence")) return presence(id, *body);
  if (const json::object* body = object_at(request, "privacy")) return privacy(id, *body);
  if (const json::object* body = object_at(request, "receipts")) return receipts(id, *body);
  if (request.contains("conversations")) return conversations(id);
  if (const json::object* body = object_at(request, "watermarks")) return watermarks(id, *body);
  if (const json::object* body = object_at(request, "gate")) return set_gate(id, *body);
  if (object_at(request, "requests") != nullptr) return list_requests(id);
  if (const json::object* body = object_at(request, "group")) return group(id, *body);
  if (const json::object* body = object_at(request, "history")) return history(id, *body);
  if (const json::object* body = object_at(request, "inbox")) return inbox(id, *body);
  if (const json::object* body = object_at(request, "shown")) return shown(*body);
  if (request.contains("finish")) return finish(id);
  reply_(error_reply(id, absl::UnimplementedError("the program that holds this home is older: close it first")));
}

void Requests::hear(const client::Happening& happening) {
  if (const auto* accepted = std::get_if<client::SendAccepted>(&happening)) {
    if (auto node = unanswered_.extract({accepted->conversation, accepted->outbox_seq})) {
      json::object sent{{"conversation", accepted->conversation.hex()},
                        {"seq", accepted->seq.value()},
                        {"time_ms", accepted->time.ms}};
      if (!node.mapped().link.empty()) sent["link"] = node.mapped().link;
      reply_({{"id", node.mapped().id}, {"sent", std::move(sent)}});
    }
  } else if (const auto* refused = std::get_if<client::SendRefused>(&happening)) {
    if (auto node = unanswered_.extract({refused->conversation, refused->outbox_seq})) {
      reply_(error_reply(node.mapped().id, refused->status));
    }
  } else if (const auto* page = std::get_if<client::HistoryDone>(&happening)) {
    if (auto node = pages_.extract(page->request)) node.mapped()(*page);
  } else if (const auto* described = std::get_if<client::GroupDescribed>(&happening)) {
    if (auto node = descriptions_.extract(described->request)) node.mapped()(*described);
  } else if (const auto* receipts = std::get_if<client::ReceiptsDone>(&happening)) {
    if (auto node = receipts_.extract(receipts->request)) node.mapped()(*receipts);
  } else if (const auto* marks = std::get_if<client::MarksDone>(&happening)) {
    if (auto node = marks_.extract(marks->request)) node.mapped()(*marks);
  } else if (const auto* received = std::get_if<client::Received>(&happening)) {
    last_taken_ = received->conversation;
    last_taken_seq_ = Seq(received->event.seq());
    if (inbox_id_ != 0 && inbox_told_) say_news(inbox_id_, received->conversation, received->event);
  } else if (std::holds_alternative<client::Synced>(happening)) {
    inbox_from_journal();
  } else if (std::holds_alternative<client::HiddenSaid>(happening)) {
    say_if_hidden();
  } else if (const auto* presence = std::get_if<client::PresenceHeard>(&happening)) {
    say_presence(presence->presence);
  } else if (const auto* typing = std::get_if<client::TypingHeard>(&happening)) {
    const auto it = watched_.find(typing->user);
    if (it == watched_.end()) return;
    device_.name_of(typing->user, [this, id = it->second, is_over = typing->is_over](const std::string& name) {
      reply_({{"id", id}, {"typing", json::object{{"user", name}, {"typing", !is_over}}}});
    });
  } else if (const auto* privacy = std::get_if<client::PrivacyDone>(&happening)) {
    const auto node = asked_.extract(privacy->request);
    if (!node) return;
    if (!privacy->status.ok()) return reply_(error_reply(node.mapped(), privacy->status));
    reply_({{"id", node.mapped()},
            {"privacy", json::object{{"presence", word_of(privacy->presence)},
                                     {"adds", word_of(privacy->adds)},
                                     {"read_receipts", privacy->read_receipts ? "on" : "off"}}}});
  } else if (const auto* gate = std::get_if<client::GateDone>(&happening)) {
    say_gate(*gate);
  } else if (std::holds_alternative<client::Ended>(happening)) {
    end_all(device_.end());
  }
}

void Requests::end_all(const absl::Status& why) {
  for (const auto& [message, asked] : std::exchange(unanswered_, {})) reply_(error_reply(asked.id, why));
  if (inbox_id_ != 0) reply_(error_reply(std::exchange(inbox_id_, 0), why));
  pages_.clear();
  descriptions_.clear();
  receipts_.clear();
  marks_.clear();
  reply_(error_reply(0, why));
}

void Requests::later(std::function<void()> go) {
  auto timer = std::make_shared<boost::asio::steady_timer>(io_, std::chrono::milliseconds(250));
  timer->async_wait([timer, weak = weak_from_this(), go = std::move(go)](boost::system::error_code) {
    if (const auto self = weak.lock()) go();
  });
}

// ------------------------------------------------------------------------------------------------------------- send

// Nothing is kept before the server is there: a script that hears "unreachable" may then simply try again.
void Requests::send(std::uint64_t id, const json::object& request) {
  absl::StatusOr<client::Payload> payload = payload_of(request);
  if (!payload.ok()) return reply_(error_reply(id, payload.status()));
  device_.when_online([weak = weak_from_this(), id, who = string_at(request, "who"), payload = *std::move(payload)] {
    const auto self = weak.lock();
    if (!self) return;
    self->find(who, [weak, id, payload](absl::StatusOr<ConversationId> to) {
      const auto still = weak.lock();
      if (!still) return;
      if (!to.ok()) return still->reply_(error_reply(id, to.status()));
      still->take(id, *to, payload);
    });
  });
}

void Requests::find(const std::string& who, std::function<void(absl::StatusOr<ConversationId>)> done) {
  if (const auto group = group_of(who)) return done(*group);
  device_.resolve(who, [weak = weak_from_this(), done = std::move(done)](absl::StatusOr<UserId> user) {
    const auto self = weak.lock();
    if (!self) return;
    if (!user.ok()) return done(user.status());
    done(ConversationId::direct(self->device_.me().user, *user));
  });
}

void Requests::take(std::uint64_t id, const ConversationId& conversation, client::Payload payload) {
  add_mentions(device_, payload);
  if (payload.has_contact() && payload.contact().name().starts_with('@')) {
    if (const auto user = device_.known(payload.contact().name())) payload.mutable_contact()->set_user(user->value());
  }
  const auto number = device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
    return client.send_payload(now, conversation, std::move(payload), out);
  });
  if (!number.ok()) return reply_(error_reply(id, number.status()));
  unanswered_[{conversation, *number}] = {id, {}};
  reply_({{"id", id}, {"kept", true}});
}

void Requests::forward(std::uint64_t id, const json::object& request) {
  const std::uint64_t seq = number_at(request, "seq");
  device_.when_online(
      [weak = weak_from_this(), id, seq, who = string_at(request, "who"), to = string_at(request, "to")] {
        const auto self = weak.lock();
        if (!self) return;
        self->find(who, [weak, id, seq, to](absl::StatusOr<ConversationId> from) {
          const auto still = weak.lock();
          if (!still) return;
          if (!from.ok()) return still->reply_(error_reply(id, from.status()));
          still->find(to, [weak, id, seq, from = *from](absl::StatusOr<ConversationId> there) {
            const auto yet = weak.lock();
            if (!yet) return;
            if (!there.ok()) return yet->reply_(error_reply(id, there.status()));
            yet->send_on(id, *there, from, seq);
          });
        });
      });
}

// What it says and how often it was sent on, not what it was about there, nor whom it meant.
void Requests::send_on(std::uint64_t id, const ConversationId& to, const ConversationId& from, std::uint64_t seq) {
  const std::uint64_t request = device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
    return client.history(now, from, Seq(seq - 1), 1, false, out);
  });
  pages_[request] = [this, id, to, seq](const client::HistoryDone& done) {
    if (!done.status.ok()) return reply_(error_reply(id, done.status));
    client::Payload payload;
    const bool is_there = done.page.events_size() == 1 && done.page.events(0).seq() == seq &&
                          payload.ParseFromString(done.page.events(0).payload()) &&
                          payload.content_case() != client::Payload::CONTENT_NOT_SET && !payload.has_timer() &&
                          !payload.has_change();
    if (!is_there)
      return reply_(error_reply(id, absl::NotFoundError("there is no such message that could be sent on")));
    payload.clear_about();
    payload.clear_mentions();
    payload.set_forwards(payload.forwards() + 1);
    take(id, to, std::move(payload));
  };
}

// ---------------------------------------------------------------------------------------------------------- history

void Requests::history(std::uint64_t id, const json::object& request) {
  auto walk = std::make_shared<HistoryWalk>();
  walk->id = id;
  walk->newest = !request.contains("after");
  walk->position = Seq(number_at(request, "after"));
  walk->left = number_at(request, "limit");
  if (walk->newest) walk->left = std::min(walk->left, history_newest_max);
  find(string_at(request, "who"), [weak = weak_from_this(), walk](absl::StatusOr<ConversationId> conversation) {
    const auto self = weak.lock();
    if (!self) return;
    if (!conversation.ok()) return self->reply_(error_reply(walk->id, conversation.status()));
    walk->conversation = *conversation;
    self->ask_page(walk);
  });
}

void Requests::ask_page(const std::shared_ptr<HistoryWalk>& walk) {
  device_.when_online([weak = weak_from_this(), walk] {
    const auto self = weak.lock();
    if (!self) return;
    const auto limit = static_cast<std::uint32_t>(std::min<std::uint64_t>(walk->left, page_events_max));
    const std::uint64_t request =
        self->device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
          return client.history(now, walk->conversation, walk->position, limit, walk->newest, out);
        });
    self->pages_[request] = [weak, walk](const client::HistoryDone& done) {
      if (const auto still = weak.lock()) still->on_page(walk, done);
    };
  });
}

void Requests::on_page(const std::shared_ptr<HistoryWalk>& walk, const client::HistoryDone& done) {
  if (passes(done.status)) return later([this, walk] { ask_page(walk); });
  if (!done.status.ok()) return reply_(error_reply(walk->id, done.status));
  const auto& events = done.page.events();
  const std::uint64_t count = std::min<std::uint64_t>(walk->left, static_cast<std::uint64_t>(events.size()));
  walk->left -= count;
  bool more = walk->left > 0 && count > 0;
  if (walk->newest) {
    walk->gathered.insert(walk->gathered.begin(), events.begin(), events.end());
    if (count > 0) walk->position = Seq(events.Get(0).seq());
    more = more && walk->position.value() > 1;
  } else {
    for (const auto& event : events) {
      if (!event.withheld()) say_event(walk->id, walk->conversation, event, &done.page);
    }
    if (count > 0) walk->position = Seq(events.Get(events.size() - 1).seq());
    more = more && walk->position.value() < done.page.head();
  }
  if (more) return ask_page(walk);
  for (const auto& event : walk->gathered) {
    if (!event.withheld()) say_event(walk->id, walk->conversation, event, &done.page);
  }
  say_in_order({{"id", walk->id}, {"done", true}});
}

// ------------------------------------------------------------------------------------------------------------ inbox

// News is what this home did not write itself. (A note to oneself is shown: that is what it was sent for.)
void Requests::say_news(std::uint64_t id, const ConversationId& conversation, const client::Event& event) {
  const bool by_this_device =
      event.sender() == device_.me().user.value() && event.device() == device_.me().device.value();
  const bool to_oneself = !conversation.is_group() && conversation.lower() == conversation.higher();
  if (!by_this_device || to_oneself) return say_event(id, conversation, event);
  say_in_order({{"id", id}, {"skip", json::object{{"conversation", conversation.hex()}, {"seq", event.seq()}}}});
}

void Requests::inbox(std::uint64_t id, const json::object& request) {
  const json::value* follow = request.if_contains("follow");
  inbox_id_ = id;
  inbox_follows_ = follow != nullptr && follow->is_bool() && follow->get_bool();
  inbox_told_ = false;
  if (device_.is_synced()) inbox_from_journal();
}

void Requests::inbox_from_journal() {
  if (inbox_id_ == 0 || inbox_told_) return;
  inbox_told_ = true;
  const std::uint64_t id = inbox_id_;
  for (const client::Received& event : device_.client().not_shown()) {
    last_taken_ = event.conversation;
    last_taken_seq_ = Seq(event.event.seq());
    say_news(id, event.conversation, event.event);
  }
  if (inbox_follows_) return;
  inbox_id_ = 0;
  say_in_order({{"id", id}, {"done", true}});
}

void Requests::shown(const json::object& request) {
  const auto conversation = ConversationId::from_hex(string_at(request, "conversation"));
  if (!conversation) return;
  const Seq seq(number_at(request, "seq"));
  const json::value* read = request.if_contains("read");
  const bool is_read = read != nullptr && read->is_bool() && read->get_bool();
  device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
    if (is_read) client.mark_read(now, *conversation, seq, out);
    client.mark_shown(now, *conversation, seq, out);
    return 0;
  });
}

// Marks ride on the next frame: a small question after them, answered, tells that the server has heard them.
void Requests::finish(std::uint64_t id) {
  if (!last_taken_seq_ || !device_.client().is_connected()) return reply_({{"id", id}, {"done", true}});
  const std::uint64_t request = device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
    return client.history(now, last_taken_, last_taken_seq_, 1, false, out);
  });
  pages_[request] = [this, id](const client::HistoryDone&) { reply_({{"id", id}, {"done", true}}); };
}

void Requests::say_event(std::uint64_t id, const ConversationId& conversation, const client::Event& event,
                         const client::HistoryPage* page) {
  if (device_.client().is_hidden(conversation, Seq(event.seq()))) {
    if (page != nullptr) return;
    return say_in_order(
        {{"id", id}, {"skip", json::object{{"conversation", conversation.hex()}, {"seq", event.seq()}}}});
  }
  const bool is_pinned =
      page != nullptr && std::find(page->pins().begin(), page->pins().end(), event.seq()) != page->pins().end();
  auto slot = in_order_.emplace_back(std::make_shared<std::optional<json::object>>());
  Users users = users_in(event.change());
  users.emplace_back(event.sender());
  with_names(std::move(users), {},
             [weak = weak_from_this(), slot, id, conversation, event, is_pinned](const NamesOfUsers& names) {
               const std::string& from = names.at(UserId(event.sender()));
               json::object message = event_object(conversation, event, from, names);
               if (is_pinned) message["pinned"] = true;
               *slot = json::object{{"id", id}, {"message", std::move(message)}};
               if (const auto self = weak.lock()) self->say_ready();
             });
}

void Requests::say_in_order(json::object reply) {
  in_order_.push_back(std::make_shared<std::optional<json::object>>(std::move(reply)));
  say_ready();
}

void Requests::say_ready() {
  while (!in_order_.empty() && in_order_.front()->has_value()) {
    json::object reply = std::move(**in_order_.front());
    in_order_.pop_front();
    reply_(std::move(reply));
  }
}

}  // namespace chasqui::cli
