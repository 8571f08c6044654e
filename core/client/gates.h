// What the user's index says of a conversation beside its head: the user's own gate towards the other (request,
// blocked), and whether it is an invitation. Kept, since the index is told by changes alone.
#pragma once

#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/ids.h"
#include "core/client/journal.h"
#include "proto/client.pb.h"

namespace chasqui::client {

class Gates {
 public:
  struct Standing {
    Gate gate = OPEN;
    bool is_invitation = false;
    friend bool operator==(const Standing&, const Standing&) = default;
  };

  explicit Gates(Journal& journal) : journal_(journal) {}

  // True: that is news.
  bool note(const ConversationId& conversation, const Standing& standing);
  [[nodiscard]] Standing of(const ConversationId& conversation) const;
  [[nodiscard]] std::vector<ConversationId> conversations() const;  // with another standing than usual

  void replay(const ConversationId& conversation, const JournalGate& record);
  void compact(std::vector<JournalRecord>& out) const;

 private:
  void keep(const ConversationId& conversation, const Standing& standing);

  Journal& journal_;
  absl::btree_map<ConversationId, Standing> standings_;  // none that is as usual
};

}  // namespace chasqui::client
