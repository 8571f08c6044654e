// What can never be seen, whatever comes in whatever order.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/digest.h"
#include "core/base/keys.h"
#include "core/shard/apply.h"
#include "core/testing/mem_store.h"

namespace chasqui::shard {
namespace {

constexpr ShardId here{0};
constexpr ShardCount one_shard{1};
const UserId ana(1);
const UserId beto(2);
const ConversationId pair = ConversationId::direct(ana, beto);

// A machine on a store of its own, fed entry by entry.
class Shard {
 public:
  Applied apply(const std::string& bytes, bool is_command = true) {
    Applied applied = machine_->apply(machine_->applied_index().next(), RaftTerm(1), is_command, bytes);
    written_ = WriteBatch();
    machine_->write_out(written_, 1 << 20);
    store_.write(written_);
    return applied;
  }
  [[nodiscard]] const WriteBatch& written() const { return written_; }  // by the last entry
  Applied apply(const log::Entry& entry) { return apply(entry.SerializeAsString()); }
  Reply answer(const log::Command& command) {
    log::Entry entry;
    *entry.add_commands() = command;
    return apply(entry).replies.at(0);
  }
  [[nodiscard]] state::Header header() const {
    state::Header header;
    header.ParseFromString(store_.get(keys::header(here, pair)).value_or(""));
    return header;
  }
  [[nodiscard]] const Machine& machine() const { return *machine_; }
  [[nodiscard]] const testing::MemStore& store() const { return store_; }
  // As after a restart, with these numbers.
  void restart(const state::Shard& numbers) {
    WriteBatch batch;
    batch.put(keys::numbers(here), numbers.SerializeAsString());
    store_.write(batch);
    machine_.emplace(here, one_shard, store_);
  }

