#include "sim/invariants/i03_nothing_invented.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"

namespace chasqui::sim {

// Of a group that is I14's matter.
bool NothingInvented::is_for(const EventSeen& seen) {
  return seen.conversation.is_group() || seen.conversation.has_direct_member(owners_[seen.device]);
}

void NothingInvented::see(Time at, const Fact& fact) {
  if (const auto* joined = std::get_if<DeviceJoined>(&fact)) {
    owners_[joined->device] = joined->user;
    ids_[joined->device].insert(joined->id);
  } else if (const auto* sent = std::get_if<MessageSent>(&fact)) {
    sent_[xxh3_64(sent->text)] = {sent->conversation, {sent->device}};
  } else if (const auto* forgotten = std::get_if<MessageForgotten>(&fact)) {
    sent_.erase(xxh3_64(forgotten->text));
  } else if (const auto* replaced = std::get_if<JournalReplaced>(&fact)) {
    for (const MessageSent& waiting : replaced->waiting) {
      if (Sent* known = sent_.find(xxh3_64(waiting.text))) known->devices.push_back(waiting.device);
    }
  } else if (const auto* hostile = std::get_if<HostileJoined>(&fact)) {
    hostile_ids_[hostile->user].insert(hostile->id);
  } else if (const auto* wrote = std::get_if<HostileSent>(&fact)) {
    hostile_sent_.insert({wrote->conversation, wrote->user, wrote->text});
  } else if (const auto* seen = std::get_if<EventSeen>(&fact)) {
    const auto describe = [&](const char* why) {
      return absl::StrCat("device ", seen->device, " was shown ", seen->conversation.hex(), " seq ", seen->seq.value(),
                          " '", seen->text.substr(0, 40), "': ", why);
    };
    check(seen->digest_right, at, [&] { return describe("its digest is another's"); });
    const Model::Event* logged = model_ == nullptr ? nullptr : model_->event(seen->conversation, seen->seq);
    check(logged == nullptr ||
              (logged->sender == seen->sender && logged->device == seen->sender_device && logged->time == seen->time),
          at, [&] { return describe("the log has another event there"); });
    if (seen->erased) {  // whose it was is known all the same
      check(is_for(*seen), at, [&] { return describe("it is not for this user"); });
      return;
    }
    if (const auto ids = hostile_ids_.find(seen->sender); ids != hostile_ids_.end()) {
      check(hostile_sent_.contains({seen->conversation, seen->sender, seen->text}), at,
            [&] { return describe("that hostile user never sent it there"); });
      check(ids->second.contains(seen->sender_device), at, [&] { return describe("another device sent it"); });
      check(is_for(*seen), at, [&] { return describe("it is not for this user"); });
      return;
    }
    const Sent* sent_as = sent_.find(xxh3_64(seen->text));
    check(sent_as != nullptr, at, [&] { return describe("nobody sent it"); });
    if (sent_as == nullptr) return;
    check(sent_as->conversation == seen->conversation, at, [&] { return describe("it was sent elsewhere"); });
    const bool by_it = std::any_of(sent_as->devices.begin(), sent_as->devices.end(), [&](std::uint32_t device) {
      return owners_[device] == seen->sender && ids_[device].contains(seen->sender_device);
    });
    check(by_it, at, [&] { return describe("another device sent it"); });
    check(is_for(*seen), at, [&] { return describe("it is not for this user"); });
  }
}

}  // namespace chasqui::sim
