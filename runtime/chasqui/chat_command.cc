// chat WHO: what was said last, what comes, and what is typed, with the state of each message of one's own.
//
// What is typed is on disk before it is sent, and is sent in order and once, now or when the server is back. What is
// shown is marked as shown and read. Other commands of this home are served meanwhile. What is about an earlier message
// (chat_words.h) stands as a line of its own, with that one's number. Over 400 lines because it is one conversation on
// one screen: what is typed and what is heard meet in the state of it, and all its parts share what is known of it.
#include <unistd.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdio>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/text.h"
#include "runtime/chasqui/chat_words.h"
#include "runtime/chasqui/chat_writers.h"
#include "runtime/chasqui/commands.h"
#include "runtime/chasqui/content_json.h"
#include "runtime/chasqui/event_text.h"
#include "runtime/chasqui/outcome.h"
#include "runtime/chasqui/printable.h"
#include "runtime/chasqui/receipts_text.h"
#include "runtime/chasqui/screen.h"
#include "runtime/chasqui/session.h"

namespace chasqui::cli {
namespace {

constexpr std::uint32_t tail_events = 20;
constexpr auto tail_patience = std::chrono::seconds(3);  // then the chat begins with what the home has
constexpr std::size_t own_max = 1000;                    // messages whose state is followed

class Chat {
 public:
  Chat(Session& session, const Options& options, Screen& screen, bool is_terminal)
      : session_(session),
        device_(*session.device()),
        options_(options),
        screen_(screen),
        is_terminal_(is_terminal),
        tail_timer_(session.io()) {}

  absl::Status run() {
    device_.subscribe([this](const client::Happening& happening) { hear(happening); });
    session_.on_interrupt([this] { end(); });
    if (const auto group = group_of(options_.who)) {
      begin(*group);
      return session_.run();
    }
    device_.resolve(options_.who, [this](absl::StatusOr<UserId> user) {
      if (!user.ok()) return session_.finish(user.status());
      peer_ = *user;
      device_.name_of(*user, [this](const std::string& name) { names_[peer_] = name; });
      if (!names_.contains(peer_)) names_[peer_] = fold_handle(options_.who);
      begin(ConversationId::direct(device_.me().user, *user));
    });
    return session_.run();
  }

 private:
  void begin(const ConversationId& conversation) {
    session_.no_timeout();
    conversation_ = conversation;
    is_chosen_ = true;
    tail_timer_.expires_after(tail_patience);
    tail_timer_.async_wait([this](boost::system::error_code error) {
      if (!error) begin_offline();
    });
    if (device_.is_synced()) ask_tail();  // else when it is: then all that was missed is here
  }

  void ask_tail() {
    if (began_) return;
    tail_request_ = device_.transport().call([this](client::Client& client, Now now, client::Outputs& out) {
      return client.history(now, conversation_, Seq(), tail_events, true, out);
    });
  }

  void on_tail(const client::HistoryDone& done) {
    if (absl::IsPermissionDenied(done.status)) return session_.finish(done.status);
    if (began_ || !done.status.ok()) return;                      // the timer begins without
    std::map<std::uint64_t, client::Event> events = not_shown();  // all of them, however far back
    for (const client::Event& event : done.page.events()) events.emplace(event.seq(), event);
    for (const auto& [seq, event] : events) show(event);
    open_input();
    screen_.show_status(absl::StrCat("online as @", device_.me().handle, "; /quit or Ctrl-D ends the chat"));
  }

  void begin_offline() {
    if (began_) return;
    for (const auto& [seq, event] : not_shown()) show(event);
    open_input();
    if (device_.client().is_connected()) return screen_.show_status("online; older messages are still coming");
    screen_.show_status(absl::StrCat(trouble(), "; what you write is kept and sent when the server is back"));
    said_offline_ = true;
  }

  [[nodiscard]] std::map<std::uint64_t, client::Event> not_shown() const {
    std::map<std::uint64_t, client::Event> events;
    for (const client::Received& received : device_.client().not_shown()) {
      if (received.conversation == conversation_) events.emplace(received.event.seq(), received.event);
    }
    return events;
  }

  void open_input() {
    began_ = true;
    tail_timer_.cancel();
    for (const client::Event& event : std::exchange(early_, {})) show(event);
    if (const std::uint64_t unsent = device_.client().unsent(); unsent > 0) {
      screen_.show_status(absl::StrCat(unsent, " messages of before are still to be sent"));
    }
    screen_.listen({[this](std::string line) { on_line(std::move(line)); }, [this] { end(); }, [this] { on_key(); }});
    if (is_valid(peer_)) device_.watch({peer_});
    if (!conversation_.is_group()) return;
    ask_of_newest();
    ask_members();
  }

