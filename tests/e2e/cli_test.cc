// The command line against a real server, as a script would use it.
#include <sys/stat.h>

#include <filesystem>

#include "tests/e2e/chasqui_world.h"

namespace chasqui::e2e {
namespace {

class CommandLine : public ChasquiWorld {};

TEST_F(CommandLine, two_people_register_and_one_message_arrives) {
  register_user("ana");
  register_user("beto");
  const Ran sent = chasqui("ana", {"send", "@Beto", "hola, ¿qué tal?", "--json"});
  ASSERT_EQ(sent.exit_code, 0) << sent.err;
  const auto accepted = objects(sent.out);
  ASSERT_EQ(accepted.size(), 1U);
  EXPECT_EQ(accepted[0].at("seq").to_number<int>(), 1);
  EXPECT_GT(accepted[0].at("time_ms").to_number<std::int64_t>(), 1'500'000'000'000);
  EXPECT_EQ(accepted[0].at("conversation").as_string().size(), 32U);

  const auto received = objects(inbox("beto", 1));
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].at("from").as_string(), "ana");
  EXPECT_EQ(received[0].at("text").as_string(), "hola, ¿qué tal?");
  EXPECT_EQ(received[0].at("conversation"), accepted[0].at("conversation"));
  EXPECT_EQ(received[0].at("seq").to_number<int>(), 1);
  EXPECT_EQ(received[0].at("time_ms"), accepted[0].at("time_ms"));
  EXPECT_EQ(chasqui("beto", {"inbox", "--json"}).out, "") << "what was shown does not come again";
  EXPECT_EQ(chasqui("ana", {"inbox", "--json"}).out, "") << "one's own messages are no news";

  const Ran history = chasqui("ana", {"history", "beto", "--json"});
  EXPECT_EQ(history.exit_code, 0) << history.err;
  ASSERT_EQ(objects(history.out).size(), 1U);
  EXPECT_EQ(objects(history.out)[0], received[0]) << "history and inbox print the same object";
  EXPECT_NE(chasqui("ana", {"history", "beto"}).out.find("ana: hola, ¿qué tal?"), std::string::npos);
}

TEST_F(CommandLine, a_pipeline_of_lines_is_accepted_in_order) {
  register_user("ana");
  register_user("beto");
  std::string lines;
  for (int i = 1; i <= 700; ++i) lines += "line " + std::to_string(i) + "\n";
  const Ran sent = chasqui("ana", {"send", "beto", "-", "--json"}, lines);
  ASSERT_EQ(sent.exit_code, 0) << sent.err;
  const auto accepted = objects(sent.out);
  ASSERT_EQ(accepted.size(), 700U);
  for (std::size_t i = 0; i < accepted.size(); ++i) EXPECT_EQ(accepted[i].at("seq").to_number<std::size_t>(), i + 1);

  // Any --limit, by paging, ascending; --after is exclusive.
  const auto all = texts(chasqui("beto", {"history", "ana", "--limit", "1000", "--json"}).out);
  ASSERT_EQ(all.size(), 700U);
  EXPECT_EQ(all.front(), "line 1");
  EXPECT_EQ(all.back(), "line 700");
  const auto some = texts(chasqui("beto", {"history", "ana", "--after", "10", "--limit", "450", "--json"}).out);
  ASSERT_EQ(some.size(), 450U);
  EXPECT_EQ(some.front(), "line 11");
  EXPECT_EQ(some.back(), "line 460");
  EXPECT_EQ(texts(chasqui("beto", {"history", "ana", "--json"}).out).size(), 50U);
  EXPECT_EQ(chasqui("beto", {"history", "ana", "--after", "700", "--json"}).out, "");
  EXPECT_EQ(texts(inbox("beto", 700)), all);
}

