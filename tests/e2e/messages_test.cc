// What can be said beside plain text, and about earlier messages, from the command line to the other side's.
#include "tests/e2e/chasqui_world.h"

namespace chasqui::e2e {
namespace {

class Messages : public ChasquiWorld {
 protected:
  void SetUp() override {
    ChasquiWorld::SetUp();
    register_user("ana");
    register_user("beto");
  }
  // A command that is done, with the seq that it was given.
  std::uint64_t said(const std::string& who, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "--json");
    const Ran ran = chasqui(who, arguments);
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    const auto all = objects(ran.out);
    return all.empty() ? 0 : all[0].at("seq").to_number<std::uint64_t>();
  }
  std::vector<boost::json::object> history(const std::string& who, const std::string& with) {
    return objects(chasqui(who, {"history", with, "--json"}).out);
  }
};

TEST_F(Messages, a_reply_an_edit_a_reaction_and_a_deletion_are_seen_on_the_other_side) {
  EXPECT_EQ(said("ana", {"send", "beto", "shall we meat?"}), 1U);
  EXPECT_EQ(said("beto", {"reply", "ana", "1", "when?"}), 2U);
  EXPECT_EQ(said("ana", {"edit", "beto", "1", "shall we meet?"}), 3U);
  EXPECT_EQ(said("beto", {"react", "ana", "1", "👍"}), 4U);
  auto events = history("beto", "ana");
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0].at("edited_by").to_number<int>(), 3);
  EXPECT_EQ(events[1].at("about").as_string(), "reply");
  EXPECT_EQ(events[1].at("about_seq").to_number<int>(), 1);
  EXPECT_EQ(events[2].at("about").as_string(), "edit");
  EXPECT_EQ(events[2].at("text").as_string(), "shall we meet?");
  EXPECT_EQ(events[3].at("about").as_string(), "reaction");
  EXPECT_EQ(events[3].at("text").as_string(), "👍");

  const Ran not_his = chasqui("beto", {"edit", "ana", "1", "mine now"});
  EXPECT_EQ(not_his.exit_code, 1);
  EXPECT_NE(not_his.err.find("PERMISSION_DENIED"), std::string::npos) << not_his.err;
  const Ran nothing = chasqui("beto", {"reply", "ana", "99", "x"});
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_NE(nothing.err.find("NOT_FOUND"), std::string::npos) << nothing.err;

  EXPECT_EQ(said("ana", {"delete", "beto", "1"}), 5U);
  events = history("beto", "ana");
  ASSERT_EQ(events.size(), 5U);
  for (const std::size_t gone : {0U, 2U}) {
    EXPECT_TRUE(events[gone].at("text").is_null());
    EXPECT_EQ(events[gone].at("kind").as_string(), "deleted");
  }
  EXPECT_EQ(events[4].at("about").as_string(), "deletion");
  const std::string lines = chasqui("beto", {"history", "ana", "--numbers"}).out;
  EXPECT_EQ(lines.find("meat"), std::string::npos) << lines;
  EXPECT_NE(lines.find("(to 1) when?"), std::string::npos) << lines;
}

TEST_F(Messages, three_are_pinned_and_a_poll_is_voted_on) {
  EXPECT_EQ(said("ana", {"poll", "beto", "when?", "at 5", "at 6", "at 7", "--choices", "2"}), 1U);
  EXPECT_EQ(said("beto", {"vote", "ana", "1", "3", "1"}), 2U);
  const Ran third = chasqui("beto", {"vote", "ana", "1", "4"});
  EXPECT_EQ(third.exit_code, 1);
  EXPECT_NE(third.err.find("INVALID_ARGUMENT"), std::string::npos) << third.err;
  EXPECT_EQ(said("beto", {"pin", "ana", "1"}), 3U);
  auto events = history("ana", "beto");
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].at("kind").as_string(), "poll");
  EXPECT_EQ(events[0].at("poll").as_object().at("options").as_array().size(), 3U);
  EXPECT_EQ(events[0].at("poll").as_object().at("choices").to_number<int>(), 2);
  EXPECT_TRUE(events[0].at("pinned").as_bool());
  EXPECT_EQ(events[1].at("votes").as_array(), (boost::json::array{1, 3}));
  EXPECT_EQ(said("ana", {"unpin", "beto", "1"}), 4U);
  EXPECT_FALSE(history("ana", "beto")[0].contains("pinned"));
  EXPECT_NE(chasqui("ana", {"history", "beto"}).out.find("[poll] when?  1) at 5"), std::string::npos);
}

