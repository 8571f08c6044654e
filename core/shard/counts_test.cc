// What is unread, against a naive count, whatever is sent, read, and whoever comes and goes.
#include "core/shard/counts.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "core/base/bounds.h"
#include "core/base/digest.h"
#include "core/base/keys.h"
#include "core/shard/apply.h"
#include "core/testing/mem_store.h"

namespace chasqui::shard {
namespace {

constexpr std::uint64_t people = 4;  // users 1 to 4; the first owns the group
const ConversationId club = ConversationId::group(UserId(1), 1);
const ConversationId pair = ConversationId::direct(UserId(1), UserId(2));

// A shard whose feed comes back to it, and what a person would count.
class World {
 public:
  World() {
    for (std::uint64_t user = 1; user <= people; ++user) {
      log::Command command;
      command.mutable_create_account()->set_handle("user" + std::to_string(user));
      command.mutable_create_account()->set_user(user);
      command.mutable_create_account()->set_secret_hash(std::string(32, static_cast<char>(user)));
      run(command);
    }
    client::GroupChange create;
    create.mutable_create()->set_title("Club");
    change(create);
    members_.insert(1);
    times_[1].push_back({1, 0});
  }

  void say(const ConversationId& conversation, std::uint64_t user, bool is_message, std::set<std::uint64_t> named) {
    log::Command command;
    log::Send& send = *command.mutable_send();
    send.set_conversation(conversation.str());
    send.set_sender(user);
    send.set_device(1);
    send.set_outbox_seq(++numbers_[{conversation, user}]);
    send.set_payload("said");
    send.set_known_seq(1'000'000);  // of a group: as a device that has seen all there is
    send.set_digest(std::string(view(blake2b_256(std::to_string(++digests_)))));
    if (!is_message) {
      send.set_about_kind(client::About::REACTION);
      send.set_about_seq(first_message(conversation));
    }
    for (const std::uint64_t one : named) send.add_mentions(one);
    const Applied applied = run(command);
    const auto* accepted = std::get_if<Accepted>(&applied.replies.at(0));
    if (accepted == nullptr) {  // who is no member may have taken no number
      const OutboxSeq next = std::get<Refused>(applied.replies.at(0)).next;
      numbers_[{conversation, user}] = next ? next.value() - 1 : numbers_[{conversation, user}] - 1;
      return;
    }
    ASSERT_EQ(accepted->seq.value(), logs_[conversation].size() + 1);
    const bool is_withheld = !conversation.is_group() && blocked_.contains(3 - user);
    logs_[conversation].push_back({user, is_message, std::move(named), is_withheld});
  }

  // Of the pair: what one of them says of the other.
  void gate(std::uint64_t user, state::Stance stance) {
    log::Command command;
    log::IndexMark& mark = *command.mutable_notify()->add_marks();
    mark.set_user(user);
    mark.set_conversation(pair.str());
    mark.set_stance(static_cast<std::uint32_t>(stance));
    mark.set_stance_version(++stances_);
    run(command);
    if (stance == state::BLOCKED) {
      blocked_.insert(user);
    } else {
      blocked_.erase(user);
    }
  }

  void read(const ConversationId& conversation, std::uint64_t user, std::uint64_t seq) {
    log::Command command;
    command.mutable_mark()->set_conversation(conversation.str());
    command.mutable_mark()->set_user(user);
    command.mutable_mark()->set_read(seq);
    const Applied applied = run(command);
    const auto* marked = std::get_if<Marked>(&applied.replies.at(0));
    if (marked != nullptr) read_[{conversation, user}] = marked->read.value();
  }

  void come_or_go(std::uint64_t user) {
    client::GroupChange change;
    const bool comes = !members_.contains(user);
    if (comes) {
      change.mutable_add()->add_users(user);
    } else {
      change.mutable_remove()->set_user(user);
    }
    const std::uint64_t seq = logs_[club].size() + 1;
    this->change(change);
    if (comes) {
      members_.insert(user);
      times_[user].push_back({seq, 0});
    } else {
      members_.erase(user);
      times_[user].back().second = seq;
    }
  }

  // The feed's rows, in an order and with repetitions that the caller chooses.
  std::vector<log::Notify> owed;
  void tell(const log::Notify& notify) {
    log::Command command;
    *command.mutable_notify() = notify;
    run(command, false);
  }

