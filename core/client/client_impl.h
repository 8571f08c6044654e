// The client core as a whole: hands what comes in to the rooms (link, outbox, inbox, acks, receipts, sync, identity)
// and collects what they want said. The rooms do not know each other.
//
// Every public call ends with pump(): all that may be said now is framed, acks ride along, and the records written go
// out with it. So no deadline is needed for anything but waiting.
//
// client.cc: the application and the transport. client_state.cc: what it says of itself. client_answers.cc: what the
// server says; client_receipts.cc: of marks. client_journal.cc: the journal.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_set.h"
#include "core/client/acks.h"
#include "core/client/client.h"
#include "core/client/gates.h"
#include "core/client/hidden.h"
#include "core/client/identity.h"
#include "core/client/inbox.h"
#include "core/client/journal.h"
#include "core/client/link.h"
#include "core/client/outbox.h"
#include "core/client/receipts.h"
#include "core/client/requests.h"
#include "core/client/sync.h"
#include "core/client/unread.h"
#include "core/client/watch.h"

namespace chasqui::client {

constexpr std::uint64_t text_bytes_max = 65'536;  // Limits::message_bytes_max, which no server exceeds

class ClientImpl final : public Client {
 public:
  ClientImpl(const Config& config, const Seed& seed);
  // Once, before anything else.
  absl::Status open(const Credentials& credentials, const std::vector<std::string>& journal);

  void start(Now now, Outputs& out) override;
  void stop(Now now, Outputs& out) override;
  void connected(Now now, Outputs& out) override;
  void disconnected(Now now, Outputs& out) override;
  void received(Now now, std::string_view server_message, Outputs& out) override;
  void persisted(Now now, std::uint64_t count, Outputs& out) override;
  void tick(Now now, Outputs& out) override;
  [[nodiscard]] MonoTime next_deadline() const override;

  absl::StatusOr<OutboxSeq> send(Now now, const ConversationId& conversation, std::string text, Outputs& out) override {
    return send_about(now, conversation, About(), std::move(text), out);
  }
  absl::StatusOr<OutboxSeq> send_about(Now now, const ConversationId& conversation, const About& about,
                                       std::string text, Outputs& out) override;
  absl::StatusOr<OutboxSeq> send_payload(Now now, const ConversationId& conversation, Payload payload,
                                         Outputs& out) override;
  absl::Status hide(Now now, const ConversationId& conversation, Seq first, Seq last, Outputs& out) override;
  void watch(Now now, std::vector<UserId> users, Outputs& out) override;
  void type(Now now, const ConversationId& conversation, bool is_over, Outputs& out) override;
  std::uint64_t set_privacy(Now now, std::optional<Audience> presence, std::optional<Audience> adds,
                            std::optional<bool> read_receipts, Outputs& out) override;
  std::uint64_t set_gate(Now now, UserId user, Gate gate, Outputs& out) override;
  std::uint64_t ask_receipts(Now now, const ConversationId& conversation, Seq seq, Outputs& out) override;
  std::uint64_t ask_marks(Now now, const ConversationId& conversation, Outputs& out) override;
  absl::StatusOr<OutboxSeq> send_change(Now now, const ConversationId& conversation, const GroupChange& change,
                                        Outputs& out) override;
  ConversationId draw_group() override;
  std::uint64_t describe_group(Now now, const ConversationId& conversation, Outputs& out) override;
  void mark_read(Now now, const ConversationId& conversation, Seq seq, Outputs& out) override;
  void mark_shown(Now now, const ConversationId& conversation, Seq seq, Outputs& out) override;
  std::uint64_t look_up(Now now, std::string handle, Outputs& out) override;
  std::uint64_t look_up(Now now, UserId user, Outputs& out) override;
  std::uint64_t history(Now now, const ConversationId& conversation, Seq after, std::uint32_t limit, bool newest,
                        Outputs& out) override;
  void log_out(Now now, Outputs& out) override;

  [[nodiscard]] bool is_connected() const override { return link_.state() == Link::State::Live; }
  [[nodiscard]] MonoTime unserved_since() const override { return unserved_since_; }
  [[nodiscard]] Seq taken(const ConversationId& conversation) const override { return inbox_.taken(conversation); }
  [[nodiscard]] std::vector<Received> not_shown() const override { return inbox_.not_shown(); }
  [[nodiscard]] bool is_hidden(const ConversationId& conversation, Seq seq) const override {
    return hidden_.is_hidden(conversation, seq);
  }
  [[nodiscard]] bool is_hidden_everywhere(const ConversationId& conversation, Seq seq) const override {
    return hidden_.is_confirmed(conversation, seq);
  }
  [[nodiscard]] Gate gate(const ConversationId& conversation) const override { return gates_.of(conversation).gate; }
  [[nodiscard]] bool is_invitation(const ConversationId& conversation) const override {
    return gates_.of(conversation).is_invitation;
  }
  [[nodiscard]] std::vector<ConversationId> gated() const override { return gates_.conversations(); }
  [[nodiscard]] SeqRanges hidden(const ConversationId& conversation) const override {
    return hidden_.all(conversation);
  }
  [[nodiscard]] Counts unread(const ConversationId& conversation) const override { return unread_.of(conversation); }
  [[nodiscard]] bool marks_are_confirmed() const override { return acks_.all_confirmed(); }
  [[nodiscard]] std::uint64_t unsent() const override { return outbox_.size(); }
  [[nodiscard]] std::vector<ConversationId> conversations() const override;
  [[nodiscard]] std::vector<std::string> compacted() const override;
  void journal_replaced() override {
    inbox_.journal_replaced();
    outdated_told_ = false;
  }

