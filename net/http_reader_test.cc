#include "net/http_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace chasqui {
namespace {

using State = HttpReader::State;

const std::string post =
    "POST /v1/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n{\"\"}";

TEST(HttpReader, a_request_may_come_byte_by_byte) {
  HttpReader reader{HttpLimits{}};
  for (std::size_t i = 0; i + 1 < post.size(); i++) {
    const State state = reader.feed(post.substr(i, 1));
    ASSERT_TRUE(state == State::NeedHeader || state == State::NeedBody) << i;
  }
  ASSERT_EQ(reader.feed(post.substr(post.size() - 1)), State::Done);
  const HttpRequest request = reader.take_request();
  EXPECT_EQ(request.target(), "/v1/login");
  EXPECT_EQ(request.body(), "{\"\"}");
}

TEST(HttpReader, requests_that_come_together_are_read_one_after_the_other) {
  HttpReader reader{HttpLimits{}};
  ASSERT_EQ(reader.feed(post + "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), State::Done);
  EXPECT_EQ(reader.take_request().target(), "/v1/login");
  ASSERT_EQ(reader.next(), State::Done);
  EXPECT_EQ(reader.take_request().target(), "/healthz");
  EXPECT_EQ(reader.next(), State::NeedHeader);
}

TEST(HttpReader, a_body_may_come_in_chunks) {
  HttpReader reader{HttpLimits{}};
  ASSERT_EQ(reader.feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
            State::NeedBody);
  ASSERT_EQ(reader.feed("2\r\nde\r\n0\r\n\r\n"), State::Done);
  EXPECT_EQ(reader.take_request().body(), "abcde");
}

TEST(HttpReader, a_body_over_the_limit_is_refused_announced_or_not) {
  HttpLimits limits;
  limits.body_bytes = 4;
  HttpReader announced{limits};
  EXPECT_EQ(announced.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"), State::Failed);
  EXPECT_EQ(announced.refusal().status, 413U);
  HttpReader chunked{limits};
  EXPECT_EQ(chunked.feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"),
            State::Failed);
  EXPECT_EQ(chunked.refusal().status, 413U);
}

TEST(HttpReader, broken_chunks_are_refused) {
  HttpReader reader{HttpLimits{}};
  EXPECT_EQ(reader.feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), State::Failed);
  EXPECT_EQ(reader.refusal().status, 400U);
  EXPECT_TRUE(reader.refusal().close);
}

TEST(HttpReader, a_chunk_header_without_end_is_not_waited_for) {
  HttpReader reader{HttpLimits{}};
  State state = reader.feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;");
  for (int i = 0; i < 100 && state != State::Failed; i++) {
    state = reader.feed(std::string(1024, 'x'));
  }
  EXPECT_EQ(state, State::Failed);
}

TEST(HttpReader, after_a_refusal_nothing_is_read_any_more) {
  HttpReader reader{HttpLimits{}};
  EXPECT_EQ(reader.feed("GET / HTTP/1.1\nHost: a\n\n"), State::Failed);
  EXPECT_EQ(reader.feed(post), State::Failed);
  EXPECT_FALSE(reader.has_bytes());
}

}  // namespace
}  // namespace chasqui