TEST_F(Messages, places_cards_mentions_and_forwards_arrive_as_they_were) {
  register_user("eva");
  EXPECT_EQ(said("ana", {"location", "beto", "--", "-12.0464", "-77.0428", "Lima"}), 1U);
  EXPECT_EQ(said("ana", {"contact", "beto", "Eva", "Luna", "--phone", "+51 1 234"}), 2U);
  EXPECT_EQ(said("ana", {"send", "beto", "look, @beto!"}), 3U);
  const auto events = history("beto", "ana");
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].at("location").as_object().at("latitude").as_string(), "-12.0464");
  EXPECT_EQ(events[0].at("location").as_object().at("name").as_string(), "Lima");
  EXPECT_EQ(events[1].at("contact").as_object().at("name").as_string(), "Eva Luna");
  EXPECT_EQ(events[2].at("mentions").as_array().size(), 1U);
  EXPECT_EQ(chasqui("ana", {"location", "beto", "--", "91", "0"}).exit_code, 1);

  EXPECT_EQ(said("beto", {"forward", "ana", "3", "eva"}), 1U);
  const auto forwarded = history("eva", "beto");
  ASSERT_EQ(forwarded.size(), 1U);
  EXPECT_EQ(forwarded[0].at("text").as_string(), "look, @beto!");
  EXPECT_EQ(forwarded[0].at("forwards").to_number<int>(), 1);
  EXPECT_EQ(said("eva", {"forward", "beto", "1", "ana"}), 1U);
  EXPECT_EQ(history("ana", "eva")[0].at("forwards").to_number<int>(), 2);
}

TEST_F(Messages, what_is_to_disappear_does) {
  EXPECT_EQ(said("ana", {"send", "beto", "stays"}), 1U);
  EXPECT_EQ(said("beto", {"timer", "ana", "2s"}), 2U);
  EXPECT_EQ(said("ana", {"send", "beto", "a short secret"}), 3U);
  EXPECT_EQ(history("beto", "ana").back().at("text").as_string(), "a short secret");
  ::usleep(4'000'000);
  const auto events = history("beto", "ana");
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].at("text").as_string(), "stays");
  EXPECT_EQ(events[1].at("timer_s").to_number<int>(), 2);
  EXPECT_EQ(events[2].at("kind").as_string(), "expired");
  EXPECT_TRUE(events[2].at("text").is_null());
  EXPECT_EQ(chasqui("ana", {"timer", "beto", "soon"}).exit_code, 2);
}

TEST_F(Messages, deleted_for_me_is_gone_on_all_my_devices_and_nowhere_else) {
  EXPECT_EQ(said("ana", {"send", "beto", "one"}), 1U);
  EXPECT_EQ(said("ana", {"send", "beto", "two"}), 2U);
  const Ran hidden = chasqui("beto", {"delete", "ana", "1", "--for-me", "--json"});
  ASSERT_EQ(hidden.exit_code, 0) << hidden.err;
  EXPECT_EQ(texts(chasqui("beto", {"history", "ana", "--json"}).out), std::vector<std::string>{"two"});
  EXPECT_EQ(texts(chasqui("ana", {"history", "beto", "--json"}).out), (std::vector<std::string>{"one", "two"}));
  const Ran login = chasqui("phone", {"login", "beto", "--password-file", "-"}, std::string(password) + "\n");
  ASSERT_EQ(login.exit_code, 0) << login.err;
  EXPECT_EQ(texts(inbox("phone", 1)), std::vector<std::string>{"two"});
  EXPECT_EQ(texts(chasqui("phone", {"history", "ana", "--json"}).out), std::vector<std::string>{"two"});
}

TEST_F(Messages, one_sees_who_is_online_and_writes_unless_they_do_not_want_it) {
  Program watcher(words("beto", {"presence", "ana", "--follow", "--json"}));
  ASSERT_TRUE(watcher.sees("last_seen_ms")) << watcher.out() << watcher.err();
  Program ana(words("ana", {"chat", "beto"}), Program::Terminal::Yes);
  ASSERT_TRUE(ana.sees("online as @ana")) << ana.out();
  ASSERT_TRUE(watcher.sees("\"online\":true")) << watcher.out();
  ana.type("h");
  ASSERT_TRUE(watcher.sees("\"typing\":true")) << watcher.out();
  ana.type("i\r");
  ASSERT_TRUE(watcher.sees("\"typing\":false")) << watcher.out();
  ana.type("/quit\r");
  EXPECT_EQ(ana.wait(), 0);
  for (int i = 0; i < 50 && watcher.out().rfind("last_seen_ms") < watcher.out().rfind("\"online\""); ++i) {
    (void)watcher.sees("never said", 100);
  }
  EXPECT_GT(watcher.out().rfind("last_seen_ms"), watcher.out().rfind("\"online\"")) << watcher.out();
  watcher.signal(SIGINT);
  EXPECT_EQ(watcher.wait(), 0);

  const Ran set = chasqui("ana", {"privacy", "--presence", "nobody", "--json"});
  ASSERT_EQ(set.exit_code, 0) << set.err;
  EXPECT_EQ(objects(set.out).at(0).at("presence").as_string(), "nobody");
  EXPECT_EQ(objects(chasqui("ana", {"privacy", "--json"}).out).at(0).at("presence").as_string(), "nobody");
  const Ran unseen = chasqui("beto", {"presence", "ana", "--json"});
  EXPECT_EQ(unseen.exit_code, 0) << unseen.err;
  EXPECT_EQ(unseen.out, "{\"user\":\"ana\"}\n");
}

}  // namespace
}  // namespace chasqui::e2e
