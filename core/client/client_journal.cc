// From a journal to a client, and back to a shorter journal.
#include <algorithm>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "core/client/client_impl.h"

namespace chasqui::client {

absl::StatusOr<std::unique_ptr<Client>> Client::open(Credentials credentials, const Config& config, const Seed& seed,
                                                     const std::vector<std::string>& journal) {
  auto client = std::make_unique<ClientImpl>(config, seed);
  if (absl::Status status = client->open(credentials, journal); !status.ok()) return status;
  return client;
}

absl::Status ClientImpl::open(const Credentials& credentials, const std::vector<std::string>& journal) {
  receipts_ = Receipts(credentials.user);
  std::uint64_t number = 0;
  for (const std::string& bytes : journal) {
    ++number;
    JournalRecord record;
    if (!record.ParseFromString(bytes)) {
      return absl::InvalidArgumentError(absl::StrCat("journal: record ", number, " of ", journal.size(),
                                                     " cannot be read: this is not a journal, or it is damaged"));
    }
    if (absl::Status status = replay(record); !status.ok()) return status;
  }
  return identity_.adopt(credentials);
}

namespace {

// Of the conversation that a record is about; empty for those that are about the device as a whole.
std::string_view conversation_of(const JournalRecord& record) {
  switch (record.body_case()) {
    case JournalRecord::kSent: return record.sent().conversation();
    case JournalRecord::kAnswered: return record.answered().conversation();
    case JournalRecord::kRenumbered: return record.renumbered().conversation();
    case JournalRecord::kTaken: return record.taken().conversation();
    case JournalRecord::kPosition: return record.position().conversation();
    case JournalRecord::kShown: return record.shown().conversation();
    case JournalRecord::kMarks: return record.marks().conversation();
    case JournalRecord::kOutbox: return record.outbox().conversation();
    case JournalRecord::kHidden: return record.hidden().conversation();
    case JournalRecord::kGate: return record.gate().conversation();
    case JournalRecord::kCounts: return record.counts().conversation();
    case JournalRecord::kDevice:
    case JournalRecord::kRenewal:
    case JournalRecord::kGeneration:
    case JournalRecord::kSynced:
    case JournalRecord::BODY_NOT_SET: return {};
  }
  return {};
}

}  // namespace

absl::Status ClientImpl::replay(const JournalRecord& record) {
  if (record.body_case() == JournalRecord::BODY_NOT_SET) return absl::OkStatus();  // of a later program: skipped
  if (record.has_device()) identity_.replay(record.device());
  if (record.has_renewal()) identity_.replay(record.renewal());
  if (record.has_generation()) link_.replay(record.generation());
  if (record.has_synced()) sync_.replay(record.synced());
  if (record.has_device() || record.has_renewal() || record.has_generation() || record.has_synced()) {
    return absl::OkStatus();
  }
  const std::optional<ConversationId> conversation = ConversationId::parse(conversation_of(record));
  if (!conversation) {
    return absl::InvalidArgumentError(absl::StrCat("journal: a record of kind ", static_cast<int>(record.body_case()),
                                                   " names no conversation: this is not a journal, or it is damaged"));
  }
  if (record.has_sent()) return outbox_.replay(*conversation, record.sent());
  if (record.has_hidden()) return hidden_.replay(*conversation, record.hidden());
  if (record.has_gate()) gates_.replay(*conversation, record.gate());
  if (record.has_counts()) unread_.replay(*conversation, record.counts());
  if (record.has_answered()) {
    outbox_.replay(*conversation, record.answered());
    if (const Seq seq(record.answered().seq()); seq) {
      inbox_.note_own(*conversation, seq);
      receipts_.on_own_event(*conversation, seq);
    }
  } else if (record.has_renumbered()) {
    outbox_.replay(*conversation, record.renumbered());
  } else if (record.has_outbox()) {
    outbox_.replay(*conversation, record.outbox());
  } else if (record.has_taken()) {
    Event event;
    if (absl::Status status = inbox_.replay(*conversation, record.taken(), event); !status.ok()) return status;
    acks_.on_taken(*conversation, inbox_.taken(*conversation), MonoTime{});
    const bool is_own = UserId(event.sender()) == receipts_.self();
    if (is_own) receipts_.on_own_event(*conversation, Seq(event.seq()));
    (void)unread_.on_event(*conversation, event, is_own);
  } else if (record.has_position()) {
    if (absl::Status status = inbox_.replay(*conversation, record.position()); !status.ok()) return status;
    acks_.go_back(*conversation, inbox_.taken(*conversation));
    acks_.on_taken(*conversation, inbox_.taken(*conversation), MonoTime{});
  } else if (record.has_shown()) {
    inbox_.replay(*conversation, record.shown());
  } else if (record.has_marks()) {
    acks_.replay(*conversation, record.marks());
    receipts_.replay(*conversation, record.marks());
  }
  return absl::OkStatus();
}

JournalRecord ClientImpl::marks_record(const ConversationId& conversation) const {
  JournalRecord record;
  record.mutable_marks()->set_conversation(conversation.str());
  acks_.describe(conversation, *record.mutable_marks());
  receipts_.describe(conversation, *record.mutable_marks());
  return record;
}

std::vector<std::string> ClientImpl::compacted() const {
  std::vector<JournalRecord> records;
  identity_.compact(records);
  link_.compact(records);
  outbox_.compact(records);
  inbox_.compact(records);
  hidden_.compact(records);
  gates_.compact(records);
  absl::btree_set<ConversationId> marked;  // after the positions, which bound them
  for (const ConversationId& conversation : acks_.conversations()) marked.insert(conversation);
  for (const ConversationId& conversation : receipts_.conversations()) marked.insert(conversation);
  for (const ConversationId& conversation : marked) records.push_back(marks_record(conversation));
  for (const ConversationId& conversation : unread_.conversations()) records.push_back(unread_.record(conversation));
  sync_.compact(records);  // last: a version is claimed only after everything below it
  std::vector<std::string> all;
  all.reserve(records.size());
  for (const JournalRecord& record : records) all.push_back(record.SerializeAsString());
  return all;
}

}  // namespace chasqui::client
