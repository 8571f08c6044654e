// The promise, with a real server: 50 devices under continuous load, kill -9 at a random moment, restart on the same
// data and port, twenty times. Whatever was accepted is at the recipient once and in order, and history says the same.
//
// All that the devices did and saw, and the kills, are written as a history (docs/history.md), which the simulator's
// judges read: to $CHASQUI_HISTORY, else beside the build's programs as kill9_history.jsonl. $CHASQUI_SEED repeats the
// moments; $CHASQUI_ROUNDS makes it longer.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/harness/load_client.h"
#include "bench/harness/server_process.h"
#include "core/base/digest.h"
#include "tests/e2e/history_record.h"

namespace chasqui::e2e {
namespace {

using bench::LoadClient;
using std::chrono::milliseconds;
constexpr std::size_t devices = 50;
constexpr auto send_every = milliseconds(25);
constexpr auto settle_bound = std::chrono::seconds(20);
constexpr std::uint64_t unsent_max = 6;  // of a device: goes on sending while the server is away, up to this

std::uint64_t environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

std::string text_of(const client::Event& event) {
  client::Payload payload;
  return payload.ParseFromString(event.payload()) ? payload.text() : "(unreadable)";
}

// One device, all of whose messages go to its partner, and what it has seen.
struct Phone {
  std::uint32_t number = 0;
  std::string name;
  ConversationId conversation;
  std::unique_ptr<LoadClient> client;
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;
  std::map<OutboxSeq, std::string> unanswered;
  std::map<std::uint64_t, std::string> accepted;  // by seq
  std::vector<std::string> received;              // in the order heard; the seq is the place + 1
  std::string complaint;                          // the first thing that must not happen
  std::vector<std::string> history;
  std::uint64_t history_request = 0;
  bool history_done = false;
};

class Kill9 : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Status started = server_.start();
    ASSERT_TRUE(started.ok()) << started;
    const auto users = server_.provision(devices, "phone");
    ASSERT_TRUE(users.ok()) << users.status();
    for (std::size_t i = 0; i < devices; ++i) {
      auto phone = std::make_unique<Phone>();
      Phone* self = phone.get();
      phone->number = static_cast<std::uint32_t>(i);
      phone->name = (*users)[i].handle;
      phone->conversation = ConversationId::direct((*users)[i].user, (*users)[i ^ 1U].user);
      phone->client = std::make_unique<LoadClient>(
          io_, server_.endpoint(), (*users)[i],
          [this, self](LoadClient&, const client::Happening& happening) { hear(*self, happening); });
      record_.see(sim::DeviceJoined{phone->number, (*users)[i].user, (*users)[i].device});
      phones_.push_back(std::move(phone));
    }
    for (const auto& phone : phones_) phone->client->start();
  }

  void hear(Phone& phone, const client::Happening& happening) {
    if (const auto* accepted = std::get_if<client::SendAccepted>(&happening)) {
      const std::string text = phone.unanswered[accepted->outbox_seq];
      phone.unanswered.erase(accepted->outbox_seq);
      if (!phone.accepted.emplace(accepted->seq.value(), text).second)
        complain(phone, "one seq for two messages", text);
      record_.see(sim::AcceptedHeard{phone.number, accepted->conversation, accepted->outbox_seq, accepted->seq,
                                     accepted->time});
    } else if (const auto* refused = std::get_if<client::SendRefused>(&happening)) {
      record_.see(sim::RefusalHeard{phone.number, refused->conversation, refused->outbox_seq,
                                    std::string(refused->status.message())});
      complain(phone, std::string(refused->status.message()), phone.unanswered[refused->outbox_seq]);
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
    } else if (const auto* history = std::get_if<client::HistoryDone>(&happening)) {
      record_.see(sim::AnswerHeard{phone.number, history->request});
      on_history(phone, *history);
    } else if (std::holds_alternative<client::Disconnected>(happening)) {
      record_.see(sim::ConnectionLost{phone.number});
    } else if (const auto* ended = std::get_if<client::Ended>(&happening)) {
      complain(phone, "ended", ended->message);
    } else if (std::holds_alternative<client::DeviceChanged>(happening)) {
      complain(phone, "had to be renewed", "");
    }
  }

  static sim::EventSeen sight(const Phone& phone, const ConversationId& conversation, const client::Event& event) {
    return {phone.number,           conversation,
            Seq(event.seq()),       {event.time_ms()},
            UserId(event.sender()), DeviceId(event.device()),
            text_of(event),         event.digest() == view(blake2b_256(event.payload()))};
  }

