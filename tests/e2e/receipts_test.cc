// `chasqui receipts`, `conversations`, `log` and `privacy --read-receipts`, in a group, against a real server.
#include <algorithm>

#include "tests/e2e/chasqui_world.h"

namespace chasqui::e2e {
namespace {

class Receipts : public ChasquiWorld {
 protected:
  void SetUp() override {
    ChasquiWorld::SetUp();
    for (const char* who : {"ana", "beto", "carla"}) register_user(who);
    const Ran created = chasqui("ana", {"--json", "group", "create", "Club", "beto", "carla"});
    ASSERT_EQ(created.exit_code, 0) << created.err;
    club = objects(created.out)[0].at("conversation").as_string().c_str();
  }
  std::vector<boost::json::object> said(const std::string& who, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "--json");
    const Ran ran = chasqui(who, arguments);
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    return objects(ran.out);
  }
  // What comes is read, until there were so many lines.
  void reads(const std::string& who, std::size_t lines) const {
    for (int i = 0; i < 50 && lines > 0; ++i, ::usleep(100'000)) {
      lines -= std::min(lines, said(who, {"inbox", "--read"}).size());
    }
    EXPECT_EQ(lines, 0U);
  }
  // Of the message at `seq`, as `who` is told: "beto read, carla delivered".
  std::string receipts(const std::string& who, int seq) const {
    std::vector<std::string> members;  // they come by their ids, which are random
    const auto answer = said(who, {"receipts", club, std::to_string(seq)});
    if (answer.empty()) return "";
    for (const auto& one : answer[0].at("members").as_array()) {
      const auto& line = one.as_object();
      const bool is_read = line.at("read").as_bool();
      const char* state = is_read ? " read" : line.at("delivered").as_bool() ? " delivered" : " waits";
      members.push_back(std::string(line.at("handle").as_string().c_str()) + state);
    }
    std::sort(members.begin(), members.end());
    std::string words;
    for (const std::string& member : members) words += (words.empty() ? "" : ", ") + member;
    return words;
  }
  std::string receipts_in_time(const std::string& who, int seq, const std::string& wanted) const {
    std::string last;
    for (int i = 0; i < 50 && (last = receipts(who, seq)) != wanted; ++i) ::usleep(100'000);
    return last;
  }
  // {unread, mentions} of the club, as `who` is told, once they are these.
  std::pair<int, int> unread_in_time(const std::string& who, std::pair<int, int> wanted) const {
    std::pair<int, int> last{-1, -1};
    for (int i = 0; i < 50 && last != wanted; ++i, ::usleep(100'000)) {
      for (const auto& line : said(who, {"conversations"})) {
        if (line.at("conversation").as_string() != club) continue;
        last = {line.at("unread").to_number<int>(), line.at("mentions").to_number<int>()};
      }
    }
    return last;
  }
  std::string club;
};

TEST_F(Receipts, who_has_got_and_read_a_message_is_told_with_what_is_unread) {
  (void)said("ana", {"send", club, "one"});
  (void)said("ana", {"send", club, "two"});
  EXPECT_EQ(unread_in_time("beto", {2, 0}), std::pair(2, 0));
  EXPECT_EQ(unread_in_time("ana", {0, 0}), std::pair(0, 0));
  (void)inbox("carla", 3);
  reads("beto", 3);
  EXPECT_EQ(unread_in_time("beto", {0, 0}), std::pair(0, 0));
  EXPECT_EQ(receipts_in_time("ana", 3, "beto read, carla delivered"), "beto read, carla delivered");
}

TEST_F(Receipts, who_switches_reading_off_is_told_nobodys_and_shows_none) {
  ASSERT_EQ(said("beto", {"privacy", "--read-receipts", "off"}).size(), 1U);
  (void)said("ana", {"send", club, "one"});
  reads("beto", 2);
  reads("carla", 2);
  EXPECT_EQ(receipts_in_time("ana", 2, "beto delivered, carla read"), "beto delivered, carla read");
  (void)said("beto", {"send", club, "two"});
  (void)inbox("ana", 1);
  reads("carla", 1);
  EXPECT_EQ(receipts_in_time("beto", 3, "ana delivered, carla delivered"), "ana delivered, carla delivered");
}

TEST_F(Receipts, the_log_tells_every_event_and_who_may_read_what) {
  (void)said("ana", {"send", club, "one"});
  (void)said("ana", {"group", "remove", club, "carla"});
  const auto lines = said("ana", {"log", club});
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[1].at("text").as_string(), "one");
  const auto& standing = lines[3];
  ASSERT_EQ(standing.at("members").as_array().size(), 2U);
  EXPECT_EQ(standing.at("members").as_array()[0].as_object().at("intervals").as_array().size(), 1U);
  ASSERT_EQ(standing.at("former").as_array().size(), 1U);
  const auto& carla = standing.at("former").as_array()[0].as_object();
  EXPECT_EQ(carla.at("handle").as_string(), "carla");
  EXPECT_EQ(carla.at("intervals").as_array()[0].as_object().at("left_seq").to_number<int>(), 3);
}

}  // namespace
}  // namespace chasqui::e2e
