#include <gtest/gtest.h>

#include "sim/trace/io_bytes.h"
#include "sim/trace/trace_hash.h"

namespace chasqui::sim {
namespace {

TEST(TraceHash, depends_on_where_records_end) {
  TraceHash one, two;
  one.add("ab");
  one.add("c");
  two.add("a");
  two.add("bc");
  EXPECT_NE(one.now().hex(), two.now().hex());
}

TEST(TraceHash, is_the_same_whenever_it_is_asked) {
  TraceHash asked, quiet;
  for (int i = 0; i < 70'000; ++i) {
    asked.add("some record");
    quiet.add("some record");
    if (i % 1'000 == 0) (void)asked.now();
  }
  EXPECT_EQ(asked.now(), quiet.now());
  ASSERT_EQ(asked.checkpoints().size(), 1U);
  EXPECT_EQ(asked.checkpoints(), quiet.checkpoints());
}

TEST(TraceHash, one_byte_of_one_output_shows) {
  std::string one, two;
  append_bytes(Output(SessionSend{SessionId(1), "hola"}), one);
  append_bytes(Output(SessionSend{SessionId(1), "holb"}), two);
  EXPECT_NE(one, two);
  std::string tick, closed;
  append_bytes(Input(Tick{}), tick);
  append_bytes(Input(SessionClosed{SessionId(0)}), closed);
  EXPECT_NE(tick, closed);
}

}  // namespace
}  // namespace chasqui::sim
