#include "runtime/chasqui/arguments.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <vector>

#include "runtime/chasqui/completion.h"

namespace chasqui::cli {
namespace {

struct Typed {
  bool goes_on = false;
  int exit_code = 0;
  Options options;
};

Typed type(std::vector<const char*> words) {
  ::unsetenv("CHASQUI_SERVER");
  ::unsetenv("CHASQUI_HOME");
  Typed typed;
  words.insert(words.begin(), "chasqui");
  const auto grammar = make_grammar(typed.options);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  typed.goes_on =
      parse_arguments(*grammar, typed.options, static_cast<int>(words.size()), words.data(), typed.exit_code);
  testing::internal::GetCapturedStdout();
  testing::internal::GetCapturedStderr();
  return typed;
}

TEST(Arguments, a_message_may_be_words_a_dash_or_nothing) {
  EXPECT_EQ(type({"send", "beto", "hola", "¿qué", "tal?"}).options.text, "hola ¿qué tal?");
  EXPECT_EQ(type({"send", "@beto", "-"}).options.text, std::nullopt);
  EXPECT_EQ(type({"send", "beto"}).options.text, std::nullopt);
  EXPECT_EQ(type({"send", "beto", "--", "-x"}).options.text, "-x");
  EXPECT_EQ(type({"send", "beto", "x"}).options.command, Command::Send);
}

TEST(Arguments, what_is_about_a_message_names_it_by_its_number) {
  const Typed reply = type({"reply", "beto", "3", "yes,", "at", "5"});
  EXPECT_EQ(reply.options.command, Command::Reply);
  EXPECT_EQ(reply.options.seq, 3U);
  EXPECT_EQ(reply.options.text, "yes, at 5");
  EXPECT_EQ(type({"react", "beto", "3"}).options.text, "");
  EXPECT_EQ(type({"edit", "beto", "3"}).exit_code, 2) << "what should it say?";
  EXPECT_EQ(type({"pin", "beto", "0"}).exit_code, 2);
  const Typed hidden = type({"delete", "beto", "3", "--for-me", "--json"});
  EXPECT_EQ(hidden.options.command, Command::Delete);
  EXPECT_TRUE(hidden.options.for_me);
  EXPECT_TRUE(hidden.options.json);
  EXPECT_EQ(type({"vote", "beto", "3", "13"}).exit_code, 2);
  EXPECT_EQ(type({"poll", "beto", "when?", "at 5"}).exit_code, 2) << "one option is no poll";
  EXPECT_EQ(type({"poll", "beto", "when?", "at 5", "at 6"}).options.words.size(), 3U);
  EXPECT_EQ(type({"timer", "beto", "24h"}).options.command, Command::Timer);
  EXPECT_EQ(type({"timer", "beto", "soon"}).exit_code, 2);
  EXPECT_EQ(type({"privacy", "--presence", "some"}).exit_code, 2);
}

TEST(Arguments, common_options_stand_before_or_behind_the_command) {
  const Typed before = type({"--json", "--home", "/h", "--server", "http://a:1", "history", "beto", "--after", "7"});
  EXPECT_TRUE(before.goes_on);
  EXPECT_TRUE(before.options.json);
  EXPECT_EQ(before.options.home, "/h");
  EXPECT_EQ(before.options.after_seq, 7U);
  EXPECT_EQ(before.options.limit, 50U);
  const Typed behind = type({"history", "beto", "--limit", "3", "--json", "--timeout", "2"});
  EXPECT_TRUE(behind.options.json);
  EXPECT_EQ(behind.options.limit, 3U);
  EXPECT_EQ(behind.options.timeout_s, 2U);
}

TEST(Arguments, a_wrong_command_line_is_exit_code_2) {
  for (const std::vector<const char*>& words :
       std::vector<std::vector<const char*>>{{},
                                             {"sned", "beto"},
                                             {"send"},
                                             {"chat"},
                                             {"history", "beto", "--limit", "0"},
                                             {"history", "b", "--after", "x"},
                                             {"inbox", "--color", "blue"},
                                             {"--nonsense", "inbox"},
                                             {"completion", "tcsh"},
                                             {"help", "me"}}) {
    const Typed typed = type(words);
    EXPECT_FALSE(typed.goes_on);
    EXPECT_EQ(typed.exit_code, 2) << (words.empty() ? "nothing" : words.front());
  }
}

TEST(Arguments, help_and_version_are_no_errors) {
  for (const std::vector<const char*>& words : std::vector<std::vector<const char*>>{
           {"--help"}, {"--version"}, {"help"}, {"help", "send"}, {"send", "--help"}}) {
    const Typed typed = type(words);
    EXPECT_FALSE(typed.goes_on);
    EXPECT_EQ(typed.exit_code, 0);
  }
}

TEST(Completion, every_command_and_option_is_offered_in_every_shell) {
  Options options;
  const auto grammar = make_grammar(options);
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion(*grammar, shell);
    for (const char* word : {"register", "login", "logout", "chat", "send", "history", "inbox", "completion", "help",
                             "password-file", "follow", "after", "limit", "json", "server", "home"}) {
      EXPECT_NE(script.find(word), std::string::npos) << shell << " lacks " << word;
    }
  }
}

}  // namespace
}  // namespace chasqui::cli
