// Runs each core/shard/cases/NAME.txt as a test of its own.
// Over 400 lines because it is one language: its words, and how answers and rows are shown.
//
// The language: a block's command lines are one log entry, applied at one place and time (`at MS` sets the time; else a
// second later than the one before). People are named, and their ids are their names' letters, so that ana < beto <
// carla; secrets are words, whose hash is taken. The shard is 0 of 1.
//   create NAME secret=WORD [id=NAME]   login NAME secret=WORD [name=WORD]   logout NAME/DEVICE
//   renew NAME/DEVICE secret=WORD      touch NAME/DEVICE      cursor INDEX      unknown      garbage      barrier
//   send NAME/DEVICE in CONVERSATION n=NUMBER "text" [refused=CODE]     n=A..B: so many sends, the text numbered
//     [about=KIND/SEQ]: reply, edit, deletion, reaction, pin, unpin, vote, or a number
//     [poll=OPTIONS/CHOICES] [votes=COUNT/HIGHEST] [timer=SECONDS]: what the log is told of the content
//   expire CONVERSATION SEQ due=MS [SEQ ...]: one command     hide NAME CONVERSATION FIRST LAST
//   privacy NAME [presence=NUMBER] [adds=NUMBER] [receipts=0|1]     gate NAME OTHER accepted|blocked|nothing
//   send ... [gate=STANCE@VERSION]: what the other's shard said when it was asked
//     [known=SEQ]: of a group, the last seq that the device knows there; without it, all there are
//   change NAME/DEVICE in GROUP n=NUMBER create|add|remove|leave|edit|role|permissions|mute|unban|link|unlink|join|
//     answer|delete [WHOM ...] ["title"] [key=value ...]: see add_change below; who of them may not be added:
//     not_added=WHO,WHO invitations=WHO
//     [names=NAME,NAME]: whom a send mentions
//   mark NAME in CONVERSATION [delivered=N] [read=N] [epoch=N] [private=1]     notify NAME CONVERSATION [head=N]
//   [read=N] [opened=1] [invited=N] [gate=STANCE@VERSION]
//     [messages=N] [seen=N] [named=N] [named_seen=N]: of a notify, park or unpark: what is told of unread messages
//   park NAME CONVERSATION [head=N] [read=N]     unpark likewise     park NAME CONVERSATION many=N: so many marks
//   hash INDEX right | wrong: what the leader says its state hashed to there
// A group is named NAME#NUMBER after who may create it: ana#1.
//   show CONVERSATION | show NAME | show feed | show parked      restart: a new machine on the same store
// A reply a line, then what the leader must do because of it, indented. Of over 8 replies only the last is shown.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/digest.h"
#include "core/base/keys.h"
#include "core/base/text.h"
#include "core/shard/apply.h"
#include "core/testing/case_runner.h"
#include "core/testing/mem_store.h"

namespace chasqui::shard {
namespace {

constexpr char folder[] = "core/shard/cases";
constexpr ShardId here{0};

UserId user_of(std::string_view name) {
  std::uint64_t id = 0;
  for (std::size_t i = 0; i < 7; ++i) id = id << 8 | (i < name.size() ? static_cast<std::uint8_t>(name[i]) : 0U);
  return UserId(id);
}

std::string name_of(UserId user) {
  std::string name;
  for (int i = 6; i >= 0; --i) {
    const auto letter = static_cast<char>(user.value() >> (8 * i) & 0xff);
    if (letter != 0) name.push_back(letter);
  }
  return name;
}

// Names of groups, which cannot be told from their ids.
std::map<std::string, std::string>& group_names() {
  static std::map<std::string, std::string> names;
  return names;
}

// "ana-beto", "ana#1", or "group": the id of a group that nobody can have made.
std::string conversation_bytes(std::string_view name) {
  if (name == "group") return "\x80" + std::string(15, 'g');
  if (const std::size_t sign = name.find('#'); sign != std::string_view::npos) {
    std::uint64_t drawn = 0;
    EXPECT_TRUE(absl::SimpleAtoi(text(name.substr(sign + 1)), &drawn)) << name;
    std::string bytes = ConversationId::group(user_of(name.substr(0, sign)), drawn).str();
    group_names()[bytes] = std::string(name);
    return bytes;
  }
  const std::vector<std::string> pair = absl::StrSplit(text(name), '-');
  if (pair.size() != 2) return std::string(name);  // no conversation at all
  return ConversationId::direct(user_of(pair[0]), user_of(pair[1])).str();
}

std::string name_of(std::string_view bytes) {
  const auto conversation = ConversationId::parse(bytes);
  if (!conversation) return "group";
  if (conversation->is_group()) {
    const auto known = group_names().find(std::string(bytes));
    return known == group_names().end() ? "group" : known->second;
  }
  return absl::StrCat(name_of(conversation->lower()), "-", name_of(conversation->higher()));
}

std::string hash_of(std::string_view secret) {
  return std::string(view(blake2b_256(secret)));
}

// One line, taken apart: words, key=value options, and what stands in quotes.
struct Line {
  std::vector<std::string> words;
  std::map<std::string, std::string> options;
  std::string quoted;