 private:
  // A question of the application's that waits for a session.
  struct Call {
    std::uint64_t id = 0;
    Asked asked{};
    ConversationId conversation;
    ClientFrame frame;
  };

  // client.cc
  std::uint64_t ask(Now now, Asked asked, const ConversationId& conversation, ClientFrame frame, Outputs& out);
  void refuse(const Call& call, const absl::Status& status, Outputs& out);
  ClientFrame& frame(std::uint64_t request_id);
  std::uint64_t request(MonoTime now, Asked asked, const ConversationId& conversation = {});
  void pump(Now now, Outputs& out);
  void say_requests(MonoTime now);
  void say_sends_and_fetches(MonoTime now);
  void flush(MonoTime now, Outputs& out);
  void flush_frames(Outputs& out);
  void flush_journal(Outputs& out);
  void take_what_is_safe(MonoTime now, Outputs& out);
  // The session is over; `close`: by us. What was unanswered is open again.
  void lose(MonoTime now, Duration at_least, bool misunderstood, bool close, Outputs& out);
  void forget_session(MonoTime now, Outputs& out);
  void misunderstood(MonoTime now, Outputs& out) { lose(now, Duration{}, true, true, out); }
  void end(MonoTime now, GoAway::Reason reason, std::string message, Outputs& out);

  // client_answers.cc: false or an error: malformed, the connection is to be given up.
  [[nodiscard]] bool on_frame(MonoTime now, const ServerFrame& frame, Outputs& out);
  [[nodiscard]] bool on_unasked(MonoTime now, const ServerFrame& frame, Outputs& out);
  [[nodiscard]] bool on_answer(MonoTime now, const Request& request, const ServerFrame& frame, Outputs& out);
  [[nodiscard]] bool on_error(MonoTime now, const Request& request, const Error& error, Outputs& out);
  [[nodiscard]] bool on_hello(MonoTime now, const HelloAnswer& hello, Outputs& out);
  [[nodiscard]] bool on_accepted(MonoTime now, const Request& request, const Accepted& accepted, Outputs& out);
  [[nodiscard]] bool on_search_page(const Request& request, const HistoryPage& page, Outputs& out);
  [[nodiscard]] bool on_receipt(const Receipt& receipt, Outputs& out);
  [[nodiscard]] bool on_group_receipts(const GroupReceipts& receipts, Outputs& out);
  [[nodiscard]] static bool on_counted(const ReceiptCounts& counts, const std::string& conversation, Outputs& out);
  void on_own_read(const ConversationId& conversation, Seq read, Outputs& out);
  void count(const ConversationId& conversation, const Event& event, bool is_repeated, Outputs& out);
  [[nodiscard]] static bool on_typing(const Typing& typing, Outputs& out);
  void on_send_error(MonoTime now, const Request& request, const Error& error, Outputs& out);
  void on_go_away(MonoTime now, const GoAway& go_away, Outputs& out);
  void follow(const std::vector<Known>& known, Outputs& out);
  void progress(const ConversationId& conversation);
  void note_gate(const ConversationId& conversation, Gate gate, bool is_invitation, Outputs& out);
  [[nodiscard]] MonoTime retry_time(MonoTime now, const Error& error);
  void accepted(const ConversationId& conversation, OutboxSeq ticket, Seq seq, LogTime time, Outputs& out);

  // client_journal.cc
  absl::Status replay(const JournalRecord& record);
  [[nodiscard]] JournalRecord marks_record(const ConversationId& conversation) const;

  Config config_;
  Random random_;
  Journal journal_;
  Link link_;
  Requests requests_;
  Outbox outbox_;
  Inbox inbox_;
  Acks acks_;
  Receipts receipts_{UserId()};
  Unread unread_;
  SyncRun sync_;
  Identity identity_;
  Hidden hidden_{journal_};
  Gates gates_{journal_};
  Watching watching_;

  HistoryEpoch epoch_;               // the session's
  std::vector<ClientFrame> frames_;  // said, not yet in an Outputs
  std::deque<Call> calls_;           // wait for a session
  std::uint64_t last_call_ = 0;
  absl::btree_set<ConversationId> marks_dirty_;  // to be journaled when something else is
  MonoTime marks_at_{};                          // Marks are not asked before
  MonoTime unserved_since_ = MonoTime::never();
  MonoTime logout_at_{};
  bool logging_out_ = false;
  MonoTime now_{};   // of the last call: deadlines in the past are no deadlines
  WallTime wall_{};  // likewise
  bool outdated_told_ = false;
};

[[nodiscard]] absl::Status to_status(const Error& error);

}  // namespace chasqui::client