  static void complain(Phone& phone, const std::string& what, const std::string& text) {
    if (phone.complaint.empty()) phone.complaint = absl::StrCat(phone.name, ": ", what, ": ", text);
  }

  void send_again_and_again() {
    timer_.expires_after(send_every);
    timer_.async_wait([this](boost::system::error_code error) {
      if (error || !sending_) return;
      for (const auto& phone : phones_) {
        if (phone->client->client().unsent() < unsent_max) send(*phone);
      }
      send_again_and_again();
    });
  }

  void send(Phone& phone) {
    std::string text = absl::StrCat(phone.name, " ", ++phone.sent);
    const OutboxSeq number = phone.client->send(phone.conversation, text);
    if (!number) return complain(phone, "the outbox refused", text);
    record_.see(sim::MessageSent{phone.number, phone.conversation, number, text});
    phone.unanswered[number] = std::move(text);
  }

  // Load all the while; a thread beside looks when the new server is ready.
  void one_round(std::mt19937_64& random, bool last) {
    const auto before = milliseconds(150 + random() % 700);
    const auto after = milliseconds(100 + random() % 300);
    sending_ = true;
    send_again_and_again();
    io_.run_for(before);
    server_.kill_9();
    record_.see(sim::OperatorStep{0, "killed"});
    io_.run_for(milliseconds(random() % 50));
    absl::Status restarted = server_.spawn();
    std::atomic<bool> is_ready = false;
    std::thread watcher([&] {
      if (restarted.ok()) restarted = server_.wait_until_ready();
      is_ready = true;
    });
    while (!is_ready) io_.run_for(milliseconds(10));
    watcher.join();
    record_.see(sim::OperatorStep{0, "started"});
    io_.run_for(after);
    ASSERT_TRUE(restarted.ok()) << restarted;
    sending_ = false;
    timer_.cancel();
    if (last) record_.see(sim::Healed{});
    const auto until = std::chrono::steady_clock::now() + settle_bound;
    while (!is_drained() && std::chrono::steady_clock::now() < until) io_.run_for(milliseconds(10));
    if (last && is_drained()) record_.see(sim::Settled{});
    if (last) record_lists();
    check_round();
  }

  void record_lists() {
    for (const auto& phone : phones_) {
      sim::ListSeen list{phone->number, {}};
      for (const ConversationId& conversation : phone->client->client().conversations()) {
        list.heads.emplace_back(conversation, phone->client->client().taken(conversation));
      }
      record_.see(list);
    }
  }

  [[nodiscard]] bool is_drained() const {
    for (std::size_t i = 0; i < devices; ++i) {
      const Phone& phone = *phones_[i];
      if (!phone.unanswered.empty()) return false;
      if (phone.received.size() < phone.sent + phones_[i ^ 1U]->sent) return false;
    }
    return true;
  }

  void check_round() const {
    for (std::size_t i = 0; i < devices; ++i) {
      const Phone& phone = *phones_[i];
      const Phone& partner = *phones_[i ^ 1U];
      ASSERT_EQ(phone.complaint, "");
      ASSERT_TRUE(phone.unanswered.empty()) << phone.name << ": no answer to " << phone.unanswered.begin()->second
                                            << (phone.client->client().is_connected() ? "; connected" : "; offline: ")
                                            << phone.client->last_error() << "; the server: " << server_.stats();
      ASSERT_EQ(phone.received, partner.received) << "both sides see the same conversation";
      for (const auto& [seq, text] : phone.accepted) {
        ASSERT_LE(seq, partner.received.size()) << "accepted, and lost: " << text;
        ASSERT_EQ(partner.received[seq - 1], text) << "accepted as one message, received as another";
      }
      ASSERT_EQ(phone.received.size(), phone.sent + partner.sent) << phone.name << ": each message once";
      check_order_of_sending(phone, partner.received);
    }
  }

  static void check_order_of_sending(const Phone& phone, const std::vector<std::string>& received) {
    std::uint64_t next = 1;
    for (const std::string& text : received) {
      if (!text.starts_with(phone.name + " ")) continue;
      ASSERT_EQ(text, absl::StrCat(phone.name, " ", next)) << "each sender's order is kept";
      ++next;
    }
  }

  // --------------------------------------------------------------------------------------------------------- history

  void ask_history(Phone& phone) {
    phone.history_request = phone.client->ask_history(phone.conversation, Seq(phone.history.size()));
    record_.see(sim::RequestAsked{phone.number, phone.history_request});
  }