  explicit Line(std::string_view line) {
    const std::size_t quote = line.find('"');
    std::string head(line.substr(0, quote));
    if (quote != std::string_view::npos) {
      const std::size_t end = line.rfind('"');
      quoted = std::string(line.substr(quote + 1, end - quote - 1));
      head += line.substr(end + 1);
    }
    for (const auto& word : absl::StrSplit(head, ' ', absl::SkipEmpty())) {
      const std::vector<std::string> parts = absl::StrSplit(word, absl::MaxSplits('=', 1));
      if (parts.size() == 2) {
        options[parts[0]] = parts[1];
      } else {
        words.push_back(parts[0]);
      }
    }
  }
  [[nodiscard]] std::uint64_t number(const std::string& key) const {
    std::uint64_t value = 0;
    const auto it = options.find(key);
    if (it == options.end()) return 0;
    EXPECT_TRUE(absl::SimpleAtoi(it->second, &value)) << it->second;
    return value;
  }
  [[nodiscard]] std::string option(const std::string& key) const {
    const auto it = options.find(key);
    return it == options.end() ? "" : it->second;
  }
  [[nodiscard]] std::string word(std::size_t i) const { return i < words.size() ? words[i] : ""; }
  [[nodiscard]] UserId user(std::size_t i) const {
    return user_of(std::vector<std::string>(absl::StrSplit(word(i), '/'))[0]);
  }
  [[nodiscard]] std::uint32_t device(std::size_t i) const {
    const std::vector<std::string> parts = absl::StrSplit(word(i), '/');
    std::uint32_t device = 0;
    if (parts.size() != 2) return 0;
    EXPECT_TRUE(absl::SimpleAtoi(parts[1], &device)) << parts[1];
    return device;
  }
};

std::string describe(const Reply& reply) {
  struct Visitor {
    std::string operator()(const Done&) const { return "done"; }
    std::string operator()(const AccountCreated& r) const {
      return absl::StrCat("account ", name_of(r.user), "/", r.device.value());
    }
    std::string operator()(const Accepted& r) const {
      return absl::StrCat("accepted seq=", r.seq.value(), " time=", r.time.ms);
    }
    std::string operator()(const Marked& r) const {
      return absl::StrCat("marked delivered=", r.delivered.value(), " read=", r.read.value());
    }
    std::string operator()(const HiddenNow& r) const {
      return absl::StrCat("hidden hides=", r.hides, " ranges ", absl::StrJoin(r.ranges, " "));
    }
    std::string operator()(const PrivacyNow& r) const {
      return absl::StrCat("presence for ", client::Audience_Name(r.presence),
                          r.adds == client::EVERYONE ? "" : absl::StrCat(", adds by ", client::Audience_Name(r.adds)),
                          r.reads_private ? ", reading is private" : "");
    }
    std::string operator()(const GateNow& r) const {
      return absl::StrCat("gate ", client::Gate_Name(r.gate), ", ",
                          state::Stance_Name(static_cast<state::Stance>(r.stance)), " as of ", r.version.value());
    }
    std::string operator()(const Refused& r) const {
      return absl::StrCat("refused ", client::Code_Name(r.code), r.next ? absl::StrCat(" next=", r.next.value()) : "",
                          ": ", r.message);
    }
  };
  return std::visit(Visitor{}, reply);
}

// What is told of the messages that are unread: "(3 - 1 messages)", and of mentions likewise, where there are any.
template <class Message>
std::string describe_counts(const Message& message) {
  const Counts counts = counts_of(message);
  if (counts == Counts()) return "";
  std::string words = absl::StrCat(" (", counts.messages, " - ", counts.messages_read, " messages");
  if (counts.mentions != 0) absl::StrAppend(&words, ", ", counts.mentions, " - ", counts.mentions_read, " mentions");
  return words + ")";
}

std::string describe_stance(std::uint32_t stance, std::uint64_t version) {
  return absl::StrCat(state::Stance_Name(static_cast<state::Stance>(stance)), "@", version);
}

// All but head, read and counts.
template <class Row>
std::string describe_owed(const Row& row) {
  std::string line;
  if (row.opened()) absl::StrAppend(&line, " opened");
  if (row.invited() != 0) absl::StrAppend(&line, " invited=", row.invited());
  if (row.stance_version() != 0) {
    absl::StrAppend(&line, " says ", describe_stance(row.stance(), row.stance_version()));
  }
  return line;
}

std::string describe(const state::Feed& feed) {
  std::string line;
  for (const auto& item : feed.items()) {
    const std::string who = item.user() == 0 ? "all" : name_of(UserId(item.user()));
    absl::StrAppend(&line, line.empty() ? "" : "; ", who, " ", name_of(item.conversation()));
    if (item.head() != 0) absl::StrAppend(&line, " head=", item.head());
    if (item.read() != 0) absl::StrAppend(&line, " read=", item.read());
    absl::StrAppend(&line, describe_counts(item));
    absl::StrAppend(&line, describe_owed(item));
  }
  return line;
}

std::string names_of(const std::vector<UserId>& users) {
  std::string line;
  for (const UserId user : users) absl::StrAppend(&line, " ", name_of(user));
  return line;
}

std::string describe(const client::GroupChange& change) {
  using client::GroupChange;
  const auto name = [](std::uint64_t user) { return absl::StrCat(" ", name_of(UserId(user))); };
  std::string line;
  switch (change.what_case()) {
    case GroupChange::kCreate:
      line = absl::StrCat("create \"", change.create().title(), "\"");
      for (const std::uint64_t user : change.create().members()) line += name(user);
      if (!change.create().invited().empty()) line += ", invited";
      for (const std::uint64_t user : change.create().invited()) line += name(user);
      break;
    case GroupChange::kAdd:
      line = "add";
      for (const std::uint64_t user : change.add().users()) line += name(user);
      if (!change.add().invited().empty()) line += ", invited";
      for (const std::uint64_t user : change.add().invited()) line += name(user);
      break;
    case GroupChange::kRemove: line = (change.remove().ban() ? "ban" : "remove") + name(change.remove().user()); break;
    case GroupChange::kLeave: line = "leave"; break;
    case GroupChange::kEdit: line = absl::StrCat("edit \"", change.edit().title(), "\""); break;
    case GroupChange::kSetRole:
      line =
          absl::StrCat("role", name(change.set_role().user()), " ", client::GroupRole_Name(change.set_role().role()));
      break;
    case GroupChange::kSetPermissions: line = "permissions"; break;
    case GroupChange::kMute:
      line = absl::StrCat("mute", name(change.mute().user()), " ", change.mute().until_ms());
      break;
    case GroupChange::kLiftBan: line = "unban" + name(change.lift_ban().user()); break;
    case GroupChange::kCreateLink: line = "link"; break;
    case GroupChange::kRevokeLink: line = "unlink"; break;
    case GroupChange::kJoin: line = change.join().secret().empty() ? "join" : "join with its secret"; break;
    case GroupChange::kAnswer:
      line = (change.answer().admit() ? "admit" : "deny") + name(change.answer().user());
      break;
    case GroupChange::kDeleteGroup: line = "delete"; break;
    case GroupChange::WHAT_NOT_SET: line = "nothing known"; break;
  }
  if (change.new_owner() != 0) absl::StrAppend(&line, ", owned by", name(change.new_owner()));
  return line;
}

std::string describe_body(const client::Event& event) {
  return event.has_change() ? describe(event.change()) : absl::StrCat("\"", event.payload(), "\"");
}

std::string describe(const state::Interval& interval) {
  std::string line = absl::StrCat(" [", interval.from());
  if (interval.joined() != interval.from()) absl::StrAppend(&line, " joined ", interval.joined());
  return absl::StrCat(line, " ", interval.left() == 0 ? "on" : absl::StrCat(interval.left()), "]");
}

std::string describe(const state::Group& group) {
  const auto role = [](std::uint32_t number) { return client::GroupRole_Name(static_cast<client::GroupRole>(number)); };
  const state::GroupPermissions& may = group.permissions();
  std::string line = absl::StrCat("group \"", group.title(), "\" send=", role(may.send()), " edit=", role(may.edit()),
                                  " add=", role(may.add()), may.history_to_newcomers() ? " history" : "");
  for (const state::Member& member : group.members()) {
    absl::StrAppend(&line, "\nmember ", name_of(UserId(member.user())), " ", role(member.role()));
    for (const state::Interval& interval : member.intervals()) line += describe(interval);
    if (member.muted_until_ms() != 0) absl::StrAppend(&line, " muted until ", member.muted_until_ms());
  }
  for (const std::uint64_t user : group.banned()) absl::StrAppend(&line, "\nbanned ", name_of(UserId(user)));
  for (const std::uint64_t user : group.requests()) absl::StrAppend(&line, "\nasks to join: ", name_of(UserId(user)));
  for (const std::uint64_t user : group.invited()) absl::StrAppend(&line, "\ninvited: ", name_of(UserId(user)));
  for (const state::Link& link : group.links()) {
    absl::StrAppend(&line, "\nlink by ", name_of(UserId(link.by())), " uses=", link.uses());
  }
  return line;
}

std::string describe(const Consequence& consequence) {
  struct Visitor {
    std::string operator()(const EventStored& c) const {
      client::Event event;
      EXPECT_TRUE(event.ParseFromString(c.event));
      return absl::StrCat("event ", name_of(c.conversation.bytes()), " ", c.seq.value(), " ",
                          c.event.empty() ? "unlike to both" : describe_body(event),
                          c.audience == nullptr ? "" : absl::StrCat(" to", names_of(*c.audience)));
    }
    std::string operator()(const FeedOwed& c) const {
      return absl::StrCat("feed @", c.index.value(), ": ", describe(c.feed));
    }
    std::string operator()(const MarksMoved& c) const {
      return absl::StrCat("marks ", name_of(c.conversation.bytes()), " of ", name_of(c.user),
                          " delivered=", c.delivered.value(), " read=", c.read.value(),
                          c.read_told == c.read ? "" : absl::StrCat(", told ", c.read_told.value()),
                          c.is_private ? " to themselves" : "");
    }
    std::string operator()(const GateMoved& c) const {
      return absl::StrCat("gate of ", name_of(c.user), " towards ", name_of(c.other), ": ",
                          state::Stance_Name(static_cast<state::Stance>(c.stance)));
    }
    std::string operator()(const IndexMoved& c) const {
      return absl::StrCat("index of ", name_of(c.user), " ", name_of(c.conversation.bytes()), " head=", c.marks.head,
                          " read=", c.marks.read, " version=", c.version.value(),
                          c.hides == 0 ? "" : absl::StrCat(" hides=", c.hides),
                          c.gate == client::OPEN ? "" : absl::StrCat(" ", client::Gate_Name(c.gate)),
                          c.is_invitation ? " invitation" : "");
    }
    std::string operator()(const PrivacyMoved& c) const {
      return absl::StrCat("reading of ", name_of(c.user), c.reads_private ? " is private" : " is told", ", change ",
                          c.changes);
    }
    std::string operator()(const DeviceGone& c) const {
      return absl::StrCat("gone ", name_of(c.user), "/", c.device.value());
    }
  };
  return std::visit(Visitor{}, consequence);
}

// A shard and its store, and the language.
class World {
 public:
  std::string run(std::string_view input) {
    log::Entry entry;
    std::string raw;
    bool is_command = true;
    std::int64_t time_ms = time_ms_ + 1'000;
    for (const auto& text_line : absl::StrSplit(text(input), '\n', absl::SkipEmpty())) {
      const Line line(std_view(text_line));
      const std::string what = line.word(0);
      if (what == "show") return show(line.word(1));
      if (what == "restart") {
        machine_ = std::make_unique<Machine>(here, ShardCount{1}, store_);
        return absl::StrCat("applied=", machine_->applied_index().value(), "\n");
      }
      if (what == "at") {
        EXPECT_TRUE(absl::SimpleAtoi(line.word(1), &time_ms)) << line.word(1);
      } else if (what == "garbage") {
        raw = "\xff\xff\xff";
      } else if (what == "barrier") {
        is_command = false;
      } else {
        add(line, entry);
      }
    }
    entry.set_log_time_ms(time_ms);
    if (raw.empty() && is_command) raw = entry.SerializeAsString();
    return apply(is_command, raw);
  }

