#include "runtime/chasqui/message_arguments.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <string>

#include "core/base/bounds.h"
#include "runtime/chasqui/content_json.h"

namespace chasqui::cli {
namespace {

void add_who(CLI::App& sub, Options& options) {
  sub.add_option("WHO", options.who, "a handle, with or without @")->required();
}

void add_seq(CLI::App& sub, Options& options) {
  sub.add_option("SEQ", options.seq, "the message's number: `chasqui history --numbers` shows it")
      ->required()
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 62));
}

// Words are one text, as with send.
void join_words(CLI::App& sub, Options& options, Command command) {
  sub.final_callback([&options, command] {  // takes the place of add_command()'s
    options.command = command;
    options.text.emplace();
    for (const std::string& word : options.words) *options.text += options.text->empty() ? word : " " + word;
  });
}

// About an earlier message.
void add_about(CLI::App& grammar, Options& options) {
  struct About {
    Command command;
    const char* name;
    const char* description;
    const char* text;
  };
  for (const About& about :
       {About{Command::Reply, "reply", "answer a message", "the answer"},
        About{Command::Edit, "edit", "change a message of one's own, within 15 minutes", "what it should say"},
        About{Command::Delete, "delete", "erase a message of one's own for everyone, or any for oneself", nullptr},
        About{Command::React, "react", "put a sign at a message, or take it away", "e.g. 👍; nothing: take it away"},
        About{Command::Pin, "pin", "keep a message in sight: at most 3 of a conversation", nullptr},
        About{Command::Unpin, "unpin", "no longer", nullptr}}) {
    CLI::App* sub = add_command(grammar, options, about.command, about.name, about.description);
    add_who(*sub, options);
    add_seq(*sub, options);
    if (about.text != nullptr) {
      CLI::Option* said = sub->add_option("TEXT", options.words, about.text);
      if (about.command != Command::React) said->required();
    }
    if (about.command == Command::Delete) {
      sub->add_flag("--for-me", options.for_me, "hide it from oneself alone, on all one's devices");
    }
    join_words(*sub, options, about.command);
  }
  CLI::App* vote = add_command(grammar, options, Command::Vote, "vote", "choose of a poll, or take one's vote back");
  add_who(*vote, options);
  add_seq(*vote, options);
  vote->add_option("OPTION", options.words, "numbers of options, from 1; none: the vote is taken back")
      ->check(CLI::Range(std::uint64_t{1}, bounds::poll_options_max));
}

void add_contents(CLI::App& grammar, Options& options) {
  CLI::App* poll = add_command(grammar, options, Command::Poll, "poll", "ask a question with answers to choose from");
  add_who(*poll, options);
  poll->add_option("QUESTION OPTION", options.words, "the question, and 2 to 12 options")->required()->expected(3, 13);
  poll->add_option("--choices", options.choices, "how many one may choose (default 1)")
      ->check(CLI::Range(std::uint64_t{1}, bounds::poll_options_max));
  CLI::App* location = add_command(grammar, options, Command::Location, "location", "send a place");
  add_who(*location, options);
  location->add_option("LATITUDE LONGITUDE", options.words, "in degrees: -- -12.0464 -77.0428; then its name, if any")
      ->required()
      ->expected(2, 3);
  CLI::App* contact = add_command(grammar, options, Command::Contact, "contact", "send somebody's card");
  add_who(*contact, options);
  contact->add_option("NAME", options.words, "the name; a handle with @ in front names a user of this server")
      ->required();
  contact->add_option("--phone", options.phone, "a phone number");
  CLI::App* timer = add_command(grammar, options, Command::Timer, "timer",
                                "let what is said from now on disappear after a while, for everyone");
  add_who(*timer, options);
  timer->add_option("TIME", options.words, "30s, 10m, 24h, 7d, or off")
      ->required()
      ->expected(1)
      ->check([](const std::string& typed) {
        return parse_seconds(typed) ? std::string() : "a time is 30s, 10m, 24h, 7d, at most 366d, or off";
      });
  CLI::App* forward = add_command(grammar, options, Command::Forward, "forward", "send a message on to somebody else");
  add_who(*forward, options);
  add_seq(*forward, options);
  forward->add_option("TO", options.to, "a handle: who gets it")->required();
}

void add_people(CLI::App& grammar, Options& options) {
  CLI::App* presence =
      add_command(grammar, options, Command::Presence, "presence", "is somebody online, and if not, since when?");
  add_who(*presence, options);
  presence->add_flag("--follow", options.follow, "go on, and tell when they write, until interrupted");
  CLI::App* privacy = add_command(grammar, options, Command::Privacy, "privacy", "who may see what of oneself");
  privacy
      ->add_option("--presence", options.presence,
                   "everyone, contacts or nobody: that one is online, writes, was last seen")
      ->check(CLI::IsMember({"everyone", "contacts", "nobody"}));
  privacy
      ->add_option("--adds", options.adds,
                   "everyone, contacts or nobody: who makes one a member of a group; others invite")
      ->check(CLI::IsMember({"everyone", "contacts", "nobody"}));
  privacy
      ->add_option("--read-receipts", options.read_receipts,
                   "on or off: off, nobody is told what one reads, nor is one told what others read")
      ->check(CLI::IsMember({"on", "off"}));
  const auto towards = [&](Command command, const char* name, const char* description) {
    add_who(*add_command(grammar, options, command, name, description), options);
  };
  towards(Command::Block, "block", "hear nothing more of somebody, who cannot tell");
  towards(Command::Unblock, "unblock", "let somebody write again; what they wrote meanwhile stays unseen");
  towards(Command::Accept, "accept",
          "accept somebody's request to write: they hear from now on what is delivered and read");
  add_command(grammar, options, Command::Requests, "requests", "who has written and waits for an answer, or invites");
  CLI::App* receipts = add_command(grammar, options, Command::Receipts, "receipts",
                                   "who has a message, and who has read it since when?");
  receipts->add_option("WHO", options.who, "a handle, or the id of a group")->required();
  add_seq(*receipts, options);
  add_command(grammar, options, Command::Conversations, "conversations", "what is unread, and where");
  CLI::App* log = add_command(grammar, options, Command::Log, "log",
                              "every event of a conversation, its members, how far they are, and what they see");
  log->add_option("WHO", options.who, "a handle, or the id of a group")->required();
}

}  // namespace

void add_message_commands(CLI::App& grammar, Options& options) {
  add_about(grammar, options);
  add_contents(grammar, options);
  add_people(grammar, options);
}

}  // namespace chasqui::cli
