// Runs each core/shard/cases/NAME.txt as a test of its own.
// Over 400 lines because it is one language: its words, and how answers and rows are shown.
//
// The language: a block's command lines are one log entry, applied at one place and time (`at MS` sets the time; else a
// second later than the one before). People are named, and their ids are their names' letters, so that ana < beto <
// carla; secrets are words, whose hash is taken. The shard is 0 of 1.
//   create NAME secret=WORD [id=NAME]   login NAME secret=WORD [name=WORD]   logout NAME/DEVICE
//   renew NAME/DEVICE secret=WORD      touch NAME/DEVICE      cursor INDEX      unknown      garbage      barrier
//   send NAME/DEVICE in CONVERSATION n=NUMBER "text" [refused=CODE]     n=A..B: so many sends, the text numbered
//   mark NAME in CONVERSATION [delivered=N] [read=N] [epoch=N]     notify NAME CONVERSATION [head=N] [read=N]
//   park NAME CONVERSATION [head=N] [read=N]     unpark likewise     park NAME CONVERSATION many=N: so many marks
//   hash INDEX right | wrong: what the leader says its state hashed to there
//   show CONVERSATION | show NAME | show feed | show parked      restart: a new machine on the same store
// A reply a line, then what the leader must do because of it, indented. Of over 8 replies only the last is shown.
#include <gtest/gtest.h>

#include <algorithm>
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

// "ana-beto", or "group": a conversation of a kind that is not served yet.
std::string conversation_bytes(std::string_view name) {
  if (name == "group") return "\x80" + std::string(15, 'g');
  const std::vector<std::string> pair = absl::StrSplit(text(name), '-');
  if (pair.size() != 2) return std::string(name);  // no conversation at all
  return ConversationId::direct(user_of(pair[0]), user_of(pair[1])).str();
}

std::string name_of(std::string_view bytes) {
  const auto conversation = ConversationId::parse(bytes);
  if (!conversation || conversation->is_group()) return "group";
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
    std::string operator()(const Refused& r) const {
      return absl::StrCat("refused ", client::Code_Name(r.code), r.next ? absl::StrCat(" next=", r.next.value()) : "",
                          ": ", r.message);
    }
  };
  return std::visit(Visitor{}, reply);
}

std::string describe(const state::Feed& feed) {
  std::string line;
  for (const auto& item : feed.items()) {
    absl::StrAppend(&line, line.empty() ? "" : "; ", name_of(UserId(item.user())), " ", name_of(item.conversation()));
    if (item.head() != 0) absl::StrAppend(&line, " head=", item.head());
    if (item.read() != 0) absl::StrAppend(&line, " read=", item.read());
  }
  return line;
}

std::string describe(const Consequence& consequence) {
  struct Visitor {
    std::string operator()(const EventStored& c) const {
      client::Event event;
      EXPECT_TRUE(event.ParseFromString(c.event));
      return absl::StrCat("event ", name_of(c.conversation.bytes()), " ", c.seq.value(), " \"", event.payload(), "\"");
    }
    std::string operator()(const FeedOwed& c) const {
      return absl::StrCat("feed @", c.index.value(), ": ", describe(c.feed));
    }
    std::string operator()(const MarksMoved& c) const {
      return absl::StrCat("marks ", name_of(c.conversation.bytes()), " of ", name_of(c.user),
                          " delivered=", c.delivered.value(), " read=", c.read.value());
    }
    std::string operator()(const IndexMoved& c) const {
      return absl::StrCat("index of ", name_of(c.user), " ", name_of(c.conversation.bytes()), " head=", c.head.value(),
                          " read=", c.read.value(), " version=", c.version.value());
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
    } else if (what == "notify") {
      add_mark(line, *command.mutable_notify());
    } else if (what == "park") {
      add_mark(line, *command.mutable_park());
    } else if (what == "unpark") {
      add_mark(line, *command.mutable_unpark());
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
    }
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
      body.set_digest(hash_of(payload));
      client::Code code = client::OK;
      if (line.options.contains("refused")) {
        EXPECT_TRUE(client::Code_Parse(line.option("refused"), &code));
        body.set_refused(static_cast<std::uint32_t>(code));
      } else {
        body.set_payload(payload);
      }
    }
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
      const bool of_it = what == "parked" ? row->kind == keys::Kind::Parked
                         : what == "feed" ? row->kind == keys::Kind::Feed || row->kind == keys::Kind::Numbers
                         : what.find('-') != std::string::npos
                             ? (row->kind == keys::Kind::Header || row->kind == keys::Kind::Event) &&
                                   row->conversation.bytes() == conversation_bytes(what)
                             : row->user == user_of(what) && row->kind != keys::Kind::Parked;
      if (of_it) absl::StrAppend(&out, describe_row(*row, bytes, what == "feed"), "\n");
    }
    return out.empty() ? "nothing\n" : out;
  }

  static std::string describe_row(const keys::Parsed& key, const std::string& bytes, bool feed) {
    switch (key.kind) {
      case keys::Kind::Header: return describe_header(key.conversation, parsed<state::Header>(bytes));
      case keys::Kind::Event: {
        const auto event = parsed<client::Event>(bytes);
        return absl::StrCat("event ", event.seq(), " ", name_of(UserId(event.sender())), "/", event.device(),
                            " n=", event.outbox_seq(), " time=", event.time_ms(), " \"", event.payload(), "\"",
                            event.chain().empty() ? "" : " with the chain");
      }
      case keys::Kind::Account: {
        const auto account = parsed<state::Account>(bytes);
        return absl::StrCat("account ", account.handle(), " devices ", absl::StrJoin(account.devices(), " "),
                            ", the last ", account.last_device());
      }
      case keys::Kind::Device: {
        const auto device = parsed<state::Device>(bytes);
        return absl::StrCat("device ", key.number, " \"", device.name(), "\" created=", device.created_ms(),
                            " seen=", device.last_seen_ms());
      }
      case keys::Kind::Index: {
        const auto index = parsed<state::Index>(bytes);
        return absl::StrCat("index ", name_of(key.conversation.bytes()), " head=", index.head(), " read=", index.read(),
                            " version=", index.version());
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
      case keys::Kind::Parked: {
        const auto row = parsed<state::Parked>(bytes);
        return absl::StrCat("parked for shard ", key.number, ": ", name_of(key.user), " ",
                            name_of(key.conversation.bytes()), " head=", row.head(), " read=", row.read());
      }
      case keys::Kind::Numbers: {
        const auto numbers = parsed<state::Shard>(bytes);
        if (!feed) return "";
        return absl::StrCat("applied=", numbers.applied_index(), " cursor=", numbers.feed_cursor());
      }
    }
    return "";
  }

  static std::string describe_header(const ConversationId& conversation, const state::Header& header) {
    std::string out = absl::StrCat("head=", header.head());
    for (int i = 0; i < header.members_size(); ++i) {
      const auto& member = header.members(i);
      absl::StrAppend(&out, "\n", name_of(i == 0 ? conversation.lower() : conversation.higher()),
                      " delivered=", member.delivered(), " read=", member.read());
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