 private:
  std::string apply(bool is_command, const std::string& bytes) {
    const Applied applied = machine_->apply(machine_->applied_index().next(), RaftTerm(1), is_command, bytes);
    WriteBatch batch;
    machine_->write_out(batch, 1 << 20);
    store_.write(batch);
    time_ms_ = machine_->log_time().ms;
    if (applied.malformed) return "malformed: nothing but its place is recorded\n";
    if (applied.replies.empty()) return "applied\n";
    std::string out;
    if (applied.replies.size() > 8) {
      return absl::StrCat(applied.replies.size(), " replies, the last: ", describe(applied.replies.back()), "\n");
    }
    for (const Reply& reply : applied.replies) absl::StrAppend(&out, describe(reply), "\n");
    for (const Consequence& consequence : applied.consequences) {
      absl::StrAppend(&out, "  ", describe(consequence), "\n");
    }
    if (applied.differs) absl::StrAppend(&out, "  differs from the leader at @", applied.differs->index.value(), "\n");
    return out;
  }

  void add(const Line& line, log::Entry& entry) const {
    const std::string what = line.word(0);
    if (what == "send") return add_sends(line, entry);
    if (what == "change") return add_change(line, entry);
    log::Command& command = *entry.add_commands();
    if (what == "create") {
      auto& body = *command.mutable_create_account();
      body.set_handle(line.word(1));
      const std::string id = line.option("id");
      body.set_user(id == "0" ? 0 : user_of(id.empty() ? line.word(1) : id).value());
      body.set_credential("argon2id");
      body.set_device_name(line.option("name"));
      body.set_secret_hash(hash_of(line.option("secret")));
    } else if (what == "login") {
      auto& body = *command.mutable_add_device();
      body.set_user(line.user(1).value());
      body.set_device_name(line.option("name"));
      body.set_secret_hash(line.options.contains("secret") ? hash_of(line.option("secret")) : "short");
    } else if (what == "logout") {
      auto& body = *command.mutable_remove_device();
      body.set_user(line.user(1).value());
      body.set_device(line.device(1));
    } else if (what == "renew") {
      auto& body = *command.mutable_renew_device();
      body.set_user(line.user(1).value());
      body.set_device(line.device(1));
      body.set_secret_hash(line.options.contains("secret") ? hash_of(line.option("secret")) : "short");
    } else if (what == "touch") {
      auto& body = *command.mutable_touch_device();
      body.set_user(line.user(1).value());
      body.set_device(line.device(1));
    } else if (what == "mark") {
      auto& body = *command.mutable_mark();
      body.set_user(line.user(1).value());
      body.set_conversation(conversation_bytes(line.word(3)));
      body.set_delivered(line.number("delivered"));
      body.set_read(line.number("read"));
      body.set_history_epoch(static_cast<std::uint32_t>(line.number("epoch")));
      body.set_read_is_private(line.number("private") != 0);
    } else if (what == "notify") {
      add_mark(line, *command.mutable_notify());
    } else if (what == "park") {
      add_mark(line, *command.mutable_park());
    } else if (what == "unpark") {
      add_mark(line, *command.mutable_unpark());
    } else if (what == "expire") {
      for (std::size_t i = 2; i < line.words.size(); ++i) {
        log::DueEvent& due = *command.mutable_expire()->add_events();
        std::uint64_t seq = 0;
        EXPECT_TRUE(absl::SimpleAtoi(line.word(i), &seq)) << line.word(i);
        due.set_conversation(conversation_bytes(line.word(1)));
        due.set_seq(seq);
        due.set_expires_ms(static_cast<std::int64_t>(line.number("due")));
      }
    } else if (what == "hide") {
      auto& body = *command.mutable_hide();
      std::uint64_t first = 0;
      std::uint64_t last = 0;
      EXPECT_TRUE(absl::SimpleAtoi(line.word(3), &first) && absl::SimpleAtoi(line.word(4), &last));
      body.set_user(line.user(1).value());
      body.set_conversation(conversation_bytes(line.word(2)));
      body.set_first_seq(first);
      body.set_last_seq(last);
    } else if (what == "privacy") {
      auto& body = *command.mutable_set_privacy();
      body.set_user(line.user(1).value());
      if (line.options.contains("presence")) body.set_presence(static_cast<std::uint32_t>(line.number("presence")));
      if (line.options.contains("adds")) body.set_adds(static_cast<std::uint32_t>(line.number("adds")));
      if (line.options.contains("receipts")) body.set_read_receipts(line.number("receipts") != 0);
    } else if (what == "gate") {
      auto& body = *command.mutable_set_gate();
      body.set_user(line.user(1).value());
      body.set_other(line.user(2).value());
      body.set_stance(stance_of(line.word(3)));
    } else if (what == "cursor") {
      std::uint64_t index = 0;
      EXPECT_TRUE(absl::SimpleAtoi(line.word(1), &index)) << line.word(1);
      command.mutable_move_cursor()->set_index(index);
    } else if (what == "hash") {
      std::uint64_t index = 0;
      EXPECT_TRUE(absl::SimpleAtoi(line.word(1), &index)) << line.word(1);
      const std::uint64_t ours = machine_->hash_at(RaftIndex(index)).value_or(0);
      command.mutable_check_hash()->set_index(index);
      command.mutable_check_hash()->set_hash(line.word(2) == "right" ? ours : ours + 1);
    } else {
      EXPECT_EQ(what, "unknown") << "no such word in this language";
    }
  }