  void on_history(Phone& phone, const client::HistoryDone& done) {
    if (done.request != phone.history_request || !done.status.ok()) return;
    for (const client::Event& event : done.page.events()) phone.history.push_back(text_of(event));
    if (done.page.events().empty() || phone.history.size() >= done.page.head()) {
      phone.history_done = true;
    } else {
      ask_history(phone);
    }
  }

  void check_history() {
    for (const auto& phone : phones_) ask_history(*phone);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    const auto is_done = [this] {
      return std::all_of(phones_.begin(), phones_.end(), [](const auto& phone) { return phone->history_done; });
    };
    while (!is_done() && std::chrono::steady_clock::now() < until) io_.run_for(milliseconds(10));
    for (const auto& phone : phones_) {
      ASSERT_TRUE(phone->history_done) << phone->name;
      ASSERT_EQ(phone->history, phone->received) << phone->name << ": history says something else";
    }
  }

  // The long test's own file stays; another's goes with its folder.
  [[nodiscard]] std::string record_path() const {
    if (std::string_view(testing::UnitTest::GetInstance()->current_test_info()->name()) != long_test) {
      return folder_.path() + "/history.jsonl";
    }
    const char* path = std::getenv("CHASQUI_HISTORY");
    return path != nullptr ? path : CHASQUI_BIN_DIR "/../kill9_history.jsonl";
  }
  static constexpr std::string_view long_test =
      "what_was_accepted_is_there_once_and_in_order_after_any_number_of_kills";

  bench::TemporaryFolder folder_;
  bench::ServerProcess server_{CHASQUI_BIN_DIR "/chasquid", folder_.path() + "/data", "bench"};
  HistoryRecord record_{record_path(), std::chrono::nanoseconds(settle_bound).count(), "tests/e2e/kill9_test.cc"};
  boost::asio::io_context io_{1};
  boost::asio::steady_timer timer_{io_};
  bool sending_ = false;
  std::vector<std::unique_ptr<Phone>> phones_;
};

TEST_F(Kill9, what_was_accepted_is_there_once_and_in_order_after_any_number_of_kills) {
  const std::uint64_t seed = environment("CHASQUI_SEED", std::random_device()());
  const std::uint64_t rounds = environment("CHASQUI_ROUNDS", 20);
  std::mt19937_64 random(seed);
  std::printf("CHASQUI_SEED=%llu\n", static_cast<unsigned long long>(seed));
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    one_round(random, round == rounds);
    ASSERT_FALSE(HasFatalFailure()) << "in round " << round << "; the server's log: " << server_.log_path();
  }
  check_history();
  record_.end();
  const Ran judged = judge(record_.path());
  EXPECT_EQ(judged.exit_code, 0) << judged.out << judged.err;
  EXPECT_NE(judged.out.find("verdict    ok"), std::string::npos) << judged.out << judged.err;
  std::size_t messages = 0;
  for (const auto& phone : phones_) messages += phone->accepted.size();
  std::printf("%llu kills, %zu messages accepted, all there\n", static_cast<unsigned long long>(rounds), messages);
  EXPECT_GT(messages, rounds * devices) << "there was load";
}

// That judges say ok to what is true is worth nothing unless they notice what is not.
TEST_F(Kill9, a_history_of_real_processes_that_was_doctored_is_refused) {
  std::mt19937_64 random(std::random_device{}());
  one_round(random, true);
  ASSERT_FALSE(HasFatalFailure());
  record_.end();
  const Ran honest = judge(record_.path());
  ASSERT_EQ(honest.exit_code, 0) << honest.out << honest.err;
  const auto expect_refused = [&](const char* by, const std::function<bool(Doctor&)>& treat) {
    Doctor doctor(record_.path());
    ASSERT_TRUE(treat(doctor)) << "nothing to doctor";
    const std::string path = folder_.path() + "/doctored.jsonl";
    doctor.write(path);
    const Ran ran = judge(path);
    EXPECT_EQ(ran.exit_code, 1) << ran.out << ran.err;
    EXPECT_NE(ran.out.find(by), std::string::npos) << ran.out << ran.err;
  };
  expect_refused("I4 ", [](Doctor& doctor) { return doctor.remove_sight(); });
  expect_refused("I2 ", [](Doctor& doctor) { return doctor.double_sight(); });
  expect_refused("I2 ", [](Doctor& doctor) { return doctor.swap_sights(); });
}

}  // namespace
}  // namespace chasqui::e2e
