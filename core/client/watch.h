// Whom this device watches, and what it says of its own typing. Nothing of it is kept: after a connection it is said
// anew.
#pragma once

#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "proto/client.pb.h"

namespace chasqui::client {

class Watching {
 public:
  // From now on these, at most bounds::watched_max, instead of those before.
  void watch(std::vector<UserId> users, MonoTime now) {
    users.resize(std::min<std::size_t>(users.size(), bounds::watched_max));
    users_ = std::move(users);
    say_at_ = now;
    is_told_ = is_told_ && !users_.empty();
  }
  // It is asked once more every watch_again_ms; one that was refused, then too.
  [[nodiscard]] std::optional<Watch> next_request(MonoTime now) {
    if (now < say_at_ || (users_.empty() && !is_told_)) return std::nullopt;
    say_at_ =
        users_.empty() ? MonoTime::never() : now + milliseconds(static_cast<std::int64_t>(bounds::watch_again_ms));
    is_told_ = !users_.empty();
    Watch watch;
    for (const UserId user : users_) watch.add_users(user.value());
    return watch;
  }
  void on_connected(MonoTime now) {
    say_at_ = now;
    typing_.clear();
    is_told_ = false;
  }
  [[nodiscard]] MonoTime next_deadline() const { return users_.empty() ? MonoTime::never() : say_at_; }

  // What is to be said of it now: somebody writes there, or does no more. nullopt: that was said a moment ago.
  [[nodiscard]] std::optional<Typing> type(const ConversationId& conversation, bool is_over, MonoTime now) {
    const auto it = typing_.find(conversation);
    const bool was_said = it != typing_.end() && now < it->second;
    if (is_over ? it == typing_.end() : was_said) return std::nullopt;
    if (is_over) {
      typing_.erase(it);
    } else {
      if (typing_.size() >= conversations_max) typing_.clear();
      typing_[conversation] = now + milliseconds(static_cast<std::int64_t>(bounds::typing_again_ms));
    }
    Typing typing;
    typing.set_conversation(conversation.str());
    typing.set_is_over(is_over);
    return typing;
  }

 private:
  static constexpr std::size_t conversations_max = 64;  // in which somebody writes at a time; then it is said too often
  std::vector<UserId> users_;
  MonoTime say_at_ = MonoTime::never();
  bool is_told_ = false;                              // of some
  absl::btree_map<ConversationId, MonoTime> typing_;  // until when it need not be said again
};

}  // namespace chasqui::client
