// group ACTION ...: one change of a group, or how it stands.
#include <boost/json.hpp>
#include <cstdio>
#include <string>

#include "net/clock.h"
#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/commands.h"
#include "runtime/chasqui/group_text.h"
#include "runtime/chasqui/outcome.h"
#include "runtime/chasqui/session.h"

namespace chasqui::cli {
namespace {

namespace json = boost::json;
constexpr std::uint64_t ask_id = 1;

json::object permissions(const GroupOptions& group) {
  json::object may;
  if (!group.send.empty()) may["send"] = group.send;
  if (!group.edit.empty()) may["edit"] = group.edit;
  if (!group.add.empty()) may["add"] = group.add;
  if (group.history) may["history"] = *group.history;
  return may;
}

json::object request_of(const GroupOptions& group) {
  const auto in_ms = [](std::uint64_t seconds) {
    return net::now().wall.ms + static_cast<std::int64_t>(seconds) * 1000;
  };
  json::array who;
  for (const std::string& handle : group.people) who.emplace_back(handle);
  json::object body{{"action", group.action}, {"group", group.group}, {"who", std::move(who)}, {"text", group.text}};
  if (group.action == "unlink" || group.action == "join") {
    body["link"] = group.group;
    body["group"] = group.group.substr(0, group.group.find('.'));
  }
  if (group.action == "role") body["role"] = group.text;
  if (group.action == "mute") body["until_ms"] = in_ms(group.for_s);
  if (group.action == "unmute") body["action"] = "mute";
  if (group.action == "create") body["description"] = group.description;
  if (group.action == "create" || group.action == "permissions") body["permissions"] = permissions(group);
  body["ban"] = group.ban;
  body["approval"] = group.asks_approval;
  if (group.expires_s != 0) body["expires_ms"] = in_ms(group.expires_s);
  body["uses"] = group.uses;
  return body;
}

class Asker {
 public:
  Asker(Session& session, const Options& options) : session_(session), options_(options) {}

  int run() {
    session_.channel().listen([this](const json::object& reply) { on_reply(reply); },
                              [this](const absl::Status& why) { session_.finish(why); });
    session_.channel().request({{"id", ask_id}, {"group", request_of(options_.group)}});
    absl::Status status = session_.run();
    if (is_kept_ && exit_code(status) == exit_unreachable) {
      status = absl::Status(
          status.code(),
          absl::StrCat(status.message(), "; it is kept, and sent by the next command of this home: do not repeat it"));
    }
    report(status);
    return exit_code(status);
  }

 private:
  void on_reply(const json::object& reply) {
    if (const absl::Status status = error_of(reply); !status.ok()) return session_.finish(status);
    session_.progress();
    if (reply.contains("kept")) {
      is_kept_ = true;
    } else if (const json::object* sent = object_at(reply, "sent")) {
      print(*sent);
      session_.finish(absl::OkStatus());
    } else if (const json::object* group = object_at(reply, "group")) {
      options_.json ? std::printf("%s\n", json::serialize(*group).c_str())
                    : std::printf("%s", description_words(*group).c_str());
      session_.finish(absl::OkStatus());
    }
  }

  // For people what they need next: the id of a new group, a link, else that it is done.
  void print(const json::object& sent) const {
    const std::string link = string_at(sent, "link");
    if (options_.json) {
      std::printf("%s\n", json::serialize(sent).c_str());
    } else if (options_.group.action == "create") {
      std::printf("%s\n", string_at(sent, "conversation").c_str());
    } else if (!link.empty()) {
      std::printf("%s\n", link.c_str());
    } else {
      std::printf("✓ %llu\n", static_cast<unsigned long long>(number_at(sent, "seq")));
    }
  }

  Session& session_;
  const Options& options_;
  bool is_kept_ = false;
};

}  // namespace

int run_group(const Options& options) {
  auto session = Session::open(options, Session::Holding::Any);
  if (!session.ok()) {
    report(session.status());
    return exit_code(session.status());
  }
  return Asker(**session, options).run();
}

}  // namespace chasqui::cli