  // notify NAME CONV head=1 read=1: one mark a line; several lines in a block are several commands.
  template <class Body>
  static void add_mark(const Line& line, Body& body) {
    for (std::uint64_t i = 0; i < std::max<std::uint64_t>(1, line.number("many")); ++i) {
      log::IndexMark& mark = *body.add_marks();
      mark.set_user(line.user(1).value());
      mark.set_conversation(conversation_bytes(line.word(2)));
      mark.set_head(line.number("head"));
      mark.set_read(line.number("read"));
      mark.set_messages(line.number("messages"));
      mark.set_messages_read(line.number("seen"));
      mark.set_mentions(line.number("named"));
      mark.set_mentions_read(line.number("named_seen"));
      mark.set_opened(line.number("opened") == 1);
      mark.set_invited(line.number("invited"));
      if (!line.options.contains("gate")) continue;
      const auto [stance, version] = known_gate(line);
      mark.set_stance(stance);
      mark.set_stance_version(version);
    }
  }

  static std::uint32_t stance_of(const std::string& word) {
    if (word == "accepted") return state::ACCEPTED;
    if (word == "blocked") return state::BLOCKED;
    EXPECT_TRUE(word == "nothing" || word == "unknown") << word;
    return word == "nothing" ? std::uint32_t{state::NOTHING_SAID} : 7U;
  }

