#include "core/client/gates.h"

#include <gtest/gtest.h>

namespace chasqui::client {
namespace {

const ConversationId with_beto = ConversationId::direct(UserId(1), UserId(2));

TEST(Gates, what_is_news_is_journaled_once_and_comes_back) {
  Journal journal;
  Gates gates(journal);
  EXPECT_FALSE(gates.note(with_beto, {}));
  EXPECT_FALSE(journal.has_records());
  EXPECT_TRUE(gates.note(with_beto, {REQUEST, false}));
  EXPECT_FALSE(gates.note(with_beto, {REQUEST, false}));
  EXPECT_TRUE(gates.note(with_beto, {BLOCKED, false}));
  Journal of_another_life;
  Gates again(of_another_life);
  for (const std::string& bytes : journal.take()) {
    JournalRecord record;
    ASSERT_TRUE(record.ParseFromString(bytes));
    again.replay(with_beto, record.gate());
  }
  EXPECT_EQ(again.of(with_beto).gate, BLOCKED);
  EXPECT_EQ(again.conversations().size(), 1U);
}

TEST(Gates, what_is_as_usual_again_is_forgotten) {
  Journal journal;
  Gates gates(journal);
  EXPECT_TRUE(gates.note(with_beto, {REQUEST, false}));
  EXPECT_TRUE(gates.note(with_beto, {}));
  EXPECT_TRUE(gates.conversations().empty());
  std::vector<JournalRecord> compacted;
  gates.compact(compacted);
  EXPECT_TRUE(compacted.empty());
}

}  // namespace
}  // namespace chasqui::client
