#include "runtime/chasqui/chat_words.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "runtime/chasqui/content_json.h"

namespace chasqui::cli {
namespace {

std::string said(const std::string& line, const LastMessages& last = {7, 9, 8}) {
  const auto parsed = parse_chat_line(line, last);
  if (!parsed.ok()) return std::string(absl::StatusCodeToString(parsed.status().code()));
  if (parsed->hide != 0) return absl::StrCat("hide ", parsed->hide);
  const client::Payload& payload = parsed->payload;
  return absl::StrCat(client::About::Kind_Name(payload.about().kind()), " ", payload.about().seq(), " ",
                      content_words(payload));
}

TEST(ChatWords, a_line_is_a_message_unless_it_begins_with_a_word) {
  EXPECT_EQ(said("hola, beto"), "NOTHING 0 hola, beto");
  EXPECT_EQ(said("//etc/passwd"), "NOTHING 0 /etc/passwd");
  EXPECT_EQ(said("/etc/passwd"), "INVALID_ARGUMENT");
  EXPECT_EQ(said("#3 is mine"), "NOTHING 0 #3 is mine");
}

TEST(ChatWords, what_is_about_a_message_means_the_last_one_or_the_one_that_is_named) {
  EXPECT_EQ(said("/reply yes, at 5"), "REPLY 7 yes, at 5");
  EXPECT_EQ(said("/reply #3  yes"), "REPLY 3 yes");
  EXPECT_EQ(said("/edit hola!"), "EDIT 9 hola!");
  EXPECT_EQ(said("/delete"), "DELETION 9 ");
  EXPECT_EQ(said("/delete #2"), "DELETION 2 ");
  EXPECT_EQ(said("/react 👍"), "REACTION 7 👍");
  EXPECT_EQ(said("/react #4"), "REACTION 4 ");
  EXPECT_EQ(said("/react"), "REACTION 7 ");
  EXPECT_EQ(said("/pin"), "PIN 7 ");
  EXPECT_EQ(said("/unpin #3"), "UNPIN 3 ");
  EXPECT_EQ(said("/vote 3 1"), "VOTE 8 1, 3");
  EXPECT_EQ(said("/vote #4"), "VOTE 4 ");
  EXPECT_EQ(said("/hide"), "hide 7");
}

TEST(ChatWords, a_poll_and_a_timer_are_messages_of_their_own) {
  EXPECT_EQ(said("/poll when? | at 5|at 6 "), "NOTHING 0 [poll] when?  1) at 5  2) at 6");
  EXPECT_EQ(said("/poll when?"), "INVALID_ARGUMENT");
  EXPECT_EQ(said("/timer 24h"), "NOTHING 0 [messages disappear after 1d]");
  EXPECT_EQ(said("/timer soon"), "INVALID_ARGUMENT");
  EXPECT_EQ(said("/location -12.0464 -77.0428 the square"), "NOTHING 0 [place -12.0464, -77.0428 the square]");
  EXPECT_EQ(said("/location here"), "INVALID_ARGUMENT");
}

TEST(ChatWords, what_means_nothing_is_told_so) {
  EXPECT_EQ(said("/reply"), "INVALID_ARGUMENT");
  EXPECT_EQ(said("/edit #3"), "INVALID_ARGUMENT");
  EXPECT_EQ(said("/delete it"), "INVALID_ARGUMENT");
  EXPECT_EQ(said("/react #x"), "INVALID_ARGUMENT");
  EXPECT_EQ(said("/react #0"), "INVALID_ARGUMENT");
  EXPECT_EQ(said("/vote 0"), "INVALID_ARGUMENT");
  EXPECT_EQ(said("/pin it"), "INVALID_ARGUMENT");
  EXPECT_EQ(said("/vote 1", {7, 9, 0}), "NOT_FOUND");
  EXPECT_EQ(said("/reply yes", {}), "NOT_FOUND");
}

}  // namespace
}  // namespace chasqui::cli