  static std::pair<std::uint32_t, std::uint64_t> known_gate(const Line& line) {
    const std::vector<std::string> parts = absl::StrSplit(line.option("gate"), '@');
    std::uint64_t version = 0;
    EXPECT_TRUE(parts.size() == 2 && absl::SimpleAtoi(parts[1], &version)) << line.option("gate");
    return {stance_of(parts[0]), version};
  }

  // Of a group; where the case says nothing, as a device that has seen all there is.
  static void add_known(const Line& line, log::Send& body) {
    body.set_known_seq(line.options.contains("known") ? line.number("known") : 1'000'000);
  }
  static void add_sends(const Line& line, log::Entry& entry) {
    const std::vector<std::string> range = absl::StrSplit(line.option("n"), "..");
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    EXPECT_TRUE(absl::SimpleAtoi(range.front(), &first) && absl::SimpleAtoi(range.back(), &last)) << line.option("n");
    for (std::uint64_t n = first; n <= last; ++n) {
      const std::string payload = range.size() == 1 ? line.quoted : absl::StrCat(line.quoted, n);
      auto& body = *entry.add_commands()->mutable_send();
      body.set_conversation(conversation_bytes(line.word(3)));
      body.set_sender(line.user(1).value());
      body.set_device(line.device(1));
      body.set_outbox_seq(n);
      add_known(line, body);
      body.set_digest(hash_of(payload));
      client::Code code = client::OK;
      if (line.options.contains("refused")) {
        EXPECT_TRUE(client::Code_Parse(line.option("refused"), &code));
        body.set_refused(static_cast<std::uint32_t>(code));
      } else {
        body.set_payload(payload);
      }
      if (line.options.contains("about")) add_about(line.option("about"), body);
      if (line.options.contains("gate")) {
        const auto [stance, version] = known_gate(line);
        body.mutable_recipient()->set_stance(stance);
        body.mutable_recipient()->set_version(version);
      }
      add_content(line, body);
      for (const auto& name : absl::StrSplit(line.option("names"), ',', absl::SkipEmpty())) {
        body.add_mentions(user_of({name.data(), name.size()}).value());
      }
    }
  }

