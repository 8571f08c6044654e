#include "runtime/chasqui/receipts_text.h"

#include "absl/strings/str_cat.h"
#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/printable.h"

namespace chasqui::cli {

namespace json = boost::json;

namespace {

bool is_true(const json::object& line, const char* key) {
  const json::value* value = line.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::string since(const json::object& line, const char* key) {
  const auto ms = static_cast<std::int64_t>(number_at(line, key));
  return ms == 0 ? std::string() : absl::StrCat(" ", date_time(ms));
}

}  // namespace

json::object receipts_object(const client::ReceiptsOf& receipts, const NamesOfUsers& names) {
  json::array members;
  for (const client::MemberReceipt& member : receipts.members()) {
    const auto name = names.find(UserId(member.user()));
    json::object line{{"handle", name == names.end() ? absl::StrCat("#", member.user()) : name->second},
                      {"delivered", member.delivered()},
                      {"read", member.read()}};
    if (member.delivered_ms() != 0) line["delivered_ms"] = member.delivered_ms();
    if (member.read_ms() != 0) line["read_ms"] = member.read_ms();
    members.push_back(std::move(line));
  }
  const auto id = ConversationId::parse(receipts.conversation());
  return {{"conversation", id ? id->hex() : ""}, {"seq", receipts.seq()}, {"members", std::move(members)}};
}

std::string receipts_words(const json::object& receipts) {
  std::string lines;
  const json::value* members = receipts.if_contains("members");
  if (members == nullptr || !members->is_array()) return lines;
  for (const json::value& one : members->get_array()) {
    if (!one.is_object()) continue;
    const json::object& line = one.get_object();
    absl::StrAppend(&lines, printable(string_at(line, "handle")));
    if (is_true(line, "read")) absl::StrAppend(&lines, "  read", since(line, "read_ms"));
    if (is_true(line, "delivered")) {
      absl::StrAppend(&lines, "  delivered", since(line, "delivered_ms"));
    } else {
      absl::StrAppend(&lines, "  not delivered yet");
    }
    absl::StrAppend(&lines, "\n");
  }
  return lines;
}

std::string counted_words(std::uint64_t delivered, std::uint64_t read, std::uint64_t of) {
  return absl::StrCat("delivered ", delivered, ", read ", read, " of ", of);
}

}  // namespace chasqui::cli
