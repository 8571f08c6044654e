// delete --for-me, presence, privacy, block, unblock, accept and requests: one question, one answer; presence --follow
// goes on.
#include <boost/json.hpp>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "runtime/chasqui/ask_once.h"
#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/commands.h"
#include "runtime/chasqui/outcome.h"
#include "runtime/chasqui/printable.h"
#include "runtime/chasqui/session.h"

namespace chasqui::cli {
namespace {

namespace json = boost::json;

class Asker {
 public:
  Asker(Session& session, const Options& options) : session_(session), options_(options) {}

  int run(json::object request) {
    session_.channel().listen([this](const json::object& reply) { on_reply(reply); },
                              [this](const absl::Status& why) { session_.finish(why); });
    request["id"] = 1;
    session_.channel().request(std::move(request));
    if (options_.follow) session_.on_interrupt([this] { session_.finish(absl::OkStatus()); });
    const absl::Status status = session_.run();
    report(status);
    return exit_code(status);
  }

 private:
  void on_reply(const json::object& reply) {
    if (const absl::Status status = error_of(reply); !status.ok()) return session_.finish(status);
    for (const char* kind : {"hidden", "privacy", "presence", "typing", "gate", "requests"}) {
      if (const json::object* answer = object_at(reply, kind)) print(kind, *answer);
    }
    if (std::fflush(stdout) != 0) return session_.finish(absl::DataLossError("stdout cannot be written"));
    if (!options_.follow) return session_.finish(absl::OkStatus());
    session_.no_timeout();
  }

  void print(const std::string& kind, const json::object& answer) const {
    if (options_.json) {
      std::printf("%s\n", json::serialize(answer).c_str());
    } else if (kind == "hidden") {
      std::printf("hidden from you\n");
    } else if (kind == "privacy") {
      std::printf("presence is for %s, adding to groups for %s, read receipts are %s\n",
                  string_at(answer, "presence").c_str(), string_at(answer, "adds").c_str(),
                  string_at(answer, "read_receipts").c_str());
    } else if (kind == "gate") {
      print_gate(answer);
    } else if (kind == "requests") {
      print_requests(answer);
    } else if (kind == "typing") {
      const json::value* typing = answer.if_contains("typing");
      const bool is_over = typing == nullptr || !typing->is_bool() || !typing->get_bool();
      std::printf("%s %s\n", printable(string_at(answer, "user")).c_str(),
                  is_over ? "has stopped writing" : "is writing");
    } else {
      const auto seen_ms = static_cast<std::int64_t>(number_at(answer, "last_seen_ms"));
      const std::string state = answer.contains("online") ? "is online"
                                : seen_ms == 0            ? "is not seen"
                                                          : absl::StrCat("was last seen ", date_time(seen_ms));
      std::printf("%s %s\n", printable(string_at(answer, "user")).c_str(), state.c_str());
    }
  }

  static void print_gate(const json::object& answer) {
    const std::string user = printable(string_at(answer, "user"));
    const std::string gate = string_at(answer, "gate");
    const char* words = gate == "blocked" ? "is blocked" : gate == "open" ? "may write to you" : "is not blocked";
    const bool is_late = !answer.contains("in_force");
    std::printf("%s %s%s\n", user.c_str(), words, is_late ? "; it takes effect as soon as it can be reached" : "");
  }

  static void print_requests(const json::object& answer) {
    const json::value* all = answer.if_contains("requests");
    if (all == nullptr || !all->is_array() || all->get_array().empty()) {
      std::printf("nobody waits\n");
      return;
    }
    for (const json::value& one : all->get_array()) {
      if (!one.is_object()) continue;
      const json::object& request = one.get_object();
      const std::string user = string_at(request, "user");
      if (user.empty()) {
        std::printf("you are invited into group %s: chasqui group join %s\n",
                    string_at(request, "conversation").c_str(), string_at(request, "conversation").c_str());
      } else {
        std::printf("%s wrote to you: chasqui accept, block or reply\n", printable(user).c_str());
      }
    }
  }

  Session& session_;
  const Options& options_;
};

}  // namespace

int run_hide(const Options& options) {
  return ask_once<Asker>(options, {{"hide", json::object{{"who", options.who}, {"seq", options.seq}}}});
}

int run_presence(const Options& options) {
  return ask_once<Asker>(options, {{"presence", json::object{{"who", options.who}}}});
}

int run_privacy(const Options& options) {
  json::object body;
  if (!options.presence.empty()) body["presence"] = options.presence;
  if (!options.adds.empty()) body["adds"] = options.adds;
  if (!options.read_receipts.empty()) body["read_receipts"] = options.read_receipts;
  return ask_once<Asker>(options, {{"privacy", std::move(body)}});
}

int run_gate(const Options& options) {
  const char* gate = options.command == Command::Block    ? "blocked"
                     : options.command == Command::Accept ? "open"
                                                          : "request";
  return ask_once<Asker>(options, {{"gate", json::object{{"who", options.who}, {"gate", gate}}}});
}

int run_requests(const Options& options) {
  return ask_once<Asker>(options, {{"requests", json::object()}});
}

}  // namespace chasqui::cli