  // change ana/1 in ana#1 n=1 create beto carla "title" send=ADMIN ...; the words after the number name people.
  static void add_change(const Line& line, log::Entry& entry) {
    client::GroupChange change;
    const std::string kind = line.word(4);
    const auto secret = [&line] { return line.option("secret") + std::string(16 - line.option("secret").size(), '.'); };
    const auto whom = [&line] { return line.user(5).value(); };
    if (kind == "create") {
      change.mutable_create()->set_title(line.quoted);
      for (std::size_t i = 5; i < line.words.size(); ++i) change.mutable_create()->add_members(line.user(i).value());
      set_permissions(line, *change.mutable_create()->mutable_permissions());
    } else if (kind == "add") {
      change.mutable_add();
      for (std::size_t i = 5; i < line.words.size(); ++i) change.mutable_add()->add_users(line.user(i).value());
    } else if (kind == "remove") {
      change.mutable_remove()->set_user(whom());
      change.mutable_remove()->set_ban(line.number("ban") == 1);
    } else if (kind == "leave") {
      change.mutable_leave();
    } else if (kind == "edit") {
      change.mutable_edit();
      if (!line.quoted.empty()) change.mutable_edit()->set_title(line.quoted);
    } else if (kind == "role") {
      change.mutable_set_role()->set_user(whom());
      change.mutable_set_role()->set_role(role_of(line.option("role")));
    } else if (kind == "permissions") {
      set_permissions(line, *change.mutable_set_permissions());
    } else if (kind == "mute") {
      change.mutable_mute()->set_user(whom());
      change.mutable_mute()->set_until_ms(static_cast<std::int64_t>(line.number("until")));
    } else if (kind == "unban") {
      change.mutable_lift_ban()->set_user(whom());
    } else if (kind == "link") {
      change.mutable_create_link()->set_secret_hash(hash_of(secret()));
      change.mutable_create_link()->set_asks_approval(line.number("approval") == 1);
      change.mutable_create_link()->set_expires_ms(static_cast<std::int64_t>(line.number("expires")));
      change.mutable_create_link()->set_uses_max(static_cast<std::uint32_t>(line.number("uses")));
    } else if (kind == "unlink") {
      change.mutable_revoke_link()->set_secret_hash(hash_of(secret()));
    } else if (kind == "join") {
      change.mutable_join()->set_secret(line.options.contains("secret") ? secret() : "");
    } else if (kind == "answer") {
      change.mutable_answer()->set_user(whom());
      change.mutable_answer()->set_admit(line.number("admit") == 1);
    } else if (kind == "delete") {
      change.mutable_delete_group();
    } else {
      EXPECT_EQ(kind, "nothing") << "no such change in this language";
    }
    auto& body = *entry.add_commands()->mutable_send();
    body.set_conversation(conversation_bytes(line.word(3)));
    body.set_sender(line.user(1).value());
    body.set_device(line.device(1));
    body.set_outbox_seq(line.number("n"));
    add_known(line, body);
    body.set_change(change.SerializeAsString());
    if (kind == "nothing") body.set_change("\xff");  // that does not decode
    body.set_digest(hash_of(body.change()));
    for (const auto& [key, field] :
         {std::pair{"not_added", body.mutable_not_added()}, std::pair{"invitations", body.mutable_invitations()}}) {
      for (const auto& who : absl::StrSplit(line.option(key), ',', absl::SkipEmpty())) {
        field->Add(user_of(std::string(who)).value());
      }
    }
  }

  static client::GroupRole role_of(const std::string& name) {
    client::GroupRole role = client::MEMBER;
    EXPECT_TRUE(name.empty() || client::GroupRole_Parse(name, &role)) << name;
    return role;
  }

  static void set_permissions(const Line& line, client::GroupPermissions& may) {
    may.set_send(role_of(line.option("send")));
    may.set_edit(role_of(line.option("edit")));
    may.set_add(role_of(line.option("add")));
    may.set_history_to_newcomers(line.number("history") == 1);
  }

  static void add_about(const std::string& about, log::Send& body) {
    const std::vector<std::string> parts = absl::StrSplit(about, '/');
    std::uint64_t seq = 0;
    EXPECT_TRUE(parts.size() == 2 && absl::SimpleAtoi(parts[1], &seq)) << about;
    std::string kind = parts[0];
    for (char& letter : kind) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    client::About::Kind known = client::About::NOTHING;
    std::uint32_t number = 0;
    if (client::About::Kind_Parse(kind, &known))
      number = static_cast<std::uint32_t>(known);
    else
      EXPECT_TRUE(absl::SimpleAtoi(kind, &number)) << about;
    body.set_about_kind(number);
    body.set_about_seq(seq);
  }

