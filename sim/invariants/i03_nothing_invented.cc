#include "sim/invariants/i03_nothing_invented.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void NothingInvented::see(Time at, const Fact& fact) {
  if (const auto* joined = std::get_if<DeviceJoined>(&fact)) {
    owners_[joined->device] = joined->user;
    ids_[joined->device].insert(joined->id);
  } else if (const auto* sent = std::get_if<MessageSent>(&fact)) {
    sent_[sent->text] = {sent->device, sent->conversation};
  } else if (const auto* forgotten = std::get_if<MessageForgotten>(&fact)) {
    sent_.erase(forgotten->text);
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
    if (const auto ids = hostile_ids_.find(seen->sender); ids != hostile_ids_.end()) {
      check(hostile_sent_.contains({seen->conversation, seen->sender, seen->text}), at,
            [&] { return describe("that hostile user never sent it there"); });
      check(ids->second.contains(seen->sender_device), at, [&] { return describe("another device sent it"); });
      check(seen->conversation.has_direct_member(owners_[seen->device]), at,
            [&] { return describe("it is not for this user"); });
      return;
    }
    const auto it = sent_.find(seen->text);
    check(it != sent_.end(), at, [&] { return describe("nobody sent it"); });
    if (it == sent_.end()) return;
    const auto& [device, conversation] = it->second;
    check(conversation == seen->conversation, at, [&] { return describe("it was sent elsewhere"); });
    check(owners_[device] == seen->sender && ids_[device].contains(seen->sender_device), at,
          [&] { return describe("another device sent it"); });
    check(seen->conversation.has_direct_member(owners_[seen->device]), at,
          [&] { return describe("it is not for this user"); });
  }
}

}  // namespace chasqui::sim