  [[nodiscard]] Counts told(const ConversationId& conversation, std::uint64_t user) const {
    const auto bytes = store_.get(keys::index(ShardId(0), UserId(user), conversation));
    state::Index index;
    return bytes && index.ParseFromString(*bytes) ? counts_of(index) : Counts();
  }

  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> right(const ConversationId& conversation,
                                                              std::uint64_t user) const {
    std::uint64_t unread = 0;
    std::uint64_t mentions = 0;
    std::uint64_t own = 0;
    const auto log = logs_.find(conversation);
    const auto mark = read_.find({conversation, user});
    const std::uint64_t read = mark == read_.end() ? 0 : mark->second;
    for (std::uint64_t seq = log == logs_.end() ? 0 : log->second.size(); seq > read; --seq) {
      const Event& event = log->second[seq - 1];
      if (!event.is_message || !was_there(conversation, user, seq)) continue;
      if (event.sender == user && ++own > bounds::own_unread_kept) break;
      if (event.sender == user || event.is_withheld) continue;
      ++unread;
      if (event.named.contains(user)) ++mentions;
    }
    return {unread, std::min(mentions, bounds::mentions_unread_kept)};
  }

  [[nodiscard]] std::uint64_t head(const ConversationId& conversation) const {
    const auto log = logs_.find(conversation);
    return log == logs_.end() ? 0 : log->second.size();
  }

 private:
  struct Event {
    std::uint64_t sender = 0;
    bool is_message = false;
    std::set<std::uint64_t> named;
    bool is_withheld = false;
  };

  [[nodiscard]] std::uint64_t first_message(const ConversationId& conversation) const {
    const auto log = logs_.find(conversation);
    for (std::uint64_t seq = 1; log != logs_.end() && seq <= log->second.size(); ++seq) {
      if (log->second[seq - 1].is_message) return seq;
    }
    return 1;
  }
  [[nodiscard]] bool was_there(const ConversationId& conversation, std::uint64_t user, std::uint64_t seq) const {
    if (!conversation.is_group()) return true;
    const auto times = times_.find(user);
    if (times == times_.end()) return false;
    const std::size_t forgotten =
        times->second.size() - std::min<std::size_t>(times->second.size(), bounds::member_intervals_max);
    return std::any_of(
        times->second.begin() + static_cast<std::ptrdiff_t>(forgotten), times->second.end(),
        [seq](const auto& time) { return time.first <= seq && (time.second == 0 || seq <= time.second); });
  }
  void change(const client::GroupChange& change) {
    log::Command command;
    log::Send& send = *command.mutable_send();
    send.set_conversation(club.str());
    send.set_sender(1);
    send.set_device(1);
    send.set_outbox_seq(++numbers_[{club, 1}]);
    send.set_change(change.SerializeAsString());
    send.set_digest(std::string(view(blake2b_256(std::to_string(++digests_)))));
    const Applied applied = run(command);
    ASSERT_TRUE(std::holds_alternative<Accepted>(applied.replies.at(0)));
    logs_[club].push_back({1, false, {}, false});
  }

  Applied run(const log::Command& command, bool keeps_owed = true) {
    log::Entry entry;
    *entry.add_commands() = command;
    entry.set_log_time_ms(++time_ms_);
    Applied applied = machine_.apply(machine_.applied_index().next(), RaftTerm(1), true, entry.SerializeAsString());
    WriteBatch rows;
    machine_.write_out(rows, 1 << 20);
    store_.write(rows);
    Audience audience;
    for (const Consequence& consequence : applied.consequences) {
      if (const auto* event = std::get_if<EventStored>(&consequence)) audience = event->audience;
      const auto* owing = std::get_if<FeedOwed>(&consequence);
      if (owing == nullptr || !keeps_owed) continue;
      for (const state::FeedItem& item : owing->feed.items()) {
        log::Notify notify;
        const auto add = [&](std::uint64_t user) {
          log::IndexMark& mark = *notify.add_marks();
          mark.set_user(user);
          mark.set_conversation(item.conversation());
          put_index_marks(index_marks_of(item), mark);
        };
        if (item.user() != 0) add(item.user());
        if (item.user() == 0 && audience != nullptr) {
          for (const UserId user : *audience) add(user.value());
        }
        owed.push_back(std::move(notify));
      }
    }
    return applied;
  }

