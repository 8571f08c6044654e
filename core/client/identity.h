// Who this device is, and how it becomes another: a restored backup, or two programs on one journal, have numbers that
// are not theirs (ARCHITECTURE.md section 10, Numbers). Then the device asks for a new id and starts its numbers anew.
//
//   1. A new secret is drawn and journaled; nothing is sent any more under the old numbers.
//   2. RenewDevice names the secret's hash; a retry gets the same answer. The session ends with it.
//   3. The new id is journaled; the application hears DeviceChanged; the next Hello is under the new id.
//   4. Of each conversation with something unanswered, the history is searched by digest for what the old numbers did
//      store; that is answered. What is left gets the numbers 1, 2, 3, ..., journaled before it is sent.
//
// The answer of step 2 may be lost, and the old id is out at once: then the device ids that can follow are tried with
// the new secret (they are counted per user), each at a connection of its own. Step 4 waits until nothing that was sent
// under the old numbers can still be under way: one request timeout after the last session that left something open.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/base/random.h"
#include "core/client/client.h"
#include "core/client/inbox.h"
#include "core/client/journal.h"
#include "core/client/outbox.h"
#include "proto/client.pb.h"

namespace chasqui::client {

class Identity {
 public:
  static constexpr std::uint64_t guesses_max = 16;  // device ids tried after a lost answer

  Identity(Journal& journal, Random& random, Outbox& outbox, const Config& config)
      : journal_(journal), random_(random), outbox_(outbox), config_(config) {}

  // After replay: whether these credentials are the journal's device, the one before, or a new login.
  absl::Status adopt(const Credentials& credentials);
  // What the next Hello names.
  [[nodiscard]] DeviceId hello_device() const;
  [[nodiscard]] const std::string& hello_secret() const { return guess_ == 0 ? credentials_.secret : next_secret_; }
  [[nodiscard]] const Credentials& credentials() const { return credentials_; }

  void on_started(MonoTime now);
  void on_sends_lost(MonoTime now);  // a session ended with sends unanswered
  void begin_renewal(MonoTime now);
  [[nodiscard]] std::optional<RenewDevice> next_request(MonoTime now);
  // The session is over and nothing is in flight. False: no such device id can be.
  [[nodiscard]] bool on_renewed(DeviceId device);
  void on_renew_error(MonoTime retry_at);
  void on_connection_lost();
  // Hello was answered: if it was a guess, that was it.
  void on_greeted();
  // Hello was refused. True: there is another guess to try at the next connection.
  [[nodiscard]] bool on_unauthenticated();
  // Credentials that the owner is to keep from now on, once.
  [[nodiscard]] std::optional<Credentials> on_persisted();
  [[nodiscard]] bool is_unsafe() const { return device_record_ != 0; }
  void on_send_accepted() { renewals_ = 0; }

  // Step 4. What to ask next; the answer's findings are (ticket, place, time).
  struct Found {
    OutboxSeq ticket;
    Seq seq;
    LogTime time;
  };
  [[nodiscard]] std::optional<Fetch> next_search(MonoTime now);
  [[nodiscard]] absl::StatusOr<std::vector<Found>> on_search_page(const ConversationId& conversation,
                                                                  const HistoryPage& page);
  void on_search_error(const ConversationId& conversation, const Error& error, MonoTime retry_at);
  [[nodiscard]] MonoTime next_deadline(MonoTime now) const;

  void replay(const JournalDevice& record);
  void replay(const JournalRenewal& record);
  void compact(std::vector<JournalRecord>& out) const;

 private:
  void become(DeviceId device, const std::string& secret);
  std::uint64_t record_device(bool with_secret);

  Journal& journal_;
  Random& random_;
  Outbox& outbox_;
  const Config& config_;
  Credentials credentials_;
  // What the journal says.
  UserId user_;
  DeviceId device_;
  std::string secret_;  // empty: the owner's
  std::vector<std::uint32_t> replaced_;
  std::string next_secret_;  // of the renewal under way; empty: none
  // The renewal under way.
  std::uint64_t intent_record_ = 0;  // must be safe before RenewDevice leaves
  std::uint64_t device_record_ = 0;  // must be safe before the owner hears of it; 0: it has
  bool tell_owner_ = false;          // the journal knew better than the owner
  std::uint64_t guess_ = 0;          // added to the device's id; 0: the old credentials
  bool asked_ = false;
  MonoTime ask_at_{};
  std::uint32_t renewals_ = 0;  // in a row, without anything accepted
  // The search under way.
  std::optional<ConversationId> searching_;
  Seq searched_;  // up to where
  bool search_outstanding_ = false;
  MonoTime search_at_{};
};

}  // namespace chasqui::client