 private:
  testing::MemStore store_;
  WriteBatch written_;
  std::optional<Machine> machine_{std::in_place, here, one_shard, store_};
};

struct Sending {
  UserId user;
  std::uint32_t device = 1;
  std::uint64_t number = 0;
  friend auto operator<=>(const Sending&, const Sending&) = default;
};

std::string payload_of(const Sending& s) {
  return absl::StrCat(s.user.value(), "/", s.device, " ", s.number);
}

log::Command to_command(const Sending& s) {
  log::Command command;
  auto& send = *command.mutable_send();
  send.set_conversation(pair.str());
  send.set_sender(s.user.value());
  send.set_device(s.device);
  send.set_outbox_seq(s.number);
  send.set_payload(payload_of(s));
  send.set_digest(std::string(view(blake2b_256(send.payload()))));
  return command;
}

log::Command mark_of(UserId user, std::uint64_t delivered, std::uint64_t read, std::uint32_t epoch = 0) {
  log::Command command;
  auto& mark = *command.mutable_mark();
  mark.set_conversation(pair.str());
  mark.set_user(user.value());
  mark.set_delivered(delivered);
  mark.set_read(read);
  mark.set_history_epoch(epoch);
  return command;
}

// Three devices send five messages each. The network delivers any of them at any time, any number of times, grouped in
// entries anyhow; at last everything unanswered is sent once more in order.
RC_GTEST_PROP(SendingOnceLaw, every_message_is_stored_once_in_its_devices_order_and_answered_alike, ()) {
  const auto schedule = *rc::gen::container<std::vector<std::uint8_t>>(
      rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint8_t>()));
  const std::vector<std::pair<UserId, std::uint32_t>> devices = {{ana, 1}, {ana, 2}, {beto, 1}};
  Shard shard;
  std::map<Sending, Accepted> answers;
  const auto deliver = [&](const std::vector<Sending>& entry_of) {
    log::Entry entry;
    entry.set_log_time_ms(*rc::gen::inRange<std::int64_t>(0, 1'000));
    for (const Sending& s : entry_of) *entry.add_commands() = to_command(s);
    const Applied applied = shard.apply(entry);
    for (std::size_t i = 0; i < entry_of.size(); ++i) {
      const auto* accepted = std::get_if<Accepted>(&applied.replies[i]);
      if (accepted == nullptr) {
        RC_ASSERT(std::get<Refused>(applied.replies[i]).code == client::OUT_OF_RANGE);
        continue;
      }
      const auto [first, fresh] = answers.try_emplace(entry_of[i], *accepted);
      RC_ASSERT(first->second.seq == accepted->seq);
      RC_ASSERT(first->second.time == accepted->time);
    }
  };
  std::vector<Sending> waiting;
  for (const std::uint8_t draw : schedule) {
    const auto& [user, device] = devices[draw % 3];
    waiting.push_back({user, device, std::uint64_t{1} + draw / 3 % 5});
    if (draw < 128) continue;  // one entry with what waited
    deliver(waiting);
    waiting.clear();
  }
  deliver(waiting);
  for (const auto& [user, device] : devices) {
    for (std::uint64_t number = 1; number <= 5; ++number) deliver({{user, device, number}});
  }

  RC_ASSERT(answers.size() == 15U);
  RC_ASSERT(shard.header().head() == 15U);
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint64_t> last;
  for (std::uint64_t seq = 1; seq <= 15; ++seq) {
    client::Event event;
    RC_ASSERT(event.ParseFromString(shard.store().get(keys::event(here, pair, Seq(seq))).value_or("?")));
    const Sending s{UserId(event.sender()), event.device(), event.outbox_seq()};
    RC_ASSERT(event.payload() == payload_of(s));
    RC_ASSERT(answers.at(s).seq == Seq(seq));
    RC_ASSERT(event.outbox_seq() == ++last[std::make_pair(event.sender(), event.device())]);
  }
  RC_ASSERT(!shard.store().get(keys::event(here, pair, Seq(16))));
}

RC_GTEST_PROP(MarkLaw, marks_in_any_order_and_number_end_alike_and_never_pass_the_head,
              (std::vector<std::pair<std::uint8_t, std::uint8_t>> marks)) {
  Shard there;
  Shard back;
  for (std::uint64_t number = 1; number <= 20; ++number) {
    (void)there.answer(to_command({ana, 1, number}));
    (void)back.answer(to_command({ana, 1, number}));
  }
  std::uint64_t read_before = 0;
  for (const auto& [delivered, read] : marks) {
    const auto now = std::get<Marked>(there.answer(mark_of(beto, delivered % 40, read % 40)));
    RC_ASSERT(now.delivered.value() <= 20U);
    RC_ASSERT(now.read <= now.delivered);
    RC_ASSERT(now.read.value() >= read_before);
    read_before = now.read.value();
  }
  for (int twice = 0; twice < 2; ++twice) {
    for (auto it = marks.rbegin(); it != marks.rend(); ++it) {
      (void)back.answer(mark_of(beto, it->first % 40, it->second % 40));
    }
  }
  RC_ASSERT(there.header().SerializeAsString() == back.header().SerializeAsString());
}

RC_GTEST_PROP(ApplyLaw, any_bytes_are_an_entry_or_a_recorded_nothing, (std::string bytes)) {
  Shard shard;
  log::Entry entry;
  for (std::uint64_t number = 1; number <= 3; ++number) *entry.add_commands() = to_command({ana, 1, number});
  std::string near = entry.SerializeAsString();  // near a true entry, where mistakes hide
  near.replace(*rc::gen::inRange<std::size_t>(0, near.size()), bytes.size() / 4, bytes);
  for (const std::string& input : {bytes, near}) {
    const RaftIndex before = shard.machine().applied_index();
    const Applied applied = shard.apply(input);
    RC_ASSERT(shard.machine().applied_index() == before.next());
    if (!applied.malformed) continue;
    RC_ASSERT(applied.replies.empty() && applied.consequences.empty());
    RC_ASSERT(shard.written().writes.size() == 1U);
    RC_ASSERT(shard.written().writes[0].key == keys::numbers(here));
  }
  RC_ASSERT(std::holds_alternative<Accepted>(shard.answer(to_command({beto, 1, 1}))));
}

TEST(Apply, an_entry_of_too_many_commands_or_bytes_is_a_recorded_nothing) {
  Shard shard;
  log::Entry many;
  for (int i = 0; i < 16'384; ++i) many.add_commands();
  EXPECT_EQ(shard.apply(many).replies.size(), 16'384U);
  many.add_commands();
  EXPECT_TRUE(shard.apply(many).malformed);
  log::Entry large;
  *large.add_commands() = to_command({ana, 1, 1});
  large.mutable_commands(0)->mutable_send()->set_payload(std::string(bounds::peer_frame_bytes_max, 'x'));
  EXPECT_TRUE(shard.apply(large).malformed);
  EXPECT_EQ(shard.header().head(), 0U);
}

TEST(Apply, a_command_of_a_later_version_is_refused_and_the_rest_of_its_entry_stands) {
  Shard shard;
  log::Entry entry;
  *entry.add_commands() = to_command({ana, 1, 1});
  // Field 99 of Command, a kind that this version does not know, as the second of the entry's commands.
  const std::string bytes = entry.SerializeAsString() + "\x12\x03\x9a\x06" + std::string(1, '\0');
  const Applied applied = shard.apply(bytes);
  ASSERT_EQ(applied.replies.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<Accepted>(applied.replies[0]));
  EXPECT_EQ(std::get<Refused>(applied.replies[1]).code, client::UNIMPLEMENTED);
}

TEST(Mark, of_an_older_history_is_ignored_and_answered_with_what_stands) {
  Shard shard;
  for (std::uint64_t number = 1; number <= 3; ++number) (void)shard.answer(to_command({ana, 1, number}));
  (void)shard.answer(mark_of(beto, 1, 1));
  state::Shard numbers = shard.machine().numbers();
  numbers.set_history_epoch(2);
  shard.restart(numbers);
  const auto old = std::get<Marked>(shard.answer(mark_of(beto, 3, 3, 1)));
  EXPECT_EQ(old.read, Seq(1));
  EXPECT_EQ(std::get<Marked>(shard.answer(mark_of(beto, 2, 2, 2))).read, Seq(2));
  EXPECT_EQ(std::get<Marked>(shard.answer(mark_of(beto, 3, 0, 0))).delivered, Seq(3));
  EXPECT_EQ(std::get<Refused>(shard.answer(mark_of(beto, 3, 3, 3))).code, client::INVALID_ARGUMENT);
}

// Handle, user and device are one command on one shard, or an account could exist by half.
TEST(CreateAccount, is_refused_where_handle_and_id_do_not_both_live) {
  constexpr ShardCount many{64};
  const ShardId home = shard_of_handle("ana", many);
  testing::MemStore store;
  Machine machine(home, many, store);
  const auto create = [&](UserId user) {
    log::Entry entry;
    auto& body = *entry.add_commands()->mutable_create_account();
    body.set_handle("ana");
    body.set_user(user.value());
    body.set_secret_hash(std::string(32, 's'));
    const Applied applied = machine.apply(machine.applied_index().next(), RaftTerm(1), true, entry.SerializeAsString());
    WriteBatch batch;
    machine.write_out(batch, 0);
    store.write(batch);
    return applied.replies.at(0);
  };
  UserId elsewhere(1);
  while (shard_of(elsewhere, many) == home) elsewhere = elsewhere.next();
  UserId at_home(1);
  while (shard_of(at_home, many) != home) at_home = at_home.next();
  EXPECT_EQ(std::get<Refused>(create(elsewhere)).code, client::INVALID_ARGUMENT);
  EXPECT_EQ(store.rows().size(), 1U);
  EXPECT_EQ(std::get<AccountCreated>(create(at_home)).user, at_home);
}

TEST(Chain, anyone_with_the_events_can_prove_the_history) {
  Shard shard;
  std::string chain(32, '\0');
  for (std::uint64_t number = 1; number <= 130; ++number) {
    const log::Command command = to_command({ana, 1, number});
    (void)shard.answer(command);
    chain = std::string(view(blake2b_256(chain + command.send().digest())));
    EXPECT_EQ(shard.header().chain(), chain);
    client::Event event;
    ASSERT_TRUE(event.ParseFromString(shard.store().get(keys::event(here, pair, Seq(number))).value_or("?")));
    EXPECT_EQ(event.chain(), number % 64 == 0 ? chain : "");
  }
}

// Whatever is parked and told in whatever order: a row holds the highest of what was parked since it was last told
// whole, and never goes while it holds more than was told.
RC_GTEST_PROP(ParkLaw, a_row_never_sinks_and_goes_only_when_all_of_it_was_told,
              (std::vector<std::tuple<bool, std::uint8_t, std::uint8_t>> steps)) {
  Shard shard;
  std::uint64_t head = 0;
  std::uint64_t read = 0;
  const std::string key = keys::parked(here, here, beto, pair);
  for (const auto& [parks, head_draw, read_draw] : steps) {
    log::Command command;
    log::IndexMark& mark = parks ? *command.mutable_park()->add_marks() : *command.mutable_unpark()->add_marks();
    mark.set_user(beto.value());
    mark.set_conversation(pair.str());
    mark.set_head(head_draw % 8);
    mark.set_read(read_draw % 8);
    for (int twice = 0; twice < 2; ++twice) RC_ASSERT(std::holds_alternative<Done>(shard.answer(command)));
    if (parks) {
      head = std::max(head, mark.head());
      read = std::max(read, mark.read());
    } else if (head <= mark.head() && read <= mark.read()) {
      head = read = 0;
    }
    const auto bytes = shard.store().get(key);
    RC_ASSERT(bytes.has_value() == (head != 0 || read != 0));
    state::Parked row;
    row.ParseFromString(bytes.value_or(""));
    RC_ASSERT(row.head() == head);
    RC_ASSERT(row.read() == read);
  }
}

TEST(MoveCursor, one_command_goes_a_bounded_step_and_the_next_goes_on) {
  Shard shard;
  (void)shard.answer(to_command({ana, 1, 1}));  // at index 1: the cursor jumps to 0
  for (int i = 0; i < 5'000; ++i) (void)shard.apply("", false);
  (void)shard.answer(to_command({ana, 1, 2}));
  log::Command move;
  move.mutable_move_cursor()->set_index(5'002);
  (void)shard.answer(move);
  EXPECT_EQ(shard.machine().numbers().feed_cursor(), 4'096U);
  EXPECT_FALSE(shard.store().get(keys::feed(here, RaftIndex(1))));
  EXPECT_TRUE(shard.store().get(keys::feed(here, RaftIndex(5'002))));
  (void)shard.answer(move);
  EXPECT_EQ(shard.machine().numbers().feed_cursor(), 5'002U);
  EXPECT_FALSE(shard.store().get(keys::feed(here, RaftIndex(5'002))));
}

}  // namespace
}  // namespace chasqui::shard
