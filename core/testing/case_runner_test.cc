#include "core/testing/case_runner.h"

#include <gtest/gtest.h>

namespace chasqui::testing {
namespace {

std::string shout(std::string_view input) {
  return std::string(input) + "!";
}

TEST(CaseRunner, a_case_that_holds_comes_back_unchanged) {
  const std::string text = "# A story.\n\none\n# aside\ntwo\n----\none\ntwo\n!\n\n# Another.\nthree\n----\nthree\n!\n";
  EXPECT_EQ(run_cases(text, shout), text);
}

TEST(CaseRunner, what_was_expected_is_replaced_by_what_came) {
  EXPECT_EQ(run_cases("one\n----\nwrong\nlines\n\ntwo\n----\n", shout), "one\n----\none\n!\n\ntwo\n----\ntwo\n!\n");
}

TEST(CaseRunner, an_empty_line_in_an_output_does_not_end_its_block) {
  EXPECT_EQ(run_cases("x\n----\n", [](std::string_view) { return std::string("a\n\nb\n"); }), "x\n----\na\nb\n");
}

TEST(CaseRunner, a_file_that_is_not_there_is_said_to_be_unreadable) {
  EXPECT_NE(run_case_file("core/testing", "no_such_case", shout).find("cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace chasqui::testing