  static void add_content(const Line& line, log::Send& body) {
    const auto two = [&line](const std::string& key) {
      const std::vector<std::string> parts = absl::StrSplit(line.option(key), '/');
      std::pair<std::uint32_t, std::uint32_t> numbers;
      EXPECT_TRUE(parts.size() == 2 && absl::SimpleAtoi(parts[0], &numbers.first) &&
                  absl::SimpleAtoi(parts[1], &numbers.second))
          << line.option(key);
      return numbers;
    };
    if (line.options.contains("poll")) {
      body.set_poll_options(two("poll").first);
      body.set_poll_choices_max(two("poll").second);
    }
    if (line.options.contains("votes")) {
      body.set_votes(two("votes").first);
      body.set_vote_highest(two("votes").second);
    }
    if (line.options.contains("timer")) body.set_timer_s(static_cast<std::uint32_t>(line.number("timer")));
  }

  static std::string describe_about(const client::Event& event) {
    std::string line;
    if (event.poll_options() != 0) {
      absl::StrAppend(&line, " poll of ", event.poll_options(), ", choose ", event.poll_choices_max());
    }
    if (event.expires_ms() != 0) absl::StrAppend(&line, " expires=", event.expires_ms());
    if (event.expired()) absl::StrAppend(&line, " expired");
    if (event.has_about()) {
      absl::StrAppend(&line, " ", client::About::Kind_Name(event.about().kind()), " of ", event.about().seq());
    }
    if (event.withheld()) line += " withheld";
    if (event.edits_withheld()) {
      absl::StrAppend(&line, " shown edits=", event.shown_edits(), " last=", event.shown_edit());
    }
    if (event.edits() != 0) absl::StrAppend(&line, " edits=", event.edits(), " last=", event.edited_by());
    if (event.edited_before() != 0) absl::StrAppend(&line, " before=", event.edited_before());
    if (event.erased_by() != 0) absl::StrAppend(&line, " erased by ", event.erased_by());
    return line;
  }

  template <class Row>
  static Row parsed(const std::string& bytes) {
    Row row;
    EXPECT_TRUE(row.ParseFromString(bytes));
    return row;
  }

  std::string show(const std::string& what) const {
    std::string out;
    for (const auto& [key, bytes] : store_.rows()) {
      const auto row = keys::parse(key);
      if (!row) return "a key that nobody made";
      const bool of_it = what == "parked"     ? row->kind == keys::Kind::Parked
                         : what == "expiries" ? row->kind == keys::Kind::Expiry
                         : what == "feed"     ? row->kind == keys::Kind::Feed || row->kind == keys::Kind::Numbers
                         : what.find_first_of("-#") != std::string::npos
                             ? is_of_conversation(row->kind) && row->conversation.bytes() == conversation_bytes(what)
                             : row->user == user_of(what) && row->kind != keys::Kind::Parked &&
                                   row->kind != keys::Kind::Expiry && !is_of_conversation(row->kind);
      if (of_it) absl::StrAppend(&out, describe_row(*row, bytes, what == "feed"), "\n");
    }
    return out.empty() ? "nothing\n" : out;
  }

  static bool is_of_conversation(keys::Kind kind) {
    return kind == keys::Kind::Header || kind == keys::Kind::Event || kind == keys::Kind::Group ||
           kind == keys::Kind::GroupMarks || kind == keys::Kind::Former || kind == keys::Kind::Sender ||
           kind == keys::Kind::MemberCounts;
  }

