// Many devices under continuous load, each of which sends to its partner, and the history of what they did and saw.
//
// Any number of servers is given to each; it starts at a server of its own, so that they are spread over the nodes.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/harness/load_client.h"
#include "core/base/digest.h"
#include "tests/e2e/history_record.h"

namespace chasqui::cluster {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr auto settle_bound = std::chrono::seconds(30);

// One send that has its tick.
struct Ticked {
  std::uint32_t phone = 0;
  Clock::time_point sent;
  Clock::time_point accepted;
  [[nodiscard]] milliseconds pause() const { return std::chrono::duration_cast<milliseconds>(accepted - sent); }
};

struct Phone {
  std::uint32_t number = 0;
  std::string name;
  ConversationId conversation;
  std::unique_ptr<bench::LoadClient> client;
  std::uint64_t sent = 0;
  std::map<OutboxSeq, std::pair<std::string, Clock::time_point>> unanswered;
  std::map<std::uint64_t, std::string> accepted;  // by seq
  std::vector<std::string> received;              // in the order heard; the seq is the place + 1
  std::uint64_t connections_lost = 0;
};

class Phones {
 public:
  // Every phone sends each `every`, as long as fewer than `unsent_max` of its messages have no answer.
  Phones(const std::string& record_path, const std::string& from, milliseconds every = milliseconds(50),
         std::uint64_t unsent_max = 6)
      : record_(record_path, std::chrono::nanoseconds(settle_bound).count(), from),
        every_(every),
        unsent_max_(unsent_max) {}

  // `servers`: URLs with commas between, for the phone of that number.
  template <class ServersOf>
  void add(const std::vector<client::Credentials>& users, ServersOf servers_of) {
    for (std::size_t i = 0; i < users.size(); ++i) {
      auto phone = std::make_unique<Phone>();
      Phone* self = phone.get();
      phone->number = static_cast<std::uint32_t>(i);
      phone->name = users[i].handle;
      phone->conversation = ConversationId::direct(users[i].user, users[i ^ 1U].user);
      const auto servers = net::parse_servers(servers_of(i));
      ASSERT_TRUE(servers.ok()) << servers.status();
      phone->client = std::make_unique<bench::LoadClient>(
          io_, *servers, users[i],
          [this, self](bench::LoadClient&, const client::Happening& happening) { hear(*self, happening); });
      record_.see(sim::DeviceJoined{phone->number, users[i].user, users[i].device});
      phones_.push_back(std::move(phone));
    }
    for (const auto& phone : phones_) phone->client->start();
  }

  // What is sent from now on is so long at least.
  void set_text_bytes(std::size_t bytes) { text_bytes_ = bytes; }
  void begin_load() {
    sending_ = true;
    send_again_and_again();
  }
  void end_load() {
    sending_ = false;
    timer_.cancel();
  }
  void run_for(Clock::duration time) { io_.run_for(time); }
  template <class Condition>
  [[nodiscard]] bool run_until(Condition condition, Clock::duration at_most) {
    const auto until = Clock::now() + at_most;
    while (!condition()) {
      if (Clock::now() >= until) return false;
      io_.run_for(milliseconds(5));
    }
    return true;
  }
  void note(std::uint32_t node, const std::string& step) { record_.see(sim::OperatorStep{node, step}); }

  // ---------------------------------------------------------------------------------------------------------- the end

  // No fault from now on: all must arrive in time.
  void settle() {
    end_load();
    record_.see(sim::Healed{});
    const bool settled = run_until([this] { return is_drained(); }, settle_bound);
    if (settled) record_.see(sim::Settled{});
    EXPECT_TRUE(settled) << what_is_missing();
    for (const auto& phone : phones_) {
      sim::ListSeen list{phone->number, {}};
      for (const ConversationId& conversation : phone->client->client().conversations()) {
        list.heads.emplace_back(conversation, phone->client->client().taken(conversation));
      }
      record_.see(list);
    }
  }
  void judge() {
    record_.end();
    const e2e::Ran judged = e2e::judge(record_.path());
    EXPECT_EQ(judged.exit_code, 0) << record_.path() << ":\n" << judged.out << judged.err;
    EXPECT_NE(judged.out.find("verdict    ok"), std::string::npos) << judged.out << judged.err;
  }
  // Apart from the judges: what each of two partners has is the same, with each message of both once, as accepted.
  void check_both_sides() const {
    ASSERT_EQ(complaint_, "");
    for (std::size_t i = 0; i < phones_.size(); ++i) {
      const Phone& phone = *phones_[i];
      const Phone& partner = *phones_[i ^ 1U];
      ASSERT_EQ(phone.received, partner.received) << "both sides see the same conversation";
      ASSERT_EQ(phone.received.size(), phone.sent + partner.sent) << phone.name << ": each message once";
      for (const auto& [seq, text] : phone.accepted) {
        ASSERT_LE(seq, partner.received.size()) << "accepted, and lost: " << text;
        ASSERT_EQ(partner.received[seq - 1], text) << "accepted as one message, received as another";
      }
    }
  }

