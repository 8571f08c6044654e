// history and inbox: both print messages, as lines or as JSON objects. The inbox marks as shown only what has reached
// stdout.
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/commands.h"
#include "runtime/chasqui/event_text.h"
#include "runtime/chasqui/outcome.h"
#include "runtime/chasqui/printable.h"
#include "runtime/chasqui/session.h"
#include "runtime/chasqui/style.h"

namespace chasqui::cli {
namespace {

namespace json = boost::json;
constexpr std::uint64_t list_id = 1;
constexpr std::uint64_t finish_id = 2;

class Reader {
 public:
  Reader(Session& session, const Options& options)
      : session_(session), options_(options), style_(Style::choose(options.color, STDOUT_FILENO)) {}

  int run(json::object request) {
    session_.channel().listen([this](const json::object& reply) { on_reply(reply); },
                              [this](const absl::Status& why) { session_.finish(why); });
    request["id"] = list_id;
    session_.channel().request(std::move(request));
    const absl::Status status = session_.run();
    report(status);
    return exit_code(status);
  }

  // Ctrl-C ends an inbox that follows: what was printed is told, then it is done.
  void stop() {
    follows_ = false;
    session_.progress();
    finish();
  }
  void follow() {
    follows_ = true;
    session_.no_timeout();
  }

 private:
  void on_reply(const json::object& reply) {
    if (const absl::Status status = error_of(reply); !status.ok()) return session_.finish(status);
    if (!follows_) session_.progress();
    if (const json::object* message = object_at(reply, "message")) {
      print(*message);
      note(*message);
    } else if (const json::object* skip = object_at(reply, "skip")) {
      note(*skip);
    } else if (id_of(reply) == list_id) {
      finish();
    } else if (id_of(reply) == finish_id) {
      session_.finish(absl::OkStatus());
    }
    if (follows_) tell_shown();
  }

  void print(const json::object& message) {
    if (options_.json) {
      std::printf("%s\n", json::serialize(message).c_str());
      return;
    }
    const auto time_ms = static_cast<std::int64_t>(number_at(message, "time_ms"));
    if (options_.numbers) std::printf("%5llu  ", static_cast<unsigned long long>(number_at(message, "seq")));
    std::printf("%s  %s %s\n", style_.dim(date_time(time_ms)).c_str(),
                style_.other(printable(string_at(message, "from")) + ":").c_str(), shown_text(message).c_str());
  }

  void note(const json::object& place) {
    std::uint64_t& seq = printed_[string_at(place, "conversation")];
    seq = std::max(seq, number_at(place, "seq"));
  }

  void finish() {
    tell_shown();
    if (!session_.is_finished()) session_.channel().request({{"id", finish_id}, {"finish", true}});
  }

  void tell_shown() {
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      return session_.finish(absl::DataLossError("stdout cannot be written: what was not shown will come again"));
    }
    const bool is_inbox = options_.command == Command::Inbox;
    for (const auto& [conversation, seq] : std::exchange(printed_, {})) {
      if (!is_inbox) continue;
      session_.channel().request(
          {{"shown", json::object{{"conversation", conversation}, {"seq", seq}, {"read", options_.read}}}});
    }
  }

  Session& session_;
  const Options& options_;
  Style style_;
  bool follows_ = false;
  std::map<std::string, std::uint64_t> printed_;  // by conversation, up to which seq, and not yet told
};

int fail(const absl::Status& status) {
  report(status);
  return exit_code(status);
}

}  // namespace

int run_history(const Options& options) {
  auto session = Session::open(options, Session::Holding::Any);
  if (!session.ok()) return fail(session.status());
  json::object body{{"who", options.who}, {"limit", options.limit}};
  if (options.after_seq) body["after"] = *options.after_seq;
  return Reader(**session, options).run({{"history", body}});
}

int run_inbox(const Options& options) {
  auto session = Session::open(options, Session::Holding::Any);
  if (!session.ok()) return fail(session.status());
  Reader reader(**session, options);
  if (options.follow) {
    if ((*session)->device() != nullptr) {
      if (const absl::Status served = (*session)->serve(); !served.ok()) return fail(served);
    }
    reader.follow();
    (*session)->on_interrupt([&reader] { reader.stop(); });
  }
  return reader.run({{"inbox", json::object{{"follow", options.follow}}}});
}

}  // namespace chasqui::cli
