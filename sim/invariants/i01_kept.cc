#include "sim/invariants/i01_kept.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"

namespace chasqui::sim {
namespace {

// Sequences beyond this are nonsense, whoever says them; kept out of the vectors.
constexpr std::uint64_t seq_sane_max = 10'000'000;

}  // namespace

void Kept::hold(Time at, const ConversationId& conversation, Seq seq, const std::string& text, const char* how) {
  if (!seq || seq.value() > seq_sane_max) {
    violated(at, absl::StrCat(conversation.hex(), ": seq ", seq.value(), " was ", how));
    return;
  }
  Conversation*& found = by_id_[conversation];
  if (found == nullptr) found = &conversations_[conversation];
  Conversation& known = *found;
  if (seq > known.head) known.head = seq;
  if (known.events.size() < seq.value()) known.events.resize(seq.value());
  std::uint64_t& event = known.events[seq.value() - 1];
  const std::uint64_t hash = xxh3_64(text) | 1;
  check(event == 0 || event == hash, at, [&] {
    return absl::StrCat(conversation.hex(), " seq ", seq.value(), ": ", how, " as '", text.substr(0, 40),
                        "', but others know another message there");
  });
  if (event == 0) event = hash;
}

void Kept::see(Time at, const Fact& fact) {
  blocks_.see(fact);
  if (const auto* joined = std::get_if<DeviceJoined>(&fact)) {
    owners_[joined->device] = joined->user;
  } else if (const auto* sent = std::get_if<MessageSent>(&fact)) {
    sent_[sent->device][{sent->conversation, sent->number}] = sent->text;
  } else if (const auto* heard = std::get_if<AcceptedHeard>(&fact)) {
    const std::string* text = sent_[heard->device].find({heard->conversation, heard->number});
    check(text != nullptr, at, [&] {
      return absl::StrCat("device ", heard->device, " was told that its message ", heard->number.value(), " in ",
                          heard->conversation.hex(), " is accepted, but it sent none");
    });
    if (text == nullptr) return;
    ++accepted_;
    hold(at, heard->conversation, heard->seq, *text, "accepted");
  } else if (const auto* refused = std::get_if<NodeRefused>(&fact)) {
    // Nothing more reaches them, and they were told why: that is I27's.
    for (const std::uint32_t device : refused->devices) owners_.erase(device);
  } else if (const auto* seen = std::get_if<EventSeen>(&fact)) {
    if (!seen->erased) {
      hold(at, seen->conversation, seen->seq, seen->text, "seen");
    } else if (model_ != nullptr && model_->fed()) {
      const Model::Event* logged = model_->event(seen->conversation, seen->seq);
      // What disappears does so by the device's own clock.
      check(logged != nullptr && (logged->erased || logged->expires_ms != 0), at, [&] {
        return absl::StrCat("device ", seen->device, " was shown ", seen->conversation.hex(), " seq ",
                            seen->seq.value(), " without its payload, which nobody has deleted");
      });
    }
    Seq& up_to = seen_[seen->device][seen->conversation];
    if (seen->seq > up_to) up_to = seen->seq;
  } else if (const auto* replaced = std::get_if<JournalReplaced>(&fact)) {
    auto& sent_there = sent_[replaced->device];
    sent_there.clear();
    for (const MessageSent& message : replaced->waiting) {
      sent_there[{message.conversation, message.number}] = message.text;
    }
    auto& seen_there = seen_[replaced->device];
    seen_there.clear();
    for (const auto& [conversation, seq] : replaced->shown) seen_there[conversation] = seq;
  } else if (const auto* gone = std::get_if<DeviceGone>(&fact)) {
    owners_.erase(gone->device);
  }
}

Seq Kept::seen(std::uint32_t device, const ConversationId& conversation) const {
  const auto* there = seen_.find(device);
  const Seq* up_to = there == nullptr ? nullptr : there->find(conversation);
  return up_to == nullptr ? Seq() : *up_to;
}

void Kept::each_lack(const std::function<bool(const Lack&)>& told) const {
  const auto of = [&](const ConversationId& conversation, Seq all) {
    if (conversation.is_group() && model_ == nullptr) return true;  // who is entitled to what, the model alone knows
    const UserId lower = conversation.lower(), higher = conversation.higher();
    for (const auto& [device, user] : owners_) {
      if (!conversation.is_group() && user != lower && user != higher) continue;
      const bool is_known = model_ != nullptr && (conversation.is_group() || model_->fed());
      if (!is_known && blocks_.by_user(user, conversation)) continue;
      const Seq head = is_known ? model_->last_for(conversation, user) : all;
      const Seq up_to = seen(device, conversation);
      if (up_to < head && !told({device, conversation, up_to, head})) return false;
    }
    return true;
  };
  for (const auto& [conversation, known] : conversations_) {
    const Seq logged = model_ == nullptr ? Seq() : model_->head(conversation);
    if (!of(conversation, std::max(known.head, logged))) return;
  }
  if (model_ == nullptr) return;
  for (const auto& [conversation, logged] : model_->conversations()) {  // of which nobody has heard yet
    if (!conversations_.contains(conversation) && !of(conversation, Seq(logged.events.size()))) return;
  }
}

std::string Kept::missing() const {
  std::string words;
  each_lack([&](const Lack& lack) {
    words = absl::StrCat("device ", lack.device, " has ", lack.conversation.hex(), " up to ", lack.up_to.value(),
                         " of ", lack.head.value());
    return false;
  });
  return words;
}

std::uint64_t Kept::most_missing() const {
  std::map<std::uint32_t, std::uint64_t> lacking;
  each_lack([&](const Lack& lack) {
    lacking[lack.device] += lack.head.value() - lack.up_to.value();
    return true;
  });
  std::uint64_t most = 0;
  for (const auto& [device, events] : lacking) most = std::max(most, events);
  return most;
}

void Kept::finish(Time at) {
  const std::string lacking = missing();
  check(lacking.empty(), at, [&] { return lacking; });
  if (model_ == nullptr) return;
  // What was committed is kept, whether its sender heard so or not.
  for (const auto& [conversation, logged] : model_->conversations()) {
    for (const auto& [device, user] : owners_) {
      if (!model_->has_part(conversation, user)) continue;
      const Seq head = model_->last_for(conversation, user);
      const Seq up_to = seen(device, conversation);
      check(up_to == head, at, [&, &id = conversation, number = device] {
        return absl::StrCat("device ", number, " has ", id.hex(), " up to ", up_to.value(), ", and the log has ",
                            head.value());
      });
    }
  }
}

}  // namespace chasqui::sim
