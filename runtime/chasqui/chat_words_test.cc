#include "runtime/chasqui/chat_words.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace chasqui::cli {
namespace {

std::string said(const std::string& line, const LastMessages& last = {7, 9}) {
  const auto parsed = parse_chat_line(line, last);
  if (!parsed.ok()) return std::string(absl::StatusCodeToString(parsed.status().code()));
  return absl::StrCat(client::About::Kind_Name(parsed->about.kind()), " ", parsed->about.seq(), " ", parsed->text);
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
}

TEST(ChatWords, what_means_nothing_is_told_so) {
  EXPECT_EQ(said("/reply"), "INVALID_ARGUMENT");
  EXPECT_EQ(said("/edit #3"), "INVALID_ARGUMENT");
  EXPECT_EQ(said("/delete it"), "INVALID_ARGUMENT");
  EXPECT_EQ(said("/react #x"), "INVALID_ARGUMENT");
  EXPECT_EQ(said("/react #0"), "INVALID_ARGUMENT");
  EXPECT_EQ(said("/reply yes", {}), "NOT_FOUND");
}

}  // namespace
}  // namespace chasqui::cli
