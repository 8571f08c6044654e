// Groups from the command line, against a real server.
#include "tests/e2e/chasqui_world.h"

namespace chasqui::e2e {
namespace {

class Group : public ChasquiWorld {
 protected:
  // "chasqui group ..." as `who`; the one JSON object that it prints.
  boost::json::object group(const std::string& who, std::vector<std::string> rest) const {
    rest.insert(rest.begin(), "group");
    rest.emplace_back("--json");
    const Ran ran = chasqui(who, rest);
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    const auto all = objects(ran.out);
    return all.size() == 1 ? all[0] : boost::json::object();
  }
  static std::string id_of(const boost::json::object& object) { return object.at("conversation").as_string().c_str(); }
  // What `who` reads there: texts, and of changes what they did.
  std::vector<std::string> reads(const std::string& who, const std::string& id) const {
    const Ran ran = chasqui(who, {"history", id, "--json"});
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    std::vector<std::string> lines;
    for (const auto& object : objects(ran.out)) {
      lines.emplace_back(object.at("text").is_string() ? object.at("text").as_string().c_str()
                                                       : object.at("change").at("what").as_string().c_str());
    }
    return lines;
  }
};

using Lines = std::vector<std::string>;

TEST_F(Group, people_talk_in_a_group_and_each_reads_what_happened_while_he_was_in_it) {
  for (const char* who : {"ana", "beto", "carla", "dora"}) register_user(who);
  const std::string id = id_of(group("ana", {"create", "Club", "beto", "@Carla"}));
  ASSERT_EQ(id.size(), 32U);
  ASSERT_EQ(chasqui("beto", {"send", id, "hola"}).exit_code, 0);
  group("ana", {"remove", id, "carla"});
  ASSERT_EQ(chasqui("ana", {"send", id, "carla is gone"}).exit_code, 0);
  const Ran refused = chasqui("carla", {"send", id, "am I?"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("PERMISSION_DENIED"), std::string::npos) << refused.err;
  EXPECT_EQ(reads("carla", id), (Lines{"create", "hola", "remove"}));
  group("ana", {"add", id, "carla", "dora"});
  group("ana", {"title", id, "Our club"});
  ASSERT_EQ(chasqui("carla", {"send", id, "again"}).exit_code, 0);
  EXPECT_EQ(reads("carla", id), (Lines{"create", "hola", "remove", "add", "edit", "again"}));
  EXPECT_EQ(reads("dora", id), (Lines{"add", "edit", "again"}));
  EXPECT_EQ(reads("beto", id), (Lines{"create", "hola", "remove", "carla is gone", "add", "edit", "again"}));

  // The inbox takes the same, though there are seqs that are not for her.
  const auto received = objects(inbox("dora", 3));
  ASSERT_EQ(received.size(), 3U);
  EXPECT_EQ(received[2].at("from").as_string(), "carla");
  EXPECT_EQ(received[2].at("text").as_string(), "again");
  EXPECT_EQ(objects(inbox("carla", 5)).size(), 5U) << "all but her own";

  const auto shown = group("dora", {"show", id});
  EXPECT_EQ(shown.at("title").as_string(), "Our club");
  EXPECT_EQ(shown.at("members").as_array().size(), 4U);
  group("dora", {"leave", id});
  EXPECT_EQ(chasqui("dora", {"group", "show", id}).exit_code, 1);
}

TEST_F(Group, a_stranger_learns_nothing) {
  for (const char* who : {"ana", "beto", "eve"}) register_user(who);
  const std::string id = id_of(group("ana", {"create", "Club", "beto"}));
  const std::string other = "8000000000000000" + id.substr(16);
  for (const std::vector<std::string>& words :
       {Lines{"history", id}, Lines{"send", id, "hola"}, Lines{"group", "show", id},
        Lines{"group", "title", id, "Mine"}, Lines{"group", "leave", id}}) {
    const Ran there = chasqui("eve", words);
    Lines elsewhere = words;
    for (std::string& word : elsewhere) {
      if (word == id) word = other;
    }
    const Ran nowhere = chasqui("eve", elsewhere);
    EXPECT_EQ(there.exit_code, 1) << words[0];
    EXPECT_EQ(nowhere.exit_code, 1) << words[0];
    EXPECT_NE(there.err.find("PERMISSION_DENIED"), std::string::npos) << there.err;
    std::string said = there.err;
    if (const std::size_t at = said.find(id); at != std::string::npos) said.replace(at, id.size(), other);
    EXPECT_EQ(said, nowhere.err) << words[0];
  }
}

TEST_F(Group, admins_links_bans_and_the_owner_s_succession) {
  for (const char* who : {"ana", "beto", "carla", "dora"}) register_user(who);
  const std::string id = id_of(group("ana", {"create", "Club", "beto"}));
  EXPECT_EQ(chasqui("beto", {"group", "add", id, "carla"}).exit_code, 1) << "admins add";
  group("ana", {"role", id, "beto", "admin"});
  group("beto", {"permissions", id, "--send", "admin"});
  const std::string link = group("beto", {"link", id}).at("link").as_string().c_str();
  group("carla", {"join", link});
  EXPECT_EQ(chasqui("carla", {"send", id, "hola"}).exit_code, 1) << "admins write";
  group("beto", {"permissions", id, "--send", "member"});
  EXPECT_EQ(chasqui("carla", {"send", id, "hola"}).exit_code, 0);

  const std::string asking = group("beto", {"link", id, "--approval"}).at("link").as_string().c_str();
  const Ran asked = chasqui("dora", {"group", "join", asking});
  EXPECT_EQ(asked.exit_code, 1);
  EXPECT_NE(asked.err.find("FAILED_PRECONDITION"), std::string::npos) << asked.err;
  EXPECT_EQ(group("ana", {"show", id}).at("requests").as_array().size(), 1U);
  group("ana", {"admit", id, "dora"});
  EXPECT_EQ(chasqui("dora", {"send", id, "here"}).exit_code, 0);
  group("beto", {"mute", id, "dora"});
  EXPECT_EQ(chasqui("dora", {"send", id, "mm"}).exit_code, 1);
  group("beto", {"unmute", id, "dora"});
  EXPECT_EQ(chasqui("dora", {"send", id, "free"}).exit_code, 0);
  group("beto", {"unlink", link});
  group("beto", {"remove", id, "carla", "--ban"});
  EXPECT_EQ(chasqui("carla", {"group", "join", asking}).exit_code, 1);

  group("ana", {"leave", id});
  const boost::json::object shown = group("beto", {"show", id});
  for (const auto& member : shown.at("members").as_array()) {
    if (member.at("handle").as_string() != "beto") continue;
    EXPECT_EQ(member.at("role").as_string(), "owner");
  }
  group("beto", {"delete", id});
  EXPECT_EQ(chasqui("dora", {"send", id, "anybody?"}).exit_code, 1);
}

TEST_F(Group, a_chat_shows_who_says_what_and_what_becomes_of_the_group) {
  for (const char* who : {"ana", "beto", "carla"}) register_user(who);
  const std::string id = id_of(group("ana", {"create", "Club", "beto"}));
  Program beto(words("beto", {"chat", id}));
  ASSERT_TRUE(beto.sees("online as @beto")) << beto.out();
  ASSERT_TRUE(beto.sees("ana: [created the group \"Club\" with beto]")) << beto.out() << beto.err();
  group("ana", {"add", id, "carla"});
  ASSERT_TRUE(beto.sees("ana: [added carla]")) << beto.out();
  ASSERT_EQ(chasqui("carla", {"send", id, "hola"}).exit_code, 0);
  ASSERT_TRUE(beto.sees("carla: hola")) << beto.out();
  beto.type("welcome\n");
  ASSERT_TRUE(beto.sees("beto: welcome  ✓")) << beto.out();
  beto.close_stdin();
  EXPECT_EQ(beto.wait(), 0) << beto.err();
  const auto received = objects(inbox("carla", 2));
  ASSERT_EQ(received.size(), 2U);
  EXPECT_EQ(received[1].at("text").as_string(), "welcome");
}

}  // namespace
}  // namespace chasqui::e2e
