// receipts and conversations: one question, one answer; and log, which asks three.
#include <boost/json.hpp>
#include <cstdio>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/chasqui/ask_once.h"
#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/commands.h"
#include "runtime/chasqui/event_text.h"
#include "runtime/chasqui/group_text.h"
#include "runtime/chasqui/outcome.h"
#include "runtime/chasqui/printable.h"
#include "runtime/chasqui/receipts_text.h"
#include "runtime/chasqui/session.h"

namespace chasqui::cli {
namespace {

namespace json = boost::json;
constexpr std::uint64_t first_id = 1;
constexpr std::uint64_t second_id = 2;
constexpr std::uint64_t events_max = 1'000'000'000;

void print_json(const json::object& object) {
  std::printf("%s\n", json::serialize(object).c_str());
}

const json::array& array_at(const json::object& object, const char* key) {
  static const json::array none;
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

// "1-4, 9-": what somebody sees.
std::string intervals_words(const json::object& member) {
  std::string words;
  for (const json::value& one : array_at(member, "intervals")) {
    if (!one.is_object()) continue;
    const std::uint64_t left = number_at(one.get_object(), "left_seq");
    absl::StrAppend(&words, words.empty() ? "" : ", ", number_at(one.get_object(), "from_seq"), "-",
                    left == 0 ? "" : absl::StrCat(left));
  }
  return words;
}

class Asker {
 public:
  Asker(Session& session, const Options& options) : session_(session), options_(options) {}

  int run(json::object request) {
    session_.channel().listen([this](const json::object& reply) { on_reply(reply); },
                              [this](const absl::Status& why) { session_.finish(why); });
    request["id"] = first_id;
    session_.channel().request(std::move(request));
    const absl::Status status = session_.run();
    report(status);
    return exit_code(status);
  }

 private:
  void on_reply(const json::object& reply) {
    if (const absl::Status status = error_of(reply); !status.ok()) return session_.finish(status);
    session_.progress();
    if (const json::object* message = object_at(reply, "message")) return print_event(*message);
    if (reply.contains("skip")) return;
    if (options_.command == Command::Log && id_of(reply) == first_id) return ask_members();
    if (const json::object* receipts = object_at(reply, "receipts")) {
      options_.json ? print_json(*receipts) : static_cast<void>(std::printf("%s", receipts_words(*receipts).c_str()));
    } else if (const json::object* group = object_at(reply, "group")) {
      print_standing(*group);
    } else if (const json::object* marks = object_at(reply, "watermarks")) {
      print_standing(*marks);
    } else {
      for (const json::value& one : array_at(reply, "conversations")) {
        if (one.is_object()) print_conversation(one.get_object());
      }
    }
    const bool is_written = std::fflush(stdout) == 0;
    session_.finish(is_written ? absl::OkStatus() : absl::DataLossError("stdout cannot be written"));
  }

  // After the events: who is there, how far they are, and what they see.
  void ask_members() {
    if (group_of(options_.who)) {
      session_.channel().request(
          {{"id", second_id}, {"group", json::object{{"action", "show"}, {"group", options_.who}}}});
    } else {
      session_.channel().request({{"id", second_id}, {"watermarks", json::object{{"who", options_.who}}}});
    }
  }

  void print_event(const json::object& event) const {
    if (options_.json) return print_json(event);
    std::printf("#%llu  %s  %s: %s\n", static_cast<unsigned long long>(number_at(event, "seq")),
                date_time(static_cast<std::int64_t>(number_at(event, "time_ms"))).c_str(),
                printable(string_at(event, "from")).c_str(), shown_text(event).c_str());
  }

  void print_standing(const json::object& standing) const {
    if (options_.json) return print_json(standing);
    for (const json::value& one : array_at(standing, "members")) {
      if (!one.is_object()) continue;
      const json::object& member = one.get_object();
      const std::string role = string_at(member, "role");
      const std::string seen = intervals_words(member);
      std::printf("%s%s  delivered to %llu, read to %llu%s\n", printable(string_at(member, "handle")).c_str(),
                  role.empty() ? "" : absl::StrCat(" (", role, ")").c_str(),
                  static_cast<unsigned long long>(number_at(member, "delivered_seq")),
                  static_cast<unsigned long long>(number_at(member, "read_seq")),
                  seen.empty() ? "" : absl::StrCat(", sees ", seen).c_str());
    }
    for (const json::value& one : array_at(standing, "former")) {
      if (!one.is_object()) continue;
      std::printf("%s (was a member)  sees %s\n", printable(string_at(one.get_object(), "handle")).c_str(),
                  intervals_words(one.get_object()).c_str());
    }
  }

  void print_conversation(const json::object& one) const {
    if (options_.json) return print_json(one);
    const std::string with = string_at(one, "with");
    const std::uint64_t unread = number_at(one, "unread");
    const std::uint64_t mentions = number_at(one, "mentions");
    std::printf("%s  %s%s%s\n", with.empty() ? string_at(one, "conversation").c_str() : printable(with).c_str(),
                unread == 0 ? "nothing unread" : absl::StrCat(unread, " unread").c_str(),
                mentions == 0 ? "" : absl::StrCat(", ", mentions, " mention you").c_str(),
                one.contains("request") ? ", a request: chasqui accept, block or reply" : "");
  }

  Session& session_;
  const Options& options_;
};

}  // namespace

int run_receipts(const Options& options) {
  return ask_once<Asker>(options, {{"receipts", json::object{{"who", options.who}, {"seq", options.seq}}}});
}

int run_conversations(const Options& options) {
  return ask_once<Asker>(options, {{"conversations", json::object()}});
}

int run_log(const Options& options) {
  return ask_once<Asker>(options,
                         {{"history", json::object{{"who", options.who}, {"after", 0}, {"limit", events_max}}}});
}

}  // namespace chasqui::cli
