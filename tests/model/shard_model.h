// What a shard means, as plainly as it can be said: whole histories in ordinary maps, no rows, no windows of bytes.
//
// Written from ARCHITECTURE.md sections 5 to 7 and 10 and the words of proto/, not from core/shard: where the two
// disagree, one of them has misread the design. Slow and unbounded, for tests alone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "proto/client.pb.h"
#include "proto/log.pb.h"

namespace chasqui::model {

// An answer: a kind, and its two numbers if it has any (user and device, seq and time, delivered and read, code and
// next). The words of a refusal are not compared.
struct Answer {
  std::string kind;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  friend bool operator==(const Answer&, const Answer&) = default;
};

class ShardModel {
 public:
  // One entry, applied at the next index. A barrier is an entry without commands.
  std::vector<Answer> apply(const log::Entry& entry);
  void barrier() { ++index_; }

  // Everything there is, a fact a line, sorted: to be compared with the same made from a store's rows.
  [[nodiscard]] std::vector<std::string> facts() const;

  // For generators: the number that the conversation takes next from this device.
  [[nodiscard]] std::uint64_t next_number(const ConversationId& conversation, UserId user, std::uint32_t device) const;
  [[nodiscard]] std::uint64_t index() const { return index_; }
  // And when that event is to disappear; 0: never, or there is none.
  [[nodiscard]] std::int64_t expires_ms(const ConversationId& conversation, std::uint64_t seq) const;

 private:
  struct Taken {  // what became of a number
    std::string digest;
    std::uint64_t seq = 0;
    std::int64_t time_ms = 0;
    std::uint32_t code = 0;
  };
  struct Sender {
    std::vector<Taken> numbers;   // all that were ever taken; number n is numbers[n - 1]
    std::uint64_t forgotten = 0;  // answers up to here went when another device needed the room
  };
  struct Message {
    UserId user;
    std::uint32_t device = 0;
    std::uint64_t number = 0;
    std::int64_t time_ms = 0;
    std::string payload;
    std::string digest;
    std::uint32_t about = 0;  // a client.About.Kind
    std::uint64_t about_seq = 0;
    std::vector<std::uint64_t> edits = {};  // seqs
    std::uint64_t erased_by = 0;
    bool expired = false;
    std::int64_t expires_ms = 0;
    std::uint32_t poll_options = 0;
    std::uint32_t choices_max = 0;
  };
  struct Marks {
    std::uint64_t head = 0;  // of an index entry or a feed item alone
    std::uint64_t delivered = 0;
    std::uint64_t read = 0;
    std::uint64_t version = 0;
  };
  struct Conversation {
    std::vector<Message> log;
    std::map<UserId, std::map<std::uint32_t, Sender>> senders;
    std::map<UserId, Marks> marks;
    std::vector<std::uint64_t> pins;
    std::uint32_t timer_s = 0;
  };
  struct Device {
    std::string name;
    std::string secret_hash;
    std::int64_t created_ms = 0;
    std::int64_t seen_ms = 0;
  };
  struct User {
    std::string handle;
    std::string credential;
    std::int64_t created_ms = 0;
    std::uint32_t last_device = 0;
    std::map<std::uint32_t, Device> devices;
    std::map<ConversationId, Marks> index;
    std::map<ConversationId, std::set<std::uint64_t>> hidden;
    std::map<ConversationId, std::uint64_t> hides;
    std::uint32_t presence = 0;
  };
  using Owed = std::map<std::pair<UserId, ConversationId>, Marks>;

  Answer run(const log::Command& command);
  Answer create(const log::CreateAccount& c);
  Answer login(const log::AddDevice& c);
  Answer logout(const log::RemoveDevice& c);
  Answer renew(const log::RenewDevice& c);
  Answer touch(const log::TouchDevice& c);
  Answer send(const log::Send& c);
  [[nodiscard]] std::uint32_t refused_about(const Conversation& conversation, const log::Send& c) const;
  void say_about(Conversation& conversation, const log::Send& c, Message& message) const;
  static void erase(Conversation& conversation, std::uint64_t seq, std::uint64_t by);
  Answer expire(const log::Expire& c);
  Answer hide(const log::Hide& c);
  Answer set_privacy(const log::SetPrivacy& c);
  Answer set_gate(const log::SetGate& c);
  Answer mark(const log::Mark& c);
  Answer notify(const log::Notify& c);
  Answer move_cursor(const log::MoveCursor& c);
  Answer park(const log::Park& c);
  Answer unpark(const log::Unpark& c);

  [[nodiscard]] std::int64_t hour() const { return time_ms_ / 3'600'000 * 3'600'000; }
  std::uint32_t add(User& user, const std::string& name, const std::string& secret_hash) const;
  static void make_room(std::map<std::uint32_t, Sender>& devices, std::uint32_t but_not);
  void owe(UserId user, const ConversationId& conversation, std::uint64_t head, std::uint64_t read);

  std::uint64_t index_ = 0;
  std::int64_t time_ms_ = 0;
  std::map<std::string, UserId> handles_;
  std::map<UserId, User> users_;
  std::map<ConversationId, Conversation> conversations_;
  std::map<std::uint64_t, Owed> feed_;  // by index, what is not settled
  Owed owed_now_;                       // by the entry under way
  Owed parked_;                         // taken out of the feed, not told yet
  std::uint64_t cursor_ = 0;
};

}  // namespace chasqui::model
