// The session's unanswered requests: what was asked under which id, and until when an answer is waited for.
//
// Ids grow and are never used again, so an answer that comes after its session has ended finds nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/ids.h"
#include "core/base/now.h"

namespace chasqui::client {

enum class Asked : std::uint8_t {
  Hello,
  Send,
  Sync,
  Fetch,
  Search,
  Marks,
  Lookup,
  History,
  Describe,
  Ping,
  Renew,
  Logout,
  Hide,  // or AskHidden
  Watch,
  Privacy,
  SetGate,
  Receipts,
  MarksOf,  // by the application; the last one
};

struct Request {
  Asked asked{};
  ConversationId conversation;  // of Send, Fetch, Search, History, Describe, Hide, Receipts
  OutboxSeq ticket;             // of Send
  std::uint64_t call = 0;       // of Lookup, History, Describe, Privacy, Receipts: what the application knows it by
  std::vector<ConversationId> conversations;  // of Marks
  MonoTime deadline{};
};

class Requests {
 public:
  explicit Requests(Duration timeout) : timeout_(timeout) {}

  std::uint64_t add(Request request, MonoTime now) {
    request.deadline = now + timeout_;
    const Asked asked = request.asked;
    open_.insert({++last_id_, std::move(request)});
    ++count_[static_cast<std::size_t>(asked)];
    return last_id_;
  }
  // An id for a frame that expects no answer of its own.
  std::uint64_t id_alone() { return ++last_id_; }
  [[nodiscard]] std::optional<Request> take(std::uint64_t id) {
    const auto it = open_.find(id);
    if (it == open_.end()) return std::nullopt;
    Request request = std::move(it->second);
    open_.erase(it);
    --count_[static_cast<std::size_t>(request.asked)];
    return request;
  }
  // Those that the session's end leaves unanswered.
  [[nodiscard]] std::vector<Request> take_all() {
    std::vector<Request> all;
    for (auto& [id, request] : open_) all.push_back(std::move(request));
    open_.clear();
    for (std::uint64_t& count : count_) count = 0;
    return all;
  }
  [[nodiscard]] std::uint64_t count(Asked asked) const { return count_[static_cast<std::size_t>(asked)]; }
  // All wait equally long, so the oldest is due first.
  [[nodiscard]] MonoTime next_deadline() const {
    return open_.empty() ? MonoTime::never() : open_.begin()->second.deadline;
  }

 private:
  Duration timeout_;
  std::uint64_t last_id_ = 0;
  absl::btree_map<std::uint64_t, Request> open_;
  std::uint64_t count_[static_cast<std::size_t>(Asked::MarksOf) + 1] = {};
};

}  // namespace chasqui::client
