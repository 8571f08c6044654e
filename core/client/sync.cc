#include "core/client/sync.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"

namespace chasqui::client {

absl::StatusOr<SyncRun::Started> SyncRun::on_hello(HistoryEpoch epoch, const SyncPage& page) {
  CHASQUI_ASSERT(!running_ && !outstanding_, "a session's sync starts once");
  Started started;
  const bool first_contact = epoch_ == HistoryEpoch();
  started.restored = (!first_contact && epoch != epoch_) || page.top_version() < version_.value();
  server_epoch_ = epoch;
  since_ = started.restored ? Version() : version_;
  waiting_.clear();
  below_ = 0;
  top_known_ = false;
  running_ = true;
  // Which history the taken events are of must be known before the first is taken, or a restore could go unnoticed.
  if (first_contact && epoch != HistoryEpoch()) record(epoch, version_);
  if (started.restored) {  // the page answers a question that has become meaningless
    wants_page_ = true;
    retry_at_ = MonoTime{};
    return started;
  }
  absl::StatusOr<std::vector<Known>> known = read(page);
  if (!known.ok()) return known.status();
  started.known = *std::move(known);
  return started;
}

absl::StatusOr<std::vector<Known>> SyncRun::on_page(const SyncPage& page) {
  CHASQUI_ASSERT(outstanding_, "a page of the index was asked for");
  outstanding_ = false;
  return read(page);
}

absl::StatusOr<std::vector<Known>> SyncRun::read(const SyncPage& page) {
  if (page.next_below() != 0 && below_ != 0 && page.next_below() >= below_) {
    return absl::InvalidArgumentError(absl::StrCat("a page of the index below version ", below_,
                                                   " is followed by one below ", page.next_below(),
                                                   ": it would never end"));
  }
  if (!top_known_) top_ = Version(page.top_version());
  top_known_ = true;
  std::vector<Known> known;
  known.reserve(static_cast<std::size_t>(page.entries_size()));
  for (const IndexEntry& entry : page.entries()) {
    const std::optional<ConversationId> conversation = ConversationId::parse(entry.conversation());
    if (!conversation) return absl::InvalidArgumentError("an entry of the index names no conversation");
    known.push_back({*conversation, Seq(entry.head()), Seq(entry.read()), entry.hides(), counts_of(entry),
                     entry.version() != 0, entry.gate(), entry.is_invitation()});
    Seq& wanted = waiting_[*conversation];
    wanted = std::max(wanted, Seq(entry.head()));
  }
  below_ = page.next_below();
  wants_page_ = below_ != 0;
  retry_at_ = MonoTime{};
  return known;
}

std::optional<Sync> SyncRun::next_request(MonoTime now) {
  if (!wants_page_ || outstanding_ || now < retry_at_) return std::nullopt;
  wants_page_ = false;
  outstanding_ = true;
  Sync sync;
  sync.set_since_version(since_.value());
  sync.set_below_version(below_);
  return sync;
}

void SyncRun::on_error(MonoTime retry_at) {
  outstanding_ = false;
  wants_page_ = true;
  retry_at_ = retry_at;
}

void SyncRun::on_connection_lost() {
  running_ = wants_page_ = outstanding_ = false;
  waiting_.clear();
}

void SyncRun::on_progress(const ConversationId& conversation, Seq taken, Seq head) {
  const auto it = waiting_.find(conversation);
  // The head may have turned out to be lower than announced; never the other way round, since more may come meanwhile.
  if (it != waiting_.end() && taken >= std::min(it->second, head)) waiting_.erase(it);
}

bool SyncRun::complete(bool verified) {
  if (!running_ || wants_page_ || outstanding_ || !waiting_.empty() || !verified) return false;
  running_ = false;
  if (server_epoch_ != epoch_ || top_ != version_) record(server_epoch_, top_);
  return true;
}

std::vector<ConversationId> SyncRun::waiting() const {
  std::vector<ConversationId> all;
  for (const auto& [conversation, head] : waiting_) all.push_back(conversation);
  return all;
}

void SyncRun::record(HistoryEpoch epoch, Version version) {
  epoch_ = epoch;
  version_ = version;
  JournalRecord record;
  record.mutable_synced()->set_history_epoch(static_cast<std::uint32_t>(epoch.value()));
  record.mutable_synced()->set_version(version.value());
  journal_.write(record);
}

void SyncRun::replay(const JournalSynced& record) {
  epoch_ = HistoryEpoch(record.history_epoch());
  version_ = Version(record.version());
}

void SyncRun::compact(std::vector<JournalRecord>& out) const {
  if (epoch_ == HistoryEpoch() && version_ == Version()) return;
  JournalSynced& synced = *out.emplace_back().mutable_synced();
  synced.set_history_epoch(static_cast<std::uint32_t>(epoch_.value()));
  synced.set_version(version_.value());
}

}  // namespace chasqui::client
