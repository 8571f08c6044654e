#include "sim/journal_facts.h"

#include <gtest/gtest.h>

#include "core/client/client.h"

namespace chasqui::sim {
namespace {

const ConversationId talk = ConversationId::direct(UserId(1), UserId(2));

std::vector<std::string> texts(const JournalReplaced& fact) {
  std::vector<std::string> all;
  for (const MessageSent& sent : fact.waiting) all.push_back(sent.text);
  return all;
}

// A journal as the client core writes it: two messages wait, an event was taken and shown.
class JournalFacts : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = client::Client::open({UserId(1), DeviceId(1), std::string(32, 's'), "ana"}, {}, Seed{}, {});
    ASSERT_TRUE(opened.ok());
    client = *std::move(opened);
    ASSERT_TRUE(client->send(now, talk, "one", out).ok());
    ASSERT_TRUE(client->send(now, talk, "two", out).ok());
    journal = out.persist;
  }
  void add(const client::JournalRecord& record) { journal.push_back(record.SerializeAsString()); }

  Now now{{1}, {1}};
  client::Outputs out;
  std::unique_ptr<client::Client> client;
  std::vector<std::string> journal;
};

TEST_F(JournalFacts, what_has_no_final_answer_waits_in_the_order_of_sending) {
  EXPECT_EQ(texts(journal_facts(3, journal)), (std::vector<std::string>{"one", "two"}));
  client::JournalRecord answered;
  answered.mutable_answered()->set_conversation(talk.str());
  answered.mutable_answered()->set_ticket(1);
  add(answered);
  const JournalReplaced fact = journal_facts(3, journal);
  ASSERT_EQ(texts(fact), (std::vector<std::string>{"two"}));
  EXPECT_EQ(fact.device, 3U);
  EXPECT_EQ(fact.waiting[0].device, 3U);
  EXPECT_EQ(fact.waiting[0].number, OutboxSeq(2));
  EXPECT_EQ(fact.waiting[0].conversation, talk);
}

TEST_F(JournalFacts, a_compacted_journal_says_the_same) {
  EXPECT_EQ(texts(journal_facts(3, client->compacted())), (std::vector<std::string>{"one", "two"}));
  client::JournalRecord shown, position;
  shown.mutable_shown()->set_conversation(talk.str());
  shown.mutable_shown()->set_seq(7);
  position.mutable_position()->set_conversation(talk.str());
  position.mutable_position()->set_taken(9);
  position.mutable_position()->set_shown(8);
  using Shown = std::vector<std::pair<ConversationId, Seq>>;
  EXPECT_EQ(journal_facts(3, journal).shown, Shown{});
  add(shown);
  EXPECT_EQ(journal_facts(3, journal).shown, (Shown{{talk, Seq(7)}}));
  add(position);
  EXPECT_EQ(journal_facts(3, journal).shown, (Shown{{talk, Seq(8)}}));
}

TEST_F(JournalFacts, a_message_told_again_under_another_number_is_one_message) {
  journal.insert(journal.end(), out.persist.begin(), out.persist.end());
  EXPECT_EQ(texts(journal_facts(3, journal)), (std::vector<std::string>{"one", "two"}));
}

}  // namespace
}  // namespace chasqui::sim