  static std::string describe_row(const keys::Parsed& key, const std::string& bytes, bool feed) {
    switch (key.kind) {
      case keys::Kind::Header: return describe_header(key.conversation, parsed<state::Header>(bytes));
      case keys::Kind::Event: {
        const auto event = parsed<client::Event>(bytes);
        return absl::StrCat("event ", event.seq(), " ", name_of(UserId(event.sender())), "/", event.device(),
                            " n=", event.outbox_seq(), " time=", event.time_ms(), " ", describe_body(event),
                            describe_about(event), event.chain().empty() ? "" : " with the chain");
      }
      case keys::Kind::Account: {
        const auto account = parsed<state::Account>(bytes);
        return absl::StrCat("account ", account.handle(), " devices ", absl::StrJoin(account.devices(), " "),
                            ", the last ", account.last_device(),
                            account.presence() == 0 ? "" : absl::StrCat(", presence for ", account.presence()),
                            account.adds() == 0 ? "" : absl::StrCat(", adds by ", account.adds()),
                            account.gates() == 0 ? "" : absl::StrCat(", gates ", account.gates()),
                            account.reads_private() ? ", reading is private" : "");
      }
      case keys::Kind::Device: {
        const auto device = parsed<state::Device>(bytes);
        return absl::StrCat("device ", key.number, " \"", device.name(), "\" created=", device.created_ms(),
                            " seen=", device.last_seen_ms());
      }
      case keys::Kind::Index: {
        const auto index = parsed<state::Index>(bytes);
        return absl::StrCat(
            "index ", name_of(key.conversation.bytes()), " head=", index.head(), " read=", index.read(),
            " version=", index.version(), index.hides() == 0 ? "" : absl::StrCat(" hides=", index.hides()),
            index.opened() ? " opened" : "",
            index.stance() == 0 ? ""
                                : absl::StrCat(" ", state::Stance_Name(static_cast<state::Stance>(index.stance()))),
            index.invited() == 0 ? "" : absl::StrCat(" invited=", index.invited()), describe_counts(index));
      }
      case keys::Kind::Version: {
        const auto row = parsed<state::Version>(bytes);
        std::string line = absl::StrCat("version ", key.number, ":");
        for (const std::string& conversation : row.conversations()) absl::StrAppend(&line, " ", name_of(conversation));
        return line;
      }
      case keys::Kind::Handle: return absl::StrCat("handle ", key.handle);
      case keys::Kind::Feed: return absl::StrCat("feed @", key.number, ": ", describe(parsed<state::Feed>(bytes)));
      case keys::Kind::Ingested: return "ingested";  // local to a replica: apply writes none
      case keys::Kind::Hidden:
        return absl::StrCat("hidden in ", name_of(key.conversation.bytes()), ": ",
                            absl::StrJoin(parsed<state::Hidden>(bytes).ranges(), " "));
      case keys::Kind::Expiry:
        return absl::StrCat("expires at ", key.expires_ms, ": ", name_of(key.conversation.bytes()), " ", key.number);
      case keys::Kind::Parked: {
        const auto row = parsed<state::Parked>(bytes);
        return absl::StrCat("parked for shard ", key.number, ": ", name_of(key.user), " ",
                            name_of(key.conversation.bytes()), " head=", row.head(), " read=", row.read(),
                            describe_counts(row), describe_owed(row));
      }
      case keys::Kind::Group: return describe(parsed<state::Group>(bytes));
      case keys::Kind::GroupMarks: {
        const auto marks = parsed<state::GroupMarks>(bytes);
        std::string line = "marks";
        for (int i = 0; i < marks.users_size(); ++i) {
          absl::StrAppend(&line, "; ", name_of(UserId(marks.users(i))), " delivered=", marks.delivered(i),
                          " read=", marks.read(i));
        }
        return line;
      }
      case keys::Kind::Former: {
        const auto former = parsed<state::FormerMember>(bytes);
        std::string line = absl::StrCat("former ", name_of(key.user));
        for (const state::Interval& interval : former.intervals()) line += describe(interval);
        return absl::StrCat(line, " delivered=", former.delivered(), " read=", former.read());
      }
      case keys::Kind::MemberCounts: {
        const auto row = parsed<state::MemberCounts>(bytes);
        return absl::StrCat("counts of ", name_of(key.user), ": ", row.messages_read(), " not unread, own ",
                            absl::StrJoin(row.own(), " "), ", named ", row.mentions(), " times, unread at ",
                            absl::StrJoin(row.named_at(), " "));
      }
      case keys::Kind::Sender: {
        const auto row = parsed<state::SenderRow>(bytes);
        return absl::StrCat("sender ", name_of(key.user), "/", key.number, " last=", row.last(),
                            " kept=", row.sent_size());
      }
      case keys::Kind::Gate: {
        const auto row = parsed<state::Gate>(bytes);
        return absl::StrCat("gate towards ", name_of(UserId(key.number)), ": ",
                            describe_stance(row.stance(), row.version()));
      }
      case keys::Kind::Numbers: {
        const auto numbers = parsed<state::Shard>(bytes);
        if (!feed) return "";
        return absl::StrCat("applied=", numbers.applied_index(), " cursor=", numbers.feed_cursor(),
                            numbers.expiries() == 0 ? "" : absl::StrCat(" expiries=", numbers.expiries()));
      }
    }
    return "";
  }

  static std::string describe_header(const ConversationId& conversation, const state::Header& header) {
    std::string out = absl::StrCat("head=", header.head());
    if (header.pins_size() > 0) absl::StrAppend(&out, " pins ", absl::StrJoin(header.pins(), " "));
    for (const state::WithheldPin& pin : header.pins_withheld()) {
      absl::StrAppend(&out, ", ", pin.seq(), " not for ", name_of(UserId(pin.user())));
    }
    if (header.timer_s() > 0) absl::StrAppend(&out, " timer=", header.timer_s(), "s");
    for (int i = 0; i < header.members_size(); ++i) {
      const auto& member = header.members(i);
      absl::StrAppend(&out, "\n", name_of(i == 0 ? conversation.lower() : conversation.higher()),
                      " delivered=", member.delivered(), " read=", member.read());
      if (member.opened()) out += "; opened";
      if (member.stance_version() != 0) {
        absl::StrAppend(&out, "; says ", describe_stance(member.stance(), member.stance_version()));
      }
      if (member.held()) {
        absl::StrAppend(&out, "; told delivered=", member.told_delivered(), " read=", member.told_read());
      }
      if (member.withheld() != 0) absl::StrAppend(&out, "; messages withheld ", member.withheld());
      for (const auto& row : member.senders()) {
        absl::StrAppend(&out, "; device ", row.device(), " last=", row.last(), " kept=", row.sent_size());
      }
    }
    return out;
  }

  testing::MemStore store_;
  std::unique_ptr<Machine> machine_ = std::make_unique<Machine>(here, ShardCount{1}, store_);
  std::int64_t time_ms_ = 0;
};

class ShardCase : public ::testing::TestWithParam<std::string> {};

TEST_P(ShardCase, comes_back_as_written) {
  World world;
  EXPECT_EQ(testing::run_case_file(folder, GetParam(), [&world](std::string_view input) { return world.run(input); }),
            "");
}

INSTANTIATE_TEST_SUITE_P(Cases, ShardCase, ::testing::ValuesIn(testing::case_names(folder)),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace chasqui::shard
