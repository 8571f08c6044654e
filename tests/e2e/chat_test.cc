// `chasqui chat`, on a terminal and in a pipe.
#include "tests/e2e/chasqui_world.h"

namespace chasqui::e2e {
namespace {

class Chat : public ChasquiWorld {};

TEST_F(Chat, two_people_talk_and_each_sees_what_became_of_a_message) {
  register_user("ana");
  register_user("beto");
  Program ana(words("ana", {"chat", "beto"}), Program::Terminal::Yes);
  ASSERT_TRUE(ana.sees("online as @ana")) << ana.out();
  ana.type("hola\r");
  ASSERT_TRUE(ana.sees("hola")) << ana.out();
  ASSERT_TRUE(ana.sees("✓")) << ana.out();

  Program beto(words("beto", {"chat", "ana"}), Program::Terminal::Yes);
  ASSERT_TRUE(beto.sees("hola")) << beto.out();
  EXPECT_EQ(ana.out().find("✓✓"), std::string::npos) << "he does not know her yet";
  ASSERT_TRUE(beto.sees("online as @beto"));
  beto.type("/accept\r");
  ASSERT_TRUE(beto.sees("@ana may write to you")) << beto.out();
  ASSERT_TRUE(ana.sees("✓✓ read")) << ana.out();

  // What comes does not destroy the line being typed.
  ana.type("half a li");
  ASSERT_TRUE(ana.sees("half a li"));
  beto.type("interrupting you\r");
  ASSERT_TRUE(ana.sees("interrupting you")) << ana.out();
  ASSERT_TRUE(ana.sees("> half a li")) << ana.out();
  ana.type("ne\r");
  ASSERT_TRUE(beto.sees("half a line")) << beto.out();

  ana.type("\x04");
  EXPECT_EQ(ana.wait(), 0) << ana.out();
  beto.type("/quit\r");
  EXPECT_EQ(beto.wait(), 0) << beto.out();
}

TEST_F(Chat, what_is_written_while_the_server_is_away_is_sent_once_and_in_order) {
  register_user("ana");
  register_user("beto");
  Program ana(words("ana", {"chat", "beto"}));
  ASSERT_TRUE(ana.sees("online as @ana"));
  ana.type("before\n");
  ASSERT_TRUE(ana.sees("ana: before  ✓"));
  server.kill_9();
  ASSERT_TRUE(ana.sees("offline"));
  ana.type("first\nsecond\n");
  ASSERT_TRUE(ana.sees("ana: second  …"));
  // Killed as well, it has them on disk.
  ana.signal(SIGKILL);
  ana.wait();
  Program again(words("ana", {"chat", "beto"}));
  ASSERT_TRUE(again.sees("what you write is kept")) << again.out() << again.err();
  again.type("third\n");
  ASSERT_TRUE(again.sees("ana: third  …"));
  const absl::Status restarted = server.start();
  ASSERT_TRUE(restarted.ok()) << restarted;
  ASSERT_TRUE(again.sees("ana: third  ✓")) << again.out();
  again.close_stdin();
  EXPECT_EQ(again.wait(), 0) << again.err();
  EXPECT_EQ(texts(inbox("beto", 4)), (std::vector<std::string>{"before", "first", "second", "third"}));
}

TEST_F(Chat, in_a_group_its_members_see_who_writes) {
  register_user("ana");
  register_user("beto");
  const Ran created = chasqui("ana", {"--json", "group", "create", "Club", "beto"});
  ASSERT_EQ(created.exit_code, 0) << created.err;
  const std::string club = objects(created.out)[0].at("conversation").as_string().c_str();
  Program beto(words("beto", {"chat", club}), Program::Terminal::Yes);
  Program ana(words("ana", {"chat", club}), Program::Terminal::Yes);
  ASSERT_TRUE(beto.sees("online as @beto"));
  ASSERT_TRUE(ana.sees("online as @ana"));
  ::sleep(2);  // he watches her by now; it is said once for each time that she begins
  ana.type("ho");
  ASSERT_TRUE(beto.sees("@ana is writing")) << beto.out();
  ana.type("la\r");
  ASSERT_TRUE(beto.sees("hola")) << beto.out();
  ASSERT_TRUE(ana.sees("read 1 of 1")) << ana.out();
}

TEST_F(Chat, other_commands_of_the_same_home_work_meanwhile) {
  register_user("ana");
  register_user("beto");
  Program chat(words("ana", {"chat", "beto"}));
  ASSERT_TRUE(chat.sees("online as @ana"));
  EXPECT_EQ(chasqui("ana", {"send", "beto", "from the other window"}).exit_code, 0);
  ASSERT_TRUE(chat.sees("from the other window"));
  EXPECT_EQ(chasqui("ana", {"chat", "beto"}).exit_code, 2);
  chat.close_stdin();
  EXPECT_EQ(chat.wait(), 0);
}

}  // namespace
}  // namespace chasqui::e2e
