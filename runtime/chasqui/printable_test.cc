#include "runtime/chasqui/printable.h"

#include <gtest/gtest.h>

#include "runtime/chasqui/outcome.h"

namespace chasqui::cli {
namespace {

TEST(Printable, a_message_cannot_move_the_cursor) {
  EXPECT_EQ(printable("\x1b[2Jhola\r\a"), "\xEF\xBF\xBD[2Jhola\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(printable("\xC2\x9B"), "\xEF\xBF\xBD");  // C1's one-character CSI
  EXPECT_EQ(printable("a\xE2\x80\xAE"
                      "b"),
            "a\xEF\xBF\xBD"
            "b");  // right-to-left override
}

TEST(Printable, what_people_write_stays_as_it_is) {
  EXPECT_EQ(printable("¿qué tal? 👋\tya"), "¿qué tal? 👋\tya");
  EXPECT_EQ(printable("uno\ndos", "\n  "), "uno\n  dos");
}

TEST(Printable, bytes_that_are_no_utf_8_are_told_apart) {
  EXPECT_TRUE(is_utf8("ñandú"));
  for (const char* bad : {"\xFF", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"}) {
    EXPECT_FALSE(is_utf8(bad));
    EXPECT_NE(printable(bad).find("\xEF\xBF\xBD"), std::string::npos);
  }
}

TEST(Outcome, the_exit_code_says_who_must_do_something) {
  EXPECT_EQ(exit_code(absl::OkStatus()), 0);
  EXPECT_EQ(exit_code(absl::NotFoundError("x")), 1);
  EXPECT_EQ(exit_code(absl::InvalidArgumentError("x")), 1);
  EXPECT_EQ(exit_code(usage_error("x")), 2);
  EXPECT_EQ(exit_code(absl::UnavailableError("x")), 3);
  EXPECT_EQ(exit_code(absl::DeadlineExceededError("x")), 3);
  EXPECT_EQ(code_from_name("PERMISSION_DENIED"), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code_from_name("NO_SUCH_CODE"), absl::StatusCode::kUnknown);
}

}  // namespace
}  // namespace chasqui::cli
