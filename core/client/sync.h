// Coming back online: what has changed in the user's index since this device last had everything.
//
// Hello names the version up to which this device has taken all; the answer brings the first page, newest first, and
// the others are asked one after the other. Only when the last page is there AND every event up to the heads that the
// pages named is taken (in the journal, synced), the device's version becomes the one at the top of the first page. So
// a crash at any moment forgets nothing: the next Hello names the old version, and what was announced is announced
// again.
//
// A history epoch that is not ours, or a top below our version, means that the server was restored: everything is
// asked again from version 0, and the heads of all conversations are verified (inbox.h).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "core/base/ids.h"
#include "core/base/index_marks.h"
#include "core/base/now.h"
#include "core/client/journal.h"
#include "proto/client.pb.h"

namespace chasqui::client {

struct Known {  // one entry of the index
  ConversationId conversation;
  Seq head;
  Seq read;  // of this user, from any device
  std::uint64_t hides = 0;
  Counts counts = {};
  bool is_committed = true;  // else it says nothing of these
  Gate gate = OPEN;
  bool is_invitation = false;
};

class SyncRun {
 public:
  explicit SyncRun(Journal& journal) : journal_(journal) {}

  [[nodiscard]] Version version() const { return version_; }   // for Hello
  [[nodiscard]] HistoryEpoch epoch() const { return epoch_; }  // for Hello

  // The answer to Hello. `restored`: see above. The entries are those to be followed; InvalidArgument: malformed.
  struct Started {
    bool restored = false;
    std::vector<Known> known;
  };
  [[nodiscard]] absl::StatusOr<Started> on_hello(HistoryEpoch epoch, const SyncPage& page);
  [[nodiscard]] absl::StatusOr<std::vector<Known>> on_page(const SyncPage& page);
  void on_error(MonoTime retry_at);
  void on_connection_lost();

  // The next page to ask for, which is then outstanding.
  [[nodiscard]] std::optional<Sync> next_request(MonoTime now);
  [[nodiscard]] MonoTime next_deadline() const { return wants_page_ ? retry_at_ : MonoTime::never(); }

  // How far a conversation is, as far as it was announced; done if it is taken up to the head there is.
  void on_progress(const ConversationId& conversation, Seq taken, Seq head);
  // True once for each connection: when everything announced is taken. `verified`: no conversation's head is in doubt.
  [[nodiscard]] bool complete(bool verified);
  // Nothing is taken by this device (it only sends): what is announced needs no waiting.
  void wait_for_nothing() { waiting_.clear(); }
  [[nodiscard]] std::vector<ConversationId> waiting() const;

  void replay(const JournalSynced& record);
  void compact(std::vector<JournalRecord>& out) const;

 private:
  [[nodiscard]] absl::StatusOr<std::vector<Known>> read(const SyncPage& page);
  void record(HistoryEpoch epoch, Version version);

  Journal& journal_;
  HistoryEpoch epoch_;         // as journaled
  Version version_;            // likewise
  HistoryEpoch server_epoch_;  // of the connection that stands
  Version since_;              // of the run under way
  Version top_;
  std::uint64_t below_ = 0;  // the next page's; 0: from the top
  bool top_known_ = false;
  bool running_ = false;
  bool wants_page_ = false;  // a page is to be asked
  bool outstanding_ = false;
  MonoTime retry_at_{};
  absl::btree_map<ConversationId, Seq> waiting_;  // announced, not yet taken: up to where
};

}  // namespace chasqui::client