  // ------------------------------------------------------------------------------------------------- what is typed

  void on_line(std::string line) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line == "/quit") return end();
    if (line.empty()) return;
    if (!is_utf8(line)) return screen_.show_status("not sent: it is not UTF-8");
    auto said = parse_chat_line(line, last_);
    if (!said.ok()) return screen_.show_status(absl::StrCat("not sent: ", said.status().message()));
    if (said->hide != 0) return hide(Seq(said->hide));
    if (said->info != 0) return ask_receipts(Seq(said->info), true);
    if (said->gate) return set_gate(*said->gate);
    const std::string words = content_words(said->payload);
    const client::About about = said->payload.about();
    const auto ticket = device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
      client.type(now, conversation_, true, out);
      return client.send_payload(now, conversation_, std::move(said->payload), out);
    });
    if (!ticket.ok()) return screen_.show_status(absl::StrCat("not sent: ", ticket.status().message()));
    OwnMessage& message = own_.emplace_back();
    message.key = ++last_key_;
    message.conversation = conversation_;
    message.time_ms = net::now().wall.ms;
    message.about = about;
    message.text = words;
    by_ticket_[*ticket] = message.key;
    // "…" says that it is kept: so only when it is on the disk.
    device_.transport().when_persisted([this, key = message.key] {
      if (const OwnMessage* kept = own(key)) screen_.show_own(*kept, device_.me().handle);
    });
    if (own_.size() > own_max) own_.pop_front();
  }

  void hide(Seq seq) {
    const absl::Status status = device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
      return client.hide(now, conversation_, seq, seq, out);
    });
    screen_.show_status(status.ok() ? absl::StrCat("#", seq.value(), " is hidden from you from now on")
                                    : absl::StrCat("not hidden: ", status.message()));
  }

  void set_gate(client::Gate gate) {
    if (!is_valid(peer_)) return screen_.show_status("a group cannot be blocked: chasqui group leave");
    gate_request_ = device_.transport().call(
        [&](client::Client& client, Now now, client::Outputs& out) { return client.set_gate(now, peer_, gate, out); });
  }

  void on_gate(const client::GateDone& done) {
    if (done.request != gate_request_) return;
    if (!done.status.ok()) return screen_.show_status(absl::StrCat("not done: ", done.status.message()));
    const char* words = done.gate.gate() == client::BLOCKED ? " is blocked" : " may write to you";
    screen_.show_status(absl::StrCat("@", names_[peer_], words));
  }

  void on_key() {
    device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
      client.type(now, conversation_, false, out);
      return 0;
    });
  }

  OwnMessage* own(std::uint64_t key) {
    for (OwnMessage& message : own_) {
      if (message.key == key) return &message;
    }
    return nullptr;
  }

  void raise(OwnMessage& message, State state) {
    if (state <= message.state) return;
    message.state = state;
    screen_.update_own(message, device_.me().handle);
  }

  // ----------------------------------------------------------------------------------------------- what is heard

  void hear(const client::Happening& happening) {
    if (const auto* received = std::get_if<client::Received>(&happening)) return on_received(*received);
    if (const auto* accepted = std::get_if<client::SendAccepted>(&happening)) return on_accepted(*accepted);
    if (const auto* refused = std::get_if<client::SendRefused>(&happening)) return on_refused(*refused);
    if (const auto* marks = std::get_if<client::MarksMoved>(&happening)) return on_marks(*marks);
    if (const auto* counted = std::get_if<client::ReceiptsCounted>(&happening)) return on_counted(counted->counts);
    if (const auto* receipts = std::get_if<client::ReceiptsDone>(&happening)) return on_receipts(*receipts);
    if (const auto* history = std::get_if<client::HistoryDone>(&happening)) {
      if (tail_request_ != 0 && history->request == tail_request_) on_tail(*history);
    } else if (std::holds_alternative<client::Ended>(happening)) {
      session_.finish(device_.end());
    } else if (std::holds_alternative<client::Disconnected>(happening)) {
      if (began_ && !std::exchange(said_offline_, true)) {
        screen_.show_status("offline; what you write is kept and sent when the server is back");
      }
    } else if (const auto* presence = std::get_if<client::PresenceHeard>(&happening)) {
      on_presence(presence->presence);
    } else if (const auto* typing = std::get_if<client::TypingHeard>(&happening)) {
      on_typing(*typing);
    } else if (const auto* described = std::get_if<client::GroupDescribed>(&happening)) {
      on_members(*described);
    } else if (const auto* gate = std::get_if<client::GateDone>(&happening)) {
      on_gate(*gate);
    } else if (std::holds_alternative<client::Synced>(happening)) {
      if (is_chosen_) ask_tail();
    } else if (std::holds_alternative<client::Connected>(happening)) {
      if (began_ && std::exchange(said_offline_, false)) screen_.show_status("online");
    }
  }

  // A watch is said again and again: only what is new is shown.
  void on_presence(const client::Presence& presence) {
    if (!is_valid(peer_) || UserId(presence.user()) != peer_ || peer_ == device_.me().user) return;
    const bool is_known = presence.is_online() || presence.last_seen_ms() != 0;
    if (!is_known || (presence_told_ && presence.is_online() == is_online_)) return;
    presence_told_ = true;
    is_online_ = presence.is_online();
    screen_.show_status(is_online_
                            ? absl::StrCat("@", names_[peer_], " is online")
                            : absl::StrCat("@", names_[peer_], " was last seen ", date_time(presence.last_seen_ms())));
  }

  void on_typing(const client::TypingHeard& typing) {
    if (typing.conversation != conversation_ || typing.user == device_.me().user) return;
    if (!writers_.begins(typing.user, typing.is_over, net::now().mono)) return;
    device_.name_of(typing.user,
                    [this](const std::string& name) { screen_.show_status(absl::StrCat("@", name, " is writing")); });
  }

  // The members of a group: as many as a session may watch (bounds::watched_max), those of last.
  void ask_members() {
    members_request_ = device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
      return client.describe_group(now, conversation_, out);
    });
  }

  void on_members(const client::GroupDescribed& described) {
    if (described.request != members_request_ || !described.status.ok()) return;
    std::vector<UserId> others;
    for (const client::GroupMember& member : described.description.members()) {
      if (UserId(member.user()) != device_.me().user) others.emplace_back(member.user());
    }
    device_.watch(others);
  }

  void on_received(const client::Received& received) {
    if (received.conversation != conversation_) {
      if (!began_ || UserId(received.event.sender()) == device_.me().user) return;
      device_.name_of(UserId(received.event.sender()), [this](const std::string& name) {
        screen_.show_status(absl::StrCat("@", name, " wrote to you: chasqui inbox shows it"));
      });
      return;
    }
    began_ ? show(received.event) : early_.push_back(received.event);
  }

  // In their order, each when the names in it are known.
  void show(const client::Event& event) {
    waiting_.push_back(event);
    show_ready();
  }

  void show_ready() {
    while (!asking_names_ && !waiting_.empty() && knows_names(waiting_.front())) {
      const client::Event event = std::move(waiting_.front());
      waiting_.pop_front();
      show_now(event);
    }
  }

  bool knows_names(const client::Event& event) {
    if (!conversation_.is_group()) return true;
    std::vector<UserId> users = users_in(event.change());
    users.emplace_back(event.sender());
    asking_names_ = true;
    for (const UserId user : users) {
      if (names_.contains(user) || !names_asked_.insert(user).second) continue;
      device_.name_of(user, [this, user](const std::string& name) {
        names_[user] = name;
        show_ready();
      });
    }
    asking_names_ = false;
    return std::all_of(users.begin(), users.end(), [this](UserId user) { return names_.contains(user); });
  }

  void show_now(const client::Event& event) {
    const Seq seq(event.seq());
    if (seq <= shown_) return;
    shown_ = seq;
    const UserId sender(event.sender());
    if (event.withheld() || device_.client().is_hidden(conversation_, seq)) return mark_shown(seq);
    if (event.poll_options() != 0) last_.poll = event.seq();
    writers_.has_written(sender);
    if (event.has_change()) {  // nothing that could be answered
      if (began_) ask_members();
    } else if (event.about().kind() == client::About::NOTHING || event.about().kind() == client::About::REPLY) {
      (sender == device_.me().user ? last_.own : last_.other) = event.seq();
      if (sender == peer_) last_.other = event.seq();
    }
    if (sender == device_.me().user) {
      if (!is_pending_own(event)) show_earlier_own(event);
    } else {
      const auto name = names_.find(sender);
      screen_.show_message(conversation_, event,
                           name == names_.end() ? absl::StrCat("#", sender.value()) : name->second, names_);
    }
    if (!screen_.flush()) return session_.finish(absl::DataLossError("the screen cannot be written"));
    mark_shown(seq);
  }

  void mark_shown(Seq seq) {
    device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
      client.mark_read(now, conversation_, seq, out);
      client.mark_shown(now, conversation_, seq, out);
      return 0;
    });
  }

  // Written in this chat, so it is on the screen: its answer is here, or on its way.
  bool is_pending_own(const client::Event& event) const {
    if (event.device() != device_.me().device.value()) return false;
    client::Payload payload;
    if (!payload.ParseFromString(event.payload())) return false;
    for (const OwnMessage& message : own_) {
      if (message.seq == event.seq()) return true;
      const bool is_same = message.text == content_words(payload) && message.about.kind() == payload.about().kind() &&
                           message.about.seq() == payload.about().seq();
      if (message.seq == 0 && is_same) return true;
    }
    return false;
  }

  // Of an earlier run, another terminal or another device.
  void show_earlier_own(const client::Event& event) {
    OwnMessage& message = own_.emplace_back();
    message.key = ++last_key_;
    message.conversation = conversation_;
    message.seq = event.seq();
    message.time_ms = event.time_ms();
    client::Payload payload;
    const bool is_known = payload.ParseFromString(event.payload()) && event.erased_by() == 0 && !event.expired() &&
                          (payload.has_text() || !content_kind(payload).empty() ||
                           (payload.has_about() && payload.content_case() == client::Payload::CONTENT_NOT_SET));
    if (is_known) message.about = payload.about();
    message.text = is_known ? content_words(payload) : shown_text(event, "\n    ", names_);
    message.state = state_of(event.seq());
    screen_.show_own(message, device_.me().handle);
    if (own_.size() > own_max) own_.pop_front();
  }

  void on_accepted(const client::SendAccepted& accepted) {
    if (accepted.conversation != conversation_) return;
    auto node = by_ticket_.extract(accepted.outbox_seq);
    OwnMessage* message = node ? own(node.mapped()) : nullptr;
    if (message != nullptr) {
      message->seq = accepted.seq.value();
      if (accepted.time.ms != 0) message->time_ms = accepted.time.ms;
      raise(*message, std::max(State::Accepted, state_of(message->seq)));
    }
    end_if_all_sent();
  }

  void on_refused(const client::SendRefused& refused) {
    if (refused.conversation != conversation_) return;
    auto node = by_ticket_.extract(refused.outbox_seq);
    const OwnMessage* message = node ? own(node.mapped()) : nullptr;
    if (message != nullptr) {
      screen_.show_status(absl::StrCat("refused: ", message->text.substr(0, 40), ": ", refused.status.message()));
    }
    worst_ = refused.status;
    end_if_all_sent();
  }

  void on_marks(const client::MarksMoved& marks) {
    if (marks.conversation == conversation_ && conversation_.is_group()) return ask_of_newest();
    if (marks.conversation != conversation_ || marks.user != peer_) return;
    delivered_ = std::max(delivered_, marks.delivered);
    read_ = std::max(read_, marks.read);
    for (OwnMessage& message : own_) {
      if (message.seq != 0) raise(message, state_of(message.seq));
    }
  }

  // Of a group: marks do not say who saw which message, so the server is asked, about the newest one of one's own.
  void ask_of_newest() {
    for (auto message = own_.rbegin(); message != own_.rend(); ++message) {
      if (message->seq == 0) continue;
      if (message->state != State::Read) ask_receipts(Seq(message->seq), false);
      return;
    }
  }

  void ask_receipts(Seq seq, bool for_person) {
    const bool is_asked = std::any_of(asked_.begin(), asked_.end(), [&](const auto& asked) {
      return asked.second.seq == seq && !asked.second.for_person;
    });
    if (is_asked && !for_person) return;
    // The number is known once the call is over, and the answer comes later.
    const std::uint64_t request = device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
      return client.ask_receipts(now, conversation_, seq, out);
    });
    asked_[request] = {seq, for_person};
  }

  void on_receipts(const client::ReceiptsDone& done) {
    const auto node = asked_.extract(done.request);
    if (!node) return;
    const AskedReceipts asked = node.mapped();
    if (!done.status.ok()) {
      if (asked.for_person) screen_.show_status(absl::StrCat("not known: ", done.status.message()));
      return;
    }
    std::uint64_t delivered = 0;
    std::uint64_t read = 0;
    for (const client::MemberReceipt& line : done.receipts.members()) {
      if (line.delivered()) ++delivered;
      if (line.read()) ++read;
    }
    const auto of = static_cast<std::uint64_t>(done.receipts.members_size());
    if (conversation_.is_group()) note_counts(done.receipts.seq(), delivered, read, of);
    if (asked.for_person) show_receipts(done.receipts);
  }

  void on_counted(const client::ReceiptCounts& counts) {
    if (counts.conversation() == conversation_.str()) {
      note_counts(counts.seq(), counts.delivered(), counts.read(), counts.of());
    }
  }

  void note_counts(std::uint64_t seq, std::uint64_t delivered, std::uint64_t read, std::uint64_t of) {
    for (OwnMessage& message : own_) {
      if (message.seq != seq) continue;
      const std::string words = counted_words(delivered, read, of);
      if (of == 0 || message.receipts == words) return;
      message.receipts = words;
      if (delivered == of) message.state = std::max(message.state, State::Delivered);
      if (read == of) message.state = State::Read;
      screen_.update_own(message, device_.me().handle);
    }
  }

  void show_receipts(const client::ReceiptsOf& receipts) {
    if (receipts.members().empty()) {
      return screen_.show_status(absl::StrCat("nobody else sees #", receipts.seq()));
    }
    auto left = std::make_shared<int>(receipts.members_size());
    for (const client::MemberReceipt& line : receipts.members()) {
      device_.name_of(UserId(line.user()), [this, left, receipts, user = UserId(line.user())](const std::string& name) {
        names_[user] = name;
        if (--*left > 0) return;
        std::string words = receipts_words(receipts_object(receipts, names_));
        if (!words.empty()) words.pop_back();
        screen_.show_status(absl::StrCat("#", receipts.seq(), "\n", words));
      });
    }
  }

  [[nodiscard]] State state_of(std::uint64_t seq) const {
    if (seq <= read_.value()) return State::Read;
    return seq <= delivered_.value() ? State::Delivered : State::Accepted;
  }

  // ------------------------------------------------------------------------------------------------------- the end

  // A person leaves at once; a script's chat ends when its lines are accepted.
  void end() {
    ending_ = true;
    const std::uint64_t unsent = device_.client().unsent();
    if (unsent == 0) return session_.finish(worst_);
    if (is_terminal_) {
      screen_.show_status(absl::StrCat(unsent, " messages are kept, and sent by the next command of this home"));
      return session_.finish(absl::OkStatus());
    }
    session_.progress();
  }

  void end_if_all_sent() {
    if (ending_ && device_.client().unsent() == 0) session_.finish(worst_);
  }

  [[nodiscard]] std::string trouble() const { return device_.trouble(); }

  Session& session_;
  Device& device_;
  const Options& options_;
  Screen& screen_;
  bool is_terminal_;
  boost::asio::steady_timer tail_timer_;
  std::uint64_t tail_request_ = 0;
  std::uint64_t gate_request_ = 0;
  std::uint64_t members_request_ = 0;
  UserId peer_;  // of a direct conversation
  ConversationId conversation_;
  bool is_chosen_ = false;  // it is known which conversation
  NamesOfUsers names_;
  std::set<UserId> names_asked_;
  bool asking_names_ = false;
  std::deque<client::Event> waiting_;  // for names
  bool began_ = false;                 // the tail is shown, lines are taken
  bool ending_ = false;
  bool said_offline_ = false;
  std::deque<client::Event> early_;  // received before the tail was
  Seq shown_;
  Seq delivered_;  // of the peer
  Seq read_;
  LastMessages last_;
  bool presence_told_ = false;
  bool is_online_ = false;  // the peer, as told last
  ChatWriters writers_;
  std::uint64_t last_key_ = 0;
  std::deque<OwnMessage> own_;
  std::map<OutboxSeq, std::uint64_t> by_ticket_;  // keys of unanswered messages
  struct AskedReceipts {
    Seq seq;
    bool for_person = false;
  };
  std::map<std::uint64_t, AskedReceipts> asked_;  // by the client's number
  absl::Status worst_;
};

absl::Status chat(const Options& options) {
  auto session = Session::open(options, Session::Holding::MustHold);
  if (!session.ok()) return session.status();
  if (absl::Status served = (*session)->serve(); !served.ok()) return served;
  const bool is_terminal = !options.json && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  const auto screen = is_terminal ? open_terminal_screen((*session)->io(), Style::choose(options.color, STDOUT_FILENO))
                                  : open_plain_screen((*session)->io(), options.json);
  return Chat(**session, options, *screen, is_terminal).run();
}

}  // namespace

int run_chat(const Options& options) {
  const absl::Status status = chat(options);
  report(status);
  return exit_code(status);
}

}  // namespace chasqui::cli
