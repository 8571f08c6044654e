#include "core/gateway/content.h"

#include <gtest/gtest.h>

#include "proto/client.pb.h"

namespace chasqui::gateway {
namespace {

std::string text_payload(std::string text) {
  client::Payload payload;
  payload.set_nonce(std::string(16, 'n'));
  payload.set_text(std::move(text));
  return payload.SerializeAsString();
}

TEST(Content, a_handle_is_folded_and_checked) {
  const Limits limits;
  EXPECT_EQ(*fold_handle("@Ana_9", limits), "ana_9");
  EXPECT_EQ(*fold_handle("a.b", limits), "a.b");
  for (const char* bad : {"", "@", "ab", ".ab", "ab.", "a b c", "añadir", "a/b/c", "a\nbc"}) {
    EXPECT_FALSE(fold_handle(bad, limits).ok()) << bad;
  }
  EXPECT_TRUE(fold_handle(std::string(32, 'a'), limits).ok());
  EXPECT_FALSE(fold_handle(std::string(33, 'a'), limits).ok());
  EXPECT_FALSE(fold_handle(std::string(1'000'000, 'a'), limits).ok());
}

TEST(Content, a_text_of_64_kib_is_taken_and_one_byte_more_is_not) {
  const Limits limits;
  client::About about;
  EXPECT_TRUE(check_payload(text_payload(std::string(65'536, 'x')), limits, about).ok());
  const absl::Status refused = check_payload(text_payload(std::string(65'537, 'x')), limits, about);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(refused.message().find("65537"), absl::string_view::npos) << refused;
}

TEST(Content, what_is_no_text_is_refused) {
  const Limits limits;
  client::About about;
  EXPECT_FALSE(check_payload("\xff\xff\xff", limits, about).ok());
  EXPECT_FALSE(check_payload("", limits, about).ok());
  EXPECT_FALSE(check_payload(text_payload(""), limits, about).ok());
  EXPECT_FALSE(check_payload(text_payload(std::string("a\0b", 3)), limits, about).ok());
  client::Payload payload;
  payload.set_nonce(std::string(15, 'n'));
  payload.set_text("x");
  EXPECT_FALSE(check_payload(payload.SerializeAsString(), limits, about).ok());
  std::string not_utf8 = text_payload("xx");
  not_utf8[not_utf8.size() - 1] = '\xff';
  EXPECT_FALSE(check_payload(not_utf8, limits, about).ok());
}

TEST(Content, sealed_bytes_and_kinds_of_the_future_pass_untouched) {
  const Limits limits;
  client::About about;
  client::Payload payload;
  payload.set_nonce(std::string(16, 'n'));
  payload.set_sealed(std::string("\xff\0\x01", 3));
  EXPECT_TRUE(check_payload(payload.SerializeAsString(), limits, about).ok());
  client::Payload bare;
  bare.set_nonce(std::string(16, 'n'));
  EXPECT_TRUE(check_payload(bare.SerializeAsString() + "\xa2\x01\x01x", limits, about).ok());  // field 20
}

TEST(Content, what_is_about_an_earlier_event_has_what_its_kind_needs) {
  const Limits limits;
  const auto ok = [&](client::About::Kind kind, const std::string& text, std::uint64_t seq = 3) {
    client::Payload payload;
    payload.set_nonce(std::string(16, 'n'));
    if (!text.empty()) payload.set_text(text);
    payload.mutable_about()->set_kind(kind);
    payload.mutable_about()->set_seq(seq);
    client::About about;
    if (!check_payload(payload.SerializeAsString(), limits, about).ok()) return false;
    EXPECT_EQ(about.kind(), kind);
    EXPECT_EQ(about.seq(), seq);
    return true;
  };
  EXPECT_TRUE(ok(client::About::REPLY, "yes"));
  EXPECT_FALSE(ok(client::About::REPLY, ""));
  EXPECT_FALSE(ok(client::About::REPLY, "yes", 0));
  EXPECT_TRUE(ok(client::About::EDIT, "yes!"));
  EXPECT_FALSE(ok(client::About::EDIT, ""));
  EXPECT_TRUE(ok(client::About::DELETION, ""));
  EXPECT_FALSE(ok(client::About::DELETION, "gone"));
  EXPECT_TRUE(ok(client::About::REACTION, "👍"));
  EXPECT_TRUE(ok(client::About::REACTION, ""));
  EXPECT_TRUE(ok(client::About::REACTION, std::string(32, 'x')));
  EXPECT_FALSE(ok(client::About::REACTION, std::string(33, 'x')));
  EXPECT_FALSE(ok(client::About::NOTHING, "x"));
  EXPECT_FALSE(ok(static_cast<client::About::Kind>(9), "x"));
}

TEST(Content, utf8_is_what_unicode_says) {
  for (const char* good : {"", "hola", "ñandú", "日本", "🙂", "\xf4\x8f\xbf\xbf"}) EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe0\x80\x80"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

}  // namespace
}  // namespace chasqui::gateway