  testing::MemStore store_;
  Machine machine_{ShardId(0), ShardCount{1}, store_};
  std::int64_t time_ms_ = 0;
  std::uint64_t digests_ = 0;
  std::uint64_t stances_ = 0;
  std::set<std::uint64_t> blocked_;  // who of the pair lets nothing through
  std::map<std::pair<ConversationId, std::uint64_t>, std::uint64_t> numbers_;
  std::map<std::pair<ConversationId, std::uint64_t>, std::uint64_t> read_;
  std::map<ConversationId, std::vector<Event>> logs_;
  std::set<std::uint64_t> members_;
  std::map<std::uint64_t, std::vector<std::pair<std::uint64_t, std::uint64_t>>> times_;
};

RC_GTEST_PROP(CountsLaw, an_index_told_in_any_order_counts_as_a_person_would,
              (const std::vector<std::uint32_t>& draws, std::uint32_t order)) {
  World world;
  for (const std::uint32_t draw : draws) {
    const std::uint64_t user = 1 + draw / 16 % people;
    const bool in_club = draw / 64 % 3 != 0;
    const ConversationId& there = in_club ? club : pair;
    switch (draw % 8) {
      case 0:
      case 1:
      case 2: world.say(there, in_club ? user : 1 + user % 2, true, {1 + draw / 256 % 5, 2}); break;
      case 3: world.say(there, in_club ? user : 1 + user % 2, false, {}); break;
      case 4:
      case 5: world.read(there, user, draw / 256 % (world.head(there) + 2)); break;
      default:
        if (!in_club) {
          world.gate(1 + user % 2, draw / 256 % 2 == 0 ? state::BLOCKED : state::NOTHING_SAID);
        } else if (user != 1) {
          world.come_or_go(user);
        }
    }
  }
  // Everything twice, and shuffled.
  std::vector<log::Notify> owed = world.owed;
  owed.insert(owed.end(), world.owed.begin(), world.owed.end());
  for (std::size_t i = owed.size(); i > 1; --i) {
    order = order * 1'664'525 + 1'013'904'223;
    std::swap(owed[i - 1], owed[order % i]);
  }
  for (const log::Notify& notify : owed) world.tell(notify);
  for (const ConversationId& there : {club, pair}) {
    for (std::uint64_t user = 1; user <= people; ++user) {
      if (!there.is_group() && user > 2) continue;
      const Counts counts = world.told(there, user);
      const auto [unread, mentions] = world.right(there, user);
      RC_ASSERT(counts.unread() == unread);
      RC_ASSERT(counts.unread_mentions() == mentions);
      RC_ASSERT(counts.messages >= counts.messages_read);
    }
  }
}

TEST(Counts, who_writes_and_never_reads_has_seen_what_was_before_the_64th_last) {
  World world;
  for (int i = 0; i < 3; ++i) world.say(pair, 2, true, {1});
  for (std::uint64_t i = 0; i < bounds::own_unread_kept; ++i) world.say(pair, 1, true, {});
  world.say(pair, 2, true, {});
  for (const log::Notify& notify : world.owed) world.tell(notify);
  EXPECT_EQ(world.told(pair, 1).unread(), 4U);
  EXPECT_EQ(world.told(pair, 1).unread_mentions(), 3U);
  world.say(pair, 1, true, {});
  for (const log::Notify& notify : world.owed) world.tell(notify);
  EXPECT_EQ(world.told(pair, 1).unread(), 1U);
  EXPECT_EQ(world.told(pair, 1).unread_mentions(), 0U);
  EXPECT_EQ(world.right(pair, 1), std::pair(std::uint64_t{1}, std::uint64_t{0}));
}

TEST(Counts, what_is_withheld_is_not_unread_however_much_it_is) {
  World world;
  const auto expect_unread = [&world](std::uint64_t unread, std::uint64_t mentions) {
    for (const log::Notify& notify : world.owed) world.tell(notify);
    EXPECT_EQ(world.told(pair, 1).unread(), unread);
    EXPECT_EQ(world.told(pair, 1).unread_mentions(), mentions);
    EXPECT_EQ(world.right(pair, 1), std::pair(unread, mentions));
  };
  for (int i = 0; i < 3; ++i) world.say(pair, 2, true, {1});
  world.gate(1, state::BLOCKED);
  for (std::uint64_t i = 0; i < 2 * bounds::own_unread_kept; ++i) world.say(pair, 2, true, {1});
  expect_unread(3, 3);
  EXPECT_EQ(world.told(pair, 2).unread(), 0U);
  world.read(pair, 1, 1);
  expect_unread(2, 2);
  world.gate(1, state::NOTHING_SAID);
  world.say(pair, 2, true, {});
  expect_unread(3, 2);
  world.read(pair, 1, 50);  // in the midst of what was withheld
  expect_unread(1, 0);
  world.read(pair, 1, world.head(pair));
  expect_unread(0, 0);
}

TEST(Counts, of_mentions_the_last_256_are_counted) {
  World world;
  const std::uint64_t most = bounds::mentions_unread_kept;
  for (std::uint64_t i = 0; i < most + 2; ++i) world.say(pair, 2, true, {1});
  for (const log::Notify& notify : world.owed) world.tell(notify);
  EXPECT_EQ(world.told(pair, 1).unread_mentions(), most);
  EXPECT_EQ(world.told(pair, 1).unread(), most + 2);
  world.read(pair, 1, 3);
  for (const log::Notify& notify : world.owed) world.tell(notify);
  EXPECT_EQ(world.told(pair, 1).unread_mentions(), most - 1);
}

}  // namespace
}  // namespace chasqui::shard
