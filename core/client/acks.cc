#include "core/client/acks.h"

#include <algorithm>
#include <optional>

#include "core/base/check.h"

namespace chasqui::client {
namespace {

constexpr std::int64_t repeat_ms = 2'000;
constexpr std::int64_t repeat_ms_max = 30'000;

}  // namespace

void Acks::on_taken(const ConversationId& conversation, Seq seq, MonoTime now) {
  Lane& lane = lanes_[conversation];
  if (seq <= lane.delivered) return;
  lane.delivered = seq;
  const Duration linger = conversation.is_group() ? group_linger_ : linger_;
  if (!lane.is_confirmed()) lingering_.set_earlier(conversation, now + linger);
}

bool Acks::on_read(const ConversationId& conversation, Seq seq, MonoTime now) {
  Lane& lane = lanes_[conversation];
  if (seq <= lane.read) return false;
  lane.read = seq;
  if (!lane.is_confirmed()) lingering_.set_earlier(conversation, now + linger_);
  return true;
}

bool Acks::on_confirmed(const ConversationId& conversation, Seq delivered, Seq read) {
  const auto it = lanes_.find(conversation);
  if (it == lanes_.end()) return false;  // of a conversation of which we never said anything
  Lane& lane = it->second;
  const bool news = delivered > lane.delivered_confirmed || read > lane.read_confirmed;
  lane.delivered_confirmed = std::max(lane.delivered_confirmed, delivered);
  lane.read_confirmed = std::max(lane.read_confirmed, read);
  if (lane.is_confirmed()) {
    lingering_.clear(conversation);
    repeats_.clear(conversation);
    lane.repeats = 0;
  }
  return news;
}

void Acks::go_back(const ConversationId& conversation, Seq taken) {
  Lane& lane = lanes_[conversation];
  lane.delivered = std::min(lane.delivered, taken);
  lane.read = std::min(lane.read, taken);
  lane.delivered_confirmed = lane.read_confirmed = Seq();
}

void Acks::confirm_all_anew() {
  for (auto& [conversation, lane] : lanes_) lane.delivered_confirmed = lane.read_confirmed = Seq();
}

void Acks::on_connected(MonoTime now) {
  lingering_.clear_all();
  repeats_.clear_all();
  for (auto& [conversation, lane] : lanes_) {
    lane.repeats = 0;
    if (!lane.is_confirmed()) lingering_.set(conversation, now);
  }
}

std::vector<Ack> Acks::take(MonoTime now, bool riding, HistoryEpoch epoch) {
  std::vector<Ack> out;
  const MonoTime due = riding ? now + group_linger_ : now;
  while (out.size() < at_once_max) {
    std::optional<ConversationId> next = lingering_.pop_due(due);
    if (!next) next = repeats_.pop_due(now);
    if (!next) break;
    say(*next, lanes_[*next], now, epoch, out);
  }
  return out;
}

void Acks::say(const ConversationId& conversation, Lane& lane, MonoTime now, HistoryEpoch epoch,
               std::vector<Ack>& out) {
  if (lane.is_confirmed()) return;
  Ack& ack = out.emplace_back();
  ack.set_conversation(conversation.str());
  ack.set_delivered_seq(lane.delivered.value());
  ack.set_read_seq(lane.read.value());
  ack.set_history_epoch(static_cast<std::uint32_t>(epoch.value()));
  CHASQUI_ASSERT(lane.read <= lane.delivered, "what was seen was delivered");
  const std::int64_t delay_ms = std::min(repeat_ms << std::min(lane.repeats, 4U), repeat_ms_max);
  if (lane.repeats < 4) ++lane.repeats;
  repeats_.set(conversation, now + milliseconds(delay_ms));
}

void Acks::replay(const ConversationId& conversation, const JournalMarks& record) {
  Lane& lane = lanes_[conversation];
  lane.read = std::max(lane.read, std::min(Seq(record.read()), lane.delivered));
  lane.delivered_confirmed = std::max(lane.delivered_confirmed, Seq(record.delivered_confirmed()));
  lane.read_confirmed = std::max(lane.read_confirmed, Seq(record.read_confirmed()));
}

void Acks::describe(const ConversationId& conversation, JournalMarks& record) const {
  const auto it = lanes_.find(conversation);
  if (it == lanes_.end()) return;
  record.set_delivered_confirmed(it->second.delivered_confirmed.value());
  record.set_read(it->second.read.value());
  record.set_read_confirmed(it->second.read_confirmed.value());
}

Seq Acks::read(const ConversationId& conversation) const {
  const auto it = lanes_.find(conversation);
  return it == lanes_.end() ? Seq() : it->second.read;
}

bool Acks::all_confirmed() const {
  return std::all_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane.second.is_confirmed(); });
}

std::vector<ConversationId> Acks::conversations() const {
  std::vector<ConversationId> all;
  for (const auto& [conversation, lane] : lanes_) all.push_back(conversation);
  return all;
}

}  // namespace chasqui::client
