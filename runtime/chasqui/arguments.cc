#include "runtime/chasqui/arguments.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "runtime/chasqui/home.h"
#include "runtime/chasqui/message_arguments.h"
#include "runtime/chasqui/outcome.h"

namespace chasqui::cli {
namespace {

constexpr const char* who_words = "a handle, with or without @; or the id of a group (32 hex digits)";
constexpr const char* footer =
    "Exit codes: 0 done, 1 refused (code and message on stderr), 2 usage, 3 unreachable or out of time.\n"
    "Try: chasqui register ana; chasqui chat beto";

void add_common(CLI::App& grammar, Options& options) {
  grammar
      .add_option("--server", options.server,
                  "URL of the server: http://HOST:PORT or https://HOST:PORT; of a cluster: several, with commas")
      ->envname("CHASQUI_SERVER")
      ->type_name("URL");
  grammar.add_option("--home", options.home, "folder of this device: credentials, journal")
      ->envname("CHASQUI_HOME")
      ->type_name("DIR");
  grammar.add_option("--ca-file", options.ca_file, "PEM of the authority to trust for https, instead of the system's")
      ->envname("CHASQUI_CA_FILE")
      ->check(CLI::ExistingFile)
      ->type_name("FILE");
  grammar.add_flag("--json", options.json, "one JSON object a line");
  grammar.add_option("--color", options.color, "auto, always or never; auto heeds NO_COLOR")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
  grammar.add_option("--timeout", options.timeout_s, "seconds without an answer, then exit code 3 (default 30)")
      ->check(CLI::Range(1U, 86'400U))
      ->type_name("SECONDS");
}

void add_account_commands(CLI::App& grammar, Options& options) {
  for (const Command command : {Command::Register, Command::Login}) {
    const bool is_new = command == Command::Register;
    CLI::App* sub =
        add_command(grammar, options, command, is_new ? "register" : "login",
                    is_new ? "create an account and log this device in" : "log this device in to an account");
    sub->add_option("HANDLE", options.who, "the account's name")->required();
    sub->add_option("--password-file", options.password_file, "its first line is the password; - is stdin")
        ->type_name("FILE");
  }
  CLI::App* logout =
      add_command(grammar, options, Command::Logout, "logout", "end this device's login and forget its state");
  logout->add_flag("--force", options.force, "even if messages are not sent yet: they are forgotten");
}

void add_chat_commands(CLI::App& grammar, Options& options, std::vector<std::string>& words) {
  CLI::App* chat =
      add_command(grammar, options, Command::Chat, "chat", "talk with somebody; other commands of this home go on");
  chat->add_option("WHO", options.who, who_words)->required();

  CLI::App* send = add_command(grammar, options, Command::Send, "send", "send a message; exit 0 when it is accepted");
  send->add_option("WHO", options.who, who_words)->required();
  send->add_option("TEXT", words, "the message; - or nothing: one message a line from stdin");

  CLI::App* history = add_command(grammar, options, Command::History, "history", "what was said, oldest first");
  history->add_option("WHO", options.who, who_words)->required();
  history->add_option("--after", options.after_seq, "only what comes after this seq; without it the newest are printed")
      ->type_name("SEQ");
  history->add_option("--limit", options.limit, "at most so many (default 50)")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->type_name("N");
  history->add_flag("--numbers", options.numbers, "with the number (seq) of each message");

  CLI::App* inbox = add_command(grammar, options, Command::Inbox, "inbox", "print what this home has not shown yet");
  inbox->add_flag("--follow", options.follow, "go on until interrupted");
  inbox->add_flag("--read", options.read, "what is printed counts as read, here and for its senders");
}

void add_cluster_command(CLI::App& grammar, Options& options) {
  CLI::App* cluster = add_command(grammar, options, Command::Cluster, "cluster",
                                  "for operators: init-certs makes an authority, and a certificate for each node");
  cluster->add_option("ACTION", options.who, "init-certs")->required()->check(CLI::IsMember({"init-certs"}));
  cluster->add_option("--cluster", options.cluster, "the cluster's name, as cluster.id says")->type_name("NAME");
  cluster->add_option("--node", options.nodes, "numbers of nodes; again for those that are added or renewed")
      ->delimiter(',')
      ->type_name("N");
  cluster->add_option("--out", options.out, "folder of the certificates and keys; made if it is not there")
      ->type_name("DIR");
}

}  // namespace

CLI::App* add_command(CLI::App& grammar, Options& options, Command command, const char* name, const char* description) {
  CLI::App* sub = grammar.add_subcommand(name, description);
  sub->fallthrough();  // --json and its like may stand behind the command, too
  sub->callback([&options, command] { options.command = command; });
  return sub;
}

std::unique_ptr<CLI::App> make_grammar(Options& options) {
  options.home = default_home();
  auto grammar = std::make_unique<CLI::App>("chasqui: chat from the command line", "chasqui");
  grammar->require_subcommand(1);
  grammar->set_version_flag("--version", std::string("chasqui ") + CHASQUI_VERSION);
  grammar->footer(footer);
  add_common(*grammar, options);
  add_account_commands(*grammar, options);

  const auto words = std::make_shared<std::vector<std::string>>();
  add_chat_commands(*grammar, options, *words);
  add_message_commands(*grammar, options);
  CLI::App* send = grammar->get_subcommand("send");
  send->callback([&options, words] {
    options.command = Command::Send;
    const bool from_stdin = words->empty() || (words->size() == 1 && words->front() == "-");
    if (from_stdin) return;
    options.text.emplace();
    for (const std::string& word : *words) *options.text += options.text->empty() ? word : " " + word;
  });

  add_group_command(*grammar, options);
  add_cluster_command(*grammar, options);
  CLI::App* completion =
      add_command(*grammar, options, Command::Completion, "completion", "print completions for a shell");
  completion->add_option("SHELL", options.who, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  CLI::App* help = add_command(*grammar, options, Command::Help, "help", "explain a command");
  help->add_option("COMMAND", options.who, "which");
  return grammar;
}

bool parse_arguments(CLI::App& grammar, Options& options, int argc, const char* const* argv, int& exit_code) {
  exit_code = exit_done;
  try {
    grammar.parse(argc, argv);
    if (options.command != Command::Help) return true;
    // Of a grammar that has parsed nothing: one that has explains the command it met, which is `help`.
    Options ignored;
    const auto untouched = make_grammar(ignored);
    const CLI::App* about = options.who.empty() ? untouched.get() : untouched->get_subcommand(options.who);
    std::fputs(about->help(options.who.empty() ? "" : "chasqui").c_str(), stdout);
  } catch (const CLI::OptionNotFound&) {
    std::fprintf(stderr, "chasqui: there is no command %s; `chasqui help` lists them\n", options.who.c_str());
    exit_code = exit_usage;
  } catch (const CLI::ParseError& error) {
    exit_code = grammar.exit(error) == 0 ? exit_done : exit_usage;
  }
  return false;
}

}  // namespace chasqui::cli
