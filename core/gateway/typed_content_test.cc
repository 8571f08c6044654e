#include "core/gateway/typed_content.h"

#include <gtest/gtest.h>

#include "core/base/bounds.h"

namespace chasqui::gateway {
namespace {

using client::About;
using client::Payload;

bool is_fine(const Payload& payload) {
  log::Send facts;
  return check_typed(payload, facts).ok();
}

Payload poll(int options, std::uint32_t choices_max = 0) {
  Payload payload;
  payload.mutable_poll()->set_question("when?");
  for (int i = 0; i < options; ++i) payload.mutable_poll()->add_options("at " + std::to_string(i));
  payload.mutable_poll()->set_choices_max(choices_max);
  return payload;
}

Payload vote(const std::vector<std::uint32_t>& votes, About::Kind kind = About::VOTE) {
  Payload payload;
  payload.mutable_about()->set_kind(kind);
  payload.mutable_about()->set_seq(1);
  payload.mutable_votes()->Assign(votes.begin(), votes.end());
  return payload;
}

TEST(TypedContent, a_poll_has_2_to_12_options_and_tells_the_log_how_many) {
  EXPECT_FALSE(is_fine(poll(1)));
  EXPECT_FALSE(is_fine(poll(13)));
  EXPECT_FALSE(is_fine(poll(3, 4)));
  Payload long_question = poll(2);
  long_question.mutable_poll()->set_question(std::string(257, 'x'));
  EXPECT_FALSE(is_fine(long_question));
  Payload long_option = poll(2);
  long_option.mutable_poll()->set_options(1, std::string(101, 'x'));
  EXPECT_FALSE(is_fine(long_option));
  log::Send facts;
  EXPECT_TRUE(check_typed(poll(12, 3), facts).ok());
  EXPECT_EQ(facts.poll_options(), 12U);
  EXPECT_EQ(facts.poll_choices_max(), 3U);
  Payload edit = poll(2);
  edit.mutable_about()->set_kind(About::EDIT);
  edit.mutable_about()->set_seq(1);
  EXPECT_FALSE(is_fine(edit));
}

TEST(TypedContent, a_vote_names_options_each_once_ascending) {
  log::Send facts;
  EXPECT_TRUE(check_typed(vote({0, 3, 11}), facts).ok());
  EXPECT_EQ(facts.votes(), 3U);
  EXPECT_EQ(facts.vote_highest(), 11U);
  EXPECT_TRUE(is_fine(vote({})));
  EXPECT_FALSE(is_fine(vote({1, 1})));
  EXPECT_FALSE(is_fine(vote({2, 1})));
  EXPECT_FALSE(is_fine(vote({12})));
  EXPECT_FALSE(is_fine(vote({1}, About::PIN)));
  Payload with_text = vote({1});
  with_text.set_text("x");
  EXPECT_FALSE(is_fine(with_text));
}

TEST(TypedContent, a_place_lies_on_earth) {
  Payload payload;
  payload.mutable_location()->set_latitude_e7(-900'000'000);
  payload.mutable_location()->set_longitude_e7(1'800'000'000);
  EXPECT_TRUE(is_fine(payload));
  payload.mutable_location()->set_latitude_e7(-900'000'001);
  EXPECT_FALSE(is_fine(payload));
  payload.mutable_location()->set_latitude_e7(0);
  payload.mutable_location()->set_name(std::string(257, 'x'));
  EXPECT_FALSE(is_fine(payload));
}

TEST(TypedContent, a_card_says_something) {
  Payload payload;
  payload.mutable_contact();
  EXPECT_FALSE(is_fine(payload));
  payload.mutable_contact()->set_phone("+51 1 234");
  EXPECT_TRUE(is_fine(payload));
  payload.mutable_contact()->set_user(~std::uint64_t{0});
  EXPECT_FALSE(is_fine(payload));
}

TEST(TypedContent, a_timer_is_at_most_a_year_and_zero_is_none) {
  Payload payload;
  payload.mutable_timer()->set_seconds(bounds::timer_s_max);
  log::Send facts;
  EXPECT_TRUE(check_typed(payload, facts).ok());
  EXPECT_TRUE(facts.has_timer_s());
  payload.mutable_timer()->set_seconds(bounds::timer_s_max + 1);
  EXPECT_FALSE(is_fine(payload));
  payload.mutable_timer()->set_seconds(0);
  EXPECT_TRUE(is_fine(payload));
}

TEST(TypedContent, fifty_users_are_mentioned_each_once) {
  Payload payload;
  payload.set_text("@all");
  for (std::uint64_t user = 1; user <= 50; ++user) payload.add_mentions(user);
  EXPECT_TRUE(is_fine(payload));
  payload.add_mentions(51);
  EXPECT_FALSE(is_fine(payload));
  payload.clear_mentions();
  payload.add_mentions(7);
  payload.add_mentions(7);
  EXPECT_FALSE(is_fine(payload));
  payload.clear_mentions();
  payload.add_mentions(0);
  EXPECT_FALSE(is_fine(payload));
}

TEST(TypedContent, how_often_it_was_forwarded_is_found_without_parsing_it) {
  Payload payload;
  payload.set_nonce(std::string(16, 'n'));
  payload.set_text("look");
  EXPECT_EQ(forwards_in(payload.SerializeAsString()), 0U);
  payload.set_forwards(7);
  payload.add_mentions(9);
  EXPECT_EQ(forwards_in(payload.SerializeAsString()), 7U);
  EXPECT_EQ(forwards_in("\xff\xff"), 0U);
}

}  // namespace
}  // namespace chasqui::gateway