  [[nodiscard]] bool is_drained() const {
    for (std::size_t i = 0; i < phones_.size(); ++i) {
      const Phone& phone = *phones_[i];
      if (!phone.unanswered.empty() || phone.received.size() < phone.sent + phones_[i ^ 1U]->sent) return false;
    }
    return true;
  }
  [[nodiscard]] std::string what_is_missing() const {
    std::string all;
    for (std::size_t i = 0; i < phones_.size(); ++i) {
      const Phone& phone = *phones_[i];
      const std::uint64_t due = phone.sent + phones_[i ^ 1U]->sent;
      if (phone.unanswered.empty() && phone.received.size() >= due) continue;
      absl::StrAppend(&all, phone.name, " (", phone.conversation.str(), "): ", phone.unanswered.size(),
                      " without an answer, received ", phone.received.size(), " of ", due,
                      phone.client->client().is_connected() ? ", connected" : ", offline",
                      ", last error: ", std::string(phone.client->last_error().message()), "\n");
    }
    return all;
  }

  // --------------------------------------------------------------------------------------------------------- figures

  [[nodiscard]] bool all_connected() const {
    return std::all_of(phones_.begin(), phones_.end(),
                       [](const auto& p) { return p->client->client().is_connected(); });
  }
  [[nodiscard]] std::size_t accepted() const { return ticked_.size(); }
  // Whatever got its tick, in that order.
  [[nodiscard]] const std::vector<Ticked>& ticked() const { return ticked_; }
  [[nodiscard]] const std::string& complaint() const { return complaint_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Phone>>& all() const { return phones_; }
  [[nodiscard]] std::uint64_t connections_lost() const {
    std::uint64_t sum = 0;
    for (const auto& phone : phones_) sum += phone->connections_lost;
    return sum;
  }

 private:
  void hear(Phone& phone, const client::Happening& happening) {
    if (const auto* accepted = std::get_if<client::SendAccepted>(&happening)) {
      const auto [text, sent] = phone.unanswered[accepted->outbox_seq];
      phone.unanswered.erase(accepted->outbox_seq);
      ticked_.push_back({phone.number, sent, Clock::now()});
      if (!phone.accepted.emplace(accepted->seq.value(), text).second) {
        complain(phone, "one seq for two messages", text);
      }
      record_.see(sim::AcceptedHeard{phone.number, accepted->conversation, accepted->outbox_seq, accepted->seq,
                                     accepted->time});
    } else if (const auto* refused = std::get_if<client::SendRefused>(&happening)) {
      record_.see(sim::RefusalHeard{phone.number, refused->conversation, refused->outbox_seq,
                                    std::string(refused->status.message())});
      complain(phone, absl::StrCat("refused: ", std::string(refused->status.message())),
               phone.unanswered[refused->outbox_seq].first);
      phone.unanswered.erase(refused->outbox_seq);
    } else if (const auto* received = std::get_if<client::Received>(&happening)) {
      const std::string text = text_of(received->event);
      if (received->event.seq() != phone.received.size() + 1) {
        complain(phone, absl::StrCat("seq ", received->event.seq(), " after ", phone.received.size()), text);
      }
      phone.received.push_back(text);
      record_.see(sight(phone, received->conversation, received->event));
    } else if (const auto* marks = std::get_if<client::MarksMoved>(&happening)) {
      record_.see(sim::MarksHeard{phone.number, marks->conversation, marks->user, marks->delivered, marks->read});
    } else if (std::holds_alternative<client::Disconnected>(happening)) {
      ++phone.connections_lost;
      record_.see(sim::ConnectionLost{phone.number});
    } else if (const auto* ended = std::get_if<client::Ended>(&happening)) {
      complain(phone, "ended", ended->message);
    } else if (std::holds_alternative<client::DeviceChanged>(happening)) {
      complain(phone, "had to be renewed", "");
    }
  }

  static std::string text_of(const client::Event& event) {
    client::Payload payload;
    return payload.ParseFromString(event.payload()) ? payload.text() : "(unreadable)";
  }
  static sim::EventSeen sight(const Phone& phone, const ConversationId& conversation, const client::Event& event) {
    return {phone.number,           conversation,
            Seq(event.seq()),       {event.time_ms()},
            UserId(event.sender()), DeviceId(event.device()),
            text_of(event),         event.digest() == view(blake2b_256(event.payload()))};
  }

  void complain(const Phone& phone, const std::string& what, const std::string& text) {
    if (complaint_.empty()) complaint_ = absl::StrCat(phone.name, ": ", what, ": ", text);
  }

  void send_again_and_again() {
    timer_.expires_after(every_);
    timer_.async_wait([this](boost::system::error_code error) {
      if (error || !sending_) return;
      for (const auto& phone : phones_) {
        if (phone->client->client().unsent() < unsent_max_) send(*phone);
      }
      send_again_and_again();
    });
  }

  void send(Phone& phone) {
    std::string text = absl::StrCat(phone.name, " ", ++phone.sent);
    if (text.size() < text_bytes_) text.append(text_bytes_ - text.size(), '.');
    const OutboxSeq number = phone.client->send(phone.conversation, text);
    if (!number) return complain(phone, "the outbox refused", text);
    record_.see(sim::MessageSent{phone.number, phone.conversation, number, text});
    phone.unanswered[number] = {std::move(text), Clock::now()};
  }

  e2e::HistoryRecord record_;
  milliseconds every_;
  std::uint64_t unsent_max_;
  boost::asio::io_context io_{1};
  boost::asio::steady_timer timer_{io_};
  bool sending_ = false;
  std::size_t text_bytes_ = 0;
  std::vector<std::unique_ptr<Phone>> phones_;
  std::vector<Ticked> ticked_;
  std::string complaint_;  // the first thing that must not happen
};

}  // namespace chasqui::cluster