TEST_F(CommandLine, the_exit_code_says_what_went_wrong) {
  register_user("ana");
  const Ran nobody = chasqui("ana", {"send", "nobody_here", "hola"});
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_NE(nobody.err.find("NOT_FOUND"), std::string::npos) << nobody.err;
  const Ran taken = chasqui("other", {"register", "ana", "--password-file", "-"}, "another long password\n");
  EXPECT_EQ(taken.exit_code, 1);
  EXPECT_NE(taken.err.find("ALREADY_EXISTS"), std::string::npos) << taken.err;
  const Ran wrong = chasqui("other", {"login", "ana", "--password-file", "-"}, "not her password\n");
  EXPECT_EQ(wrong.exit_code, 1);
  const Ran large = chasqui("ana", {"send", "ana", "-"}, std::string(64 * 1024 + 1, 'x') + "\n");
  EXPECT_EQ(large.exit_code, 1);
  EXPECT_NE(large.err.find("INVALID_ARGUMENT"), std::string::npos) << large.err;

  EXPECT_EQ(chasqui("stranger", {"inbox"}).exit_code, 2);
  EXPECT_EQ(chasqui("ana", {"register", "ana2", "--password-file", "-"}, "x\n").exit_code, 2);
  EXPECT_EQ(chasqui("ana", {"send"}).exit_code, 2);
  EXPECT_EQ(chasqui("no_tty", {"register", "carla"}).exit_code, 2) << "there is no terminal to ask on";
  const Ran version = chasqui("ana", {"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(version.out.substr(0, 8), "chasqui ");

  server.kill_9();
  const Ran unreachable = chasqui("ana", {"send", "ana", "hola", "--timeout", "1"});
  EXPECT_EQ(unreachable.exit_code, 3);
  EXPECT_NE(unreachable.err.find("nothing was kept"), std::string::npos) << unreachable.err;
  EXPECT_EQ(chasqui("ana", {"history", "ana", "--timeout", "1"}).exit_code, 3);
  EXPECT_EQ(chasqui("ana", {"inbox", "--timeout", "1"}).exit_code, 3);
  EXPECT_EQ(chasqui("dora", {"register", "dora", "--password-file", "-", "--timeout", "1"}, "a long password here\n")
                .exit_code,
            3);
}

TEST_F(CommandLine, credentials_are_readable_by_their_owner_alone) {
  ::umask(0);
  register_user("ana");
  struct stat info{};
  ASSERT_EQ(::stat((home("ana") + "/credentials.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat(home("ana").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  EXPECT_FALSE(std::filesystem::exists(home("ana") + "/pending.json"));
}

TEST_F(CommandLine, a_registration_whose_answer_was_lost_is_simply_repeated) {
  register_user("ana");
  // As after a crash between the server's answer and the last write.
  const std::string credentials = home("ana") + "/credentials.json";
  std::ifstream file(credentials);
  const auto object = boost::json::parse(std::string(std::istreambuf_iterator<char>(file), {})).as_object();
  std::filesystem::remove(credentials);
  std::ofstream(home("ana") + "/pending.json") << boost::json::serialize(boost::json::object{
      {"server", object.at("server")}, {"handle", "ana"}, {"kind", "accounts"}, {"secret", object.at("secret")}});
  register_user("ana");
  std::ifstream again(credentials);
  EXPECT_EQ(boost::json::parse(std::string(std::istreambuf_iterator<char>(again), {})).as_object(), object);
}

TEST_F(CommandLine, a_second_device_gets_everything_and_a_logged_out_one_nothing) {
  register_user("ana");
  register_user("beto");
  ASSERT_EQ(chasqui("ana", {"send", "beto", "uno"}).exit_code, 0);
  ASSERT_EQ(chasqui("beto", {"send", "ana", "dos"}).exit_code, 0);
  const Ran login = chasqui("beto-phone", {"login", "beto", "--password-file", "-"}, std::string(password) + "\n");
  ASSERT_EQ(login.exit_code, 0) << login.err;
  EXPECT_EQ(texts(inbox("beto-phone", 2)), (std::vector<std::string>{"uno", "dos"}));

  const Ran logout = chasqui("beto-phone", {"logout"});
  EXPECT_EQ(logout.exit_code, 0) << logout.err;
  EXPECT_FALSE(std::filesystem::exists(home("beto-phone") + "/credentials.json"));
  EXPECT_EQ(chasqui("beto-phone", {"inbox"}).exit_code, 2);
  EXPECT_EQ(chasqui("beto", {"history", "ana"}).exit_code, 0) << "the other device is still in";
}

TEST_F(CommandLine, one_may_chat_with_oneself) {
  register_user("ana");
  ASSERT_EQ(chasqui("ana", {"send", "ana", "buy bread"}).exit_code, 0);
  EXPECT_EQ(texts(inbox("ana", 1)), std::vector<std::string>{"buy bread"});
}

TEST_F(CommandLine, while_one_program_holds_the_home_others_go_through_it) {
  register_user("ana");
  register_user("beto");
  Program follower(words("beto", {"inbox", "--follow", "--json"}));
  ASSERT_EQ(chasqui("ana", {"send", "beto", "are you there?"}).exit_code, 0);
  ASSERT_TRUE(follower.sees("are you there?"));
  const Ran sent = chasqui("beto", {"send", "ana", "yes", "--json"});
  EXPECT_EQ(sent.exit_code, 0) << sent.err;
  EXPECT_EQ(objects(sent.out).at(0).at("seq").to_number<int>(), 2);
  EXPECT_EQ(texts(chasqui("beto", {"history", "ana", "--json"}).out).size(), 2U);
  EXPECT_EQ(chasqui("beto", {"send", "nobody_here", "x"}).exit_code, 1);
  EXPECT_EQ(chasqui("beto", {"logout"}).exit_code, 2) << "it says who must be closed first";
  follower.signal(SIGINT);
  EXPECT_EQ(follower.wait(), 0);
  EXPECT_EQ(chasqui("beto", {"inbox", "--json"}).out, "");
  EXPECT_EQ(texts(inbox("ana", 1)), std::vector<std::string>{"yes"});
}

TEST_F(CommandLine, a_message_cannot_paint_the_readers_terminal) {
  register_user("ana");
  ASSERT_EQ(chasqui("ana", {"send", "ana", "\x1b[2Jboo"}).exit_code, 0);
  const Ran history = chasqui("ana", {"history", "ana"});
  EXPECT_EQ(history.out.find('\x1b'), std::string::npos);
  EXPECT_NE(history.out.find("boo"), std::string::npos);
}

TEST_F(CommandLine, what_did_not_reach_stdout_comes_again) {
  register_user("ana");
  ASSERT_EQ(chasqui("ana", {"send", "ana", "note"}).exit_code, 0);
  ::usleep(300'000);
  std::string command;
  for (const std::string& word : words("ana", {"inbox", "--json"})) command += "'" + word + "' ";
  EXPECT_EQ(run({"/bin/sh", "-c", command + "> /dev/full"}).exit_code, 1);
  EXPECT_EQ(texts(inbox("ana", 1)), std::vector<std::string>{"note"});
}

}  // namespace
}  // namespace chasqui::e2e
