// `chasqui block`, `unblock`, `accept`, `requests` and `privacy --adds`, for people and for scripts.
#include "tests/e2e/chasqui_world.h"

namespace chasqui::e2e {
namespace {

class Gates : public ChasquiWorld {
 protected:
  void SetUp() override {
    ChasquiWorld::SetUp();
    register_user("ana");
    register_user("beto");
  }
  boost::json::object said(const std::string& who, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "--json");
    const Ran ran = chasqui(who, arguments);
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    const auto all = objects(ran.out);
    return all.empty() ? boost::json::object() : all[0];
  }
  std::size_t requests(const std::string& who) {
    const boost::json::object all = said(who, {"requests"});
    return all.contains("requests") ? all.at("requests").as_array().size() : 0;
  }
};

TEST_F(Gates, a_stranger_waits_among_the_requests_until_accepted) {
  (void)said("ana", {"send", "beto", "hola"});
  for (int i = 0; i < 50 && requests("beto") == 0; ++i) ::usleep(100'000);
  const boost::json::object all = said("beto", {"requests"});
  ASSERT_EQ(all.at("requests").as_array().size(), 1U);
  EXPECT_EQ(all.at("requests").as_array()[0].as_object().at("user").as_string(), "ana");
  EXPECT_EQ(requests("ana"), 0U);
  const boost::json::object gate = said("beto", {"accept", "ana"});
  EXPECT_EQ(gate.at("gate").as_string(), "open");
  EXPECT_TRUE(gate.at("in_force").as_bool());
  for (int i = 0; i < 50 && requests("beto") != 0; ++i) ::usleep(100'000);
  EXPECT_EQ(requests("beto"), 0U);
}

TEST_F(Gates, who_is_blocked_sends_as_ever_and_is_not_seen) {
  (void)said("ana", {"send", "beto", "one"});
  EXPECT_EQ(said("beto", {"block", "ana"}).at("gate").as_string(), "blocked");
  EXPECT_EQ(said("ana", {"send", "beto", "two"}).at("seq").to_number<int>(), 2);
  EXPECT_EQ(said("ana", {"send", "beto", "three"}).at("seq").to_number<int>(), 3);
  EXPECT_EQ(texts(chasqui("ana", {"history", "beto", "--json"}).out),
            (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ(texts(chasqui("beto", {"history", "ana", "--json"}).out), (std::vector<std::string>{"one"}));
  EXPECT_EQ(said("beto", {"unblock", "ana"}).at("gate").as_string(), "request");
  (void)said("ana", {"send", "beto", "four"});
  EXPECT_EQ(texts(chasqui("beto", {"history", "ana", "--json"}).out), (std::vector<std::string>{"one", "four"}));
  const std::string came = inbox("beto", 2);
  EXPECT_EQ(texts(came), (std::vector<std::string>{"one", "four"}));
}

TEST_F(Gates, who_does_not_want_to_be_added_is_invited_and_joins) {
  EXPECT_EQ(said("beto", {"privacy", "--adds", "nobody"}).at("adds").as_string(), "nobody");
  const Ran created = chasqui("ana", {"--json", "group", "create", "Club", "beto"});
  ASSERT_EQ(created.exit_code, 0) << created.err;
  const std::string group(objects(created.out)[0].at("conversation").as_string().c_str());
  EXPECT_NE(chasqui("beto", {"send", group, "hola"}).exit_code, 0) << "he is no member";
  for (int i = 0; i < 50 && requests("beto") == 0; ++i) ::usleep(100'000);
  EXPECT_EQ(requests("beto"), 1U);
  EXPECT_NE(chasqui("ana", {"group", "show", group}).out.find("invited: beto"), std::string::npos);
  EXPECT_EQ(said("ana", {"group", "show", group}).at("invited").as_array().size(), 1U);
  const Ran joined = chasqui("beto", {"group", "join", group});
  EXPECT_EQ(joined.exit_code, 0) << joined.err;
  EXPECT_EQ(chasqui("beto", {"send", group, "hola"}).exit_code, 0);
  EXPECT_EQ(chasqui("ana", {"group", "show", group}).out.find("invited"), std::string::npos);
}

}  // namespace
}  // namespace chasqui::e2e
