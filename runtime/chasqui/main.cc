// chasqui: chat from the command line.
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>

#include "runtime/chasqui/arguments.h"
#include "runtime/chasqui/commands.h"
#include "runtime/chasqui/completion.h"
#include "runtime/chasqui/outcome.h"

namespace {

// Messages are UTF-8: under a locale that is not, editing and widths would be wrong.
void choose_locale() {
  const char* locale = std::setlocale(LC_ALL, "");
  if (locale == nullptr || std::strcmp(locale, "C") == 0 || std::strcmp(locale, "POSIX") == 0) {
    std::setlocale(LC_CTYPE, "C.UTF-8");
  }
}

int run(int argc, const char* const* argv) {
  using chasqui::cli::Command;
  chasqui::cli::Options options;
  const auto grammar = chasqui::cli::make_grammar(options);
  int exit_code = 0;
  if (!chasqui::cli::parse_arguments(*grammar, options, argc, argv, exit_code)) return exit_code;
  switch (options.command) {
    case Command::Register:
    case Command::Login: return chasqui::cli::run_account(options);
    case Command::Logout: return chasqui::cli::run_logout(options);
    case Command::Chat: return chasqui::cli::run_chat(options);
    case Command::Send:
    case Command::Reply:
    case Command::Edit:
    case Command::React:
    case Command::Pin:
    case Command::Unpin:
    case Command::Poll:
    case Command::Vote:
    case Command::Location:
    case Command::Contact:
    case Command::Timer:
    case Command::Forward: return chasqui::cli::run_send(options);
    case Command::Delete: return options.for_me ? chasqui::cli::run_hide(options) : chasqui::cli::run_send(options);
    case Command::Presence: return chasqui::cli::run_presence(options);
    case Command::Privacy: return chasqui::cli::run_privacy(options);
    case Command::Receipts: return chasqui::cli::run_receipts(options);
    case Command::Conversations: return chasqui::cli::run_conversations(options);
    case Command::Log: return chasqui::cli::run_log(options);
    case Command::Block:
    case Command::Unblock:
    case Command::Accept: return chasqui::cli::run_gate(options);
    case Command::Requests: return chasqui::cli::run_requests(options);
    case Command::History: return chasqui::cli::run_history(options);
    case Command::Group: return chasqui::cli::run_group(options);
    case Command::Cluster: return chasqui::cli::run_cluster(options);
    case Command::Inbox: return chasqui::cli::run_inbox(options);
    case Command::Completion:
      std::fputs(chasqui::cli::completion(*grammar, options.who).c_str(), stdout);
      return std::fflush(stdout) == 0 ? 0 : 1;
    case Command::None:
    case Command::Help: break;
  }
  return chasqui::cli::exit_usage;
}

}  // namespace

int main(int argc, char** argv) {
  choose_locale();
  std::signal(SIGPIPE, SIG_IGN);  // a reader that left is seen where we write
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {  // of Boost or the standard library: want of memory or descriptors
    std::fprintf(stderr, "chasqui: INTERNAL: %s\n", error.what());
    return chasqui::cli::exit_refused;
  }
}
