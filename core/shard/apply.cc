// The one writer of a shard's rows. An entry is decoded, its commands run one after the other over an overlay of the
// store, and what they changed becomes one batch with the shard's numbers and the rolling hash.
#include "core/shard/apply.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/keys.h"
#include "core/shard/commands/commands.h"
#include "core/shard/effects.h"
#include "core/shard/feed.h"
#include "core/shard/overlay.h"
#include "core/shard/view.h"

namespace chasqui::shard {
namespace {

// An entry above these is a no-op like one that does not decode: nothing that we propose comes near them, and apply
// must stay bounded whatever the log holds.
constexpr std::uint64_t entry_bytes_max = bounds::peer_frame_bytes_max;
constexpr int entry_commands_max = 16'384;
// A CheckHash is proposed when its index has been applied, behind at most the entries in flight.
constexpr std::size_t hashes_kept = 256;
static_assert(2 * Limits{}.entries_in_flight_max < hashes_kept);
static_assert(Limits{}.raft_entry_bytes_max < entry_bytes_max && Limits{}.raft_entry_commands_max < entry_commands_max,
              "what is proposed is applied");

// The one switch: a new kind of command does not compile until it has its place here.
Effects run(const ShardView& view, const log::Command& command) {
  switch (command.body_case()) {
    case log::Command::kCreateAccount: return create_account(view, command.create_account());
    case log::Command::kAddDevice: return add_device(view, command.add_device());
    case log::Command::kRemoveDevice: return remove_device(view, command.remove_device());
    case log::Command::kRenewDevice: return renew_device(view, command.renew_device());
    case log::Command::kTouchDevice: return touch_device(view, command.touch_device());
    case log::Command::kSend: return send(view, command.send());
    case log::Command::kMark: return mark(view, command.mark());
    case log::Command::kNotify: return notify(view, command.notify());
    case log::Command::kMoveCursor: return move_cursor(view, command.move_cursor());
    case log::Command::kCheckHash: return check_hash(view, command.check_hash());
    case log::Command::kPark: return park(view, command.park());
    case log::Command::kUnpark: return unpark(view, command.unpark());
    case log::Command::kExpire: return expire(view, command.expire());
    case log::Command::kHide: return hide(view, command.hide());
    case log::Command::kSetPrivacy: return set_privacy(view, command.set_privacy());
    case log::Command::kSetGate: return set_gate(view, command.set_gate());
    case log::Command::BODY_NOT_SET: break;
  }
  return Effects::refused(client::UNIMPLEMENTED, "this server does not know that command: upgrade it, then try again");
}

void write(Effects& effects, Overlay& overlay, state::Shard& numbers, OwedMarks& owed, Applied& applied) {
  for (Effects::Change& change : effects.changes) {
    if (change.row) {
      overlay.put(std::move(change.key), std::move(*change.row), change.is_new);
    } else {
      overlay.remove(change.key);
    }
  }
  for (const state::FeedItem& item : effects.owed) owed.add(item);
  for (Consequence& consequence : effects.consequences) applied.consequences.push_back(std::move(consequence));
  if (effects.feed_cursor) {
    CHASQUI_ASSERT(effects.feed_cursor->value() > numbers.feed_cursor(), "the feed's cursor only grows");
    numbers.set_feed_cursor(effects.feed_cursor->value());
  }
  numbers.set_expiries(numbers.expiries() + static_cast<std::uint64_t>(effects.expiries));  // modulo 2^64: may shrink
  applied.replies.push_back(std::move(effects.reply));
}

// A feed row for what the entry owes. If nothing was outstanding, the cursor first jumps over the entries since, which
// owed nothing: so it never has to walk through a long quiet time.
void write_feed(RaftIndex index, const OwedMarks& owed, Overlay& overlay, ShardId shard, state::Shard& numbers,
                Applied& applied) {
  if (owed.empty()) return;
  if (numbers.feed_last() <= numbers.feed_cursor()) numbers.set_feed_cursor(index.value() - 1);
  numbers.set_feed_last(index.value());
  state::Feed row = owed.row();
  overlay.put(keys::feed(shard, index), row, true);
  applied.consequences.push_back(FeedOwed{index, std::move(row)});
}

// Chained over all entries: two replicas with the same hash have been fed the same entries and made the same rows.
std::uint64_t rolling_hash(std::uint64_t before, const std::vector<Overlay::Changed>& rows, std::string_view numbers) {
  const auto chained = [](std::uint64_t hash, std::uint64_t link) {
    std::array<char, 16> bytes;
    for (std::size_t i = 0; i < 8; ++i) {
      bytes[i] = static_cast<char>(hash >> (8 * i));
      bytes[8 + i] = static_cast<char>(link >> (8 * i));
    }
    return xxh3_64({bytes.data(), bytes.size()});
  };
  std::uint64_t hash = before;
  for (const Overlay::Changed& row : rows) {
    hash = chained(hash, xxh3_64(row.key));
    hash = chained(hash, row.bytes != nullptr ? 1 : 0);
    if (row.bytes != nullptr) hash = chained(hash, xxh3_64(*row.bytes));
  }
  return chained(hash, xxh3_64(numbers));
}

// False: the bytes are no entry.
bool decode(std::string_view bytes, log::Entry& entry) {
  if (bytes.size() > entry_bytes_max) return false;
  if (!entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
  return entry.commands_size() <= entry_commands_max;
}

}  // namespace

Machine::Machine(ShardId shard, ShardCount shards, const Store& store)
    : shard_(shard), shards_(shards), store_(store), overlay_(std::make_unique<Overlay>(store)) {
  reload();
}

Machine::~Machine() = default;
Machine::Machine(Machine&&) noexcept = default;

void Machine::reload() {
  hashes_.clear();
  *overlay_ = Overlay(store_);
  if (const auto bytes = store_.get(keys::numbers(shard_))) {
    CHASQUI_ASSERT(numbers_.ParseFromString(*bytes), "a row of the store is one that this machine wrote");
    hashes_.push_back(numbers_.rolling_hash());
    return;
  }
  numbers_.set_history_epoch(1);
  numbers_.set_feature_level(1);
}

Applied Machine::apply(RaftIndex index, RaftTerm term, bool is_command, std::string_view bytes) {
  CHASQUI_ASSERT(index == applied_index().next(), "the log is applied without a gap");
  CHASQUI_ASSERT(term.value() >= numbers_.applied_term(), "terms never go back along the log");
  Applied applied;
  Overlay& overlay = *overlay_;
  log::Entry entry;
  if (is_command && !decode(bytes, entry)) {
    applied.malformed = true;
    entry.Clear();
  }

  check_hashes(entry, applied);
  numbers_.set_applied_index(index.value());
  numbers_.set_applied_term(term.value());
  if (is_command && !applied.malformed) {
    numbers_.set_log_time_ms(std::max(numbers_.log_time_ms(), entry.log_time_ms()));
  }
  const Place place{shard_, shards_, index, log_time()};
  const ShardView view(overlay, place, numbers_);
  OwedMarks owed;
  applied.replies.reserve(static_cast<std::size_t>(entry.commands_size()));
  for (const log::Command& command : entry.commands()) {
    Effects effects = run(view, command);
    write(effects, overlay, numbers_, owed, applied);
  }
  write_feed(index, owed, overlay, shard_, numbers_, applied);
  CHASQUI_ASSERT(applied.replies.size() == static_cast<std::size_t>(entry.commands_size()), "each command is answered");
  CHASQUI_ASSERT(numbers_.feed_cursor() < index.value(), "what this entry owes is not settled yet");

  numbers_.set_rolling_hash(rolling_hash(numbers_.rolling_hash(), overlay.entry_changes(), serialize(numbers_)));
  overlay.entry_ends();
  is_ahead_ = true;
  hashes_.push_back(numbers_.rolling_hash());
  if (hashes_.size() > hashes_kept) hashes_.pop_front();
  return applied;
}

void Machine::write_out(WriteBatch& batch, std::uint64_t kept_bytes_max) {
  if (!std::exchange(is_ahead_, false)) return;
  overlay_->take_changes(batch, kept_bytes_max);
  batch.put(keys::numbers(shard_), serialize(numbers_));
}

const state::Header* Machine::header(const ConversationId& conversation) {
  return overlay_->find<state::Header>(keys::header(shard_, conversation));
}

const state::Group* Machine::group(const ConversationId& conversation) {
  return overlay_->find<state::Group>(keys::group(shard_, conversation));
}

const state::SenderRow* Machine::sender(const ConversationId& conversation, UserId user, DeviceId device) {
  return overlay_->find<state::SenderRow>(keys::sender(shard_, conversation, user, device));
}

bool Machine::is_ahead_in(std::string_view begin, std::string_view end) const {
  return overlay_->has_changes(begin, end);
}

std::uint64_t Machine::unwritten_bytes() const {
  return overlay_->changed_bytes();
}

std::uint64_t Machine::memory_bytes() const {
  return overlay_->bytes();
}

// Against what was there before this entry.
void Machine::check_hashes(const log::Entry& entry, Applied& applied) const {
  for (const log::Command& command : entry.commands()) {
    if (!command.has_check_hash()) {
      applied.changes = true;
      continue;
    }
    const RaftIndex index(command.check_hash().index());
    const auto ours = hash_at(index);
    if (ours && *ours != command.check_hash().hash()) applied.differs = HashDiffers{index, *ours};
  }
}

std::optional<std::uint64_t> Machine::hash_at(RaftIndex index) const {
  const std::uint64_t last = numbers_.applied_index();
  if (index.value() > last || last - index.value() >= hashes_.size()) return std::nullopt;
  return hashes_[hashes_.size() - 1 - (last - index.value())];
}

}  // namespace chasqui::shard
