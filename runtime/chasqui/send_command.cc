// send WHO [TEXT | -]: one message, or one for each line of stdin, pipelined. Prints in the order of sending.
// reply, edit, delete and react WHO SEQ [TEXT]: one that is about an earlier message.
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/commands.h"
#include "runtime/chasqui/outcome.h"
#include "runtime/chasqui/printable.h"
#include "runtime/chasqui/session.h"
#include "runtime/chasqui/stdin_watch.h"

namespace chasqui::cli {
namespace {

namespace json = boost::json;
constexpr std::size_t unanswered_max = 512;
constexpr std::size_t line_bytes_max = 128 * 1024;  // longer: refused, as the server would

// As requests.cc reads it; nullptr: a message by itself.
const char* about_of(Command command) {
  if (command == Command::Reply) return "reply";
  if (command == Command::Edit) return "edit";
  if (command == Command::Delete) return "deletion";
  return command == Command::React ? "reaction" : nullptr;
}

class Sender {
 public:
  Sender(Session& session, const Options& options) : session_(session), options_(options) {}

  int run() {
    session_.channel().listen([this](const json::object& reply) { on_reply(reply); },
                              [this](const absl::Status& why) { session_.finish(why); });
    if (options_.text) {
      send(*options_.text);
      at_end_ = true;
    } else {
      stdin_ = std::make_unique<StdinWatch>(session_.io(), [this] { read(); });
      stdin_->arm();
      session_.no_timeout();  // people may type slowly: time runs while something is unanswered
    }
    if (!unanswered_.empty()) session_.progress();
    finish_if_done();
    const absl::Status status = session_.run();
    stdin_.reset();
    if (status.ok()) return worst_;
    report(absl::Status(status.code(), absl::StrCat(status.message(), "; ", fate())));
    return exit_code(status);
  }

 private:
  struct Answer {
    bool kept = false;
    bool final = false;
    json::object reply;
  };

  void read() {
    std::array<char, 65536> chunk;
    const ssize_t count = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) return stdin_->arm();
    if (count <= 0) {
      at_end_ = true;
      if (!line_.empty()) send(std::exchange(line_, {}));
      return finish_if_done();
    }
    line_.append(chunk.data(), static_cast<std::size_t>(count));
    take_lines();
  }

  // As many as may be unanswered at once; then stdin is not read until answers come.
  void take_lines() {
    std::size_t begin = 0;
    while (unanswered_.size() < unanswered_max) {
      const std::size_t end = line_.find('\n', begin);
      if (end == std::string::npos) break;
      std::string line = line_.substr(begin, end - begin);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      begin = end + 1;
      if (!line.empty()) send(std::move(line));
    }
    line_.erase(0, begin);
    if (line_.find('\n') == std::string::npos && line_.size() > line_bytes_max) line_.resize(line_bytes_max);
    waits_ = unanswered_.size() >= unanswered_max;
    if (!waits_ && !at_end_) stdin_->arm();
  }

  void send(std::string text) {
    const std::uint64_t id = ++last_id_;
    if (unanswered_.empty()) session_.progress();
    Answer& answer = unanswered_[id];
    if (!is_utf8(text)) {
      answer.final = true;
      answer.reply = error_reply(id, absl::InvalidArgumentError("the message is not UTF-8: nothing of it was sent"));
      return print_ready();
    }
    json::object body{{"who", options_.who}, {"text", std::move(text)}};
    if (const char* about = about_of(options_.command)) {
      body["about"] = about;
      body["seq"] = options_.seq;
    }
    session_.channel().request({{"id", id}, {"send", std::move(body)}});
  }

  void on_reply(const json::object& reply) {
    const std::uint64_t id = id_of(reply);
    if (id == 0) return session_.finish(error_of(reply));
    const auto it = unanswered_.find(id);
    if (it == unanswered_.end()) return;
    session_.progress();
    if (reply.contains("kept")) {
      it->second.kept = true;
      return;
    }
    it->second.final = true;
    it->second.reply = reply;
    print_ready();
    if (waits_ && unanswered_.size() <= unanswered_max / 2) take_lines();
    finish_if_done();
  }

  void print_ready() {
    while (!unanswered_.empty() && unanswered_.begin()->second.final) {
      const json::object reply = std::move(unanswered_.begin()->second.reply);
      unanswered_.erase(unanswered_.begin());
      if (const absl::Status status = error_of(reply); !status.ok()) {
        report(status);
        worst_ = exit_code(status);
      } else if (const json::object* sent = object_at(reply, "sent")) {
        if (options_.json) {
          std::printf("%s\n", json::serialize(*sent).c_str());
        } else {
          std::printf("✓ %llu\n", static_cast<unsigned long long>(number_at(*sent, "seq")));
        }
      }
    }
    std::fflush(stdout);
    if (unanswered_.empty() && !at_end_) session_.no_timeout();
  }

  void finish_if_done() {
    if (at_end_ && unanswered_.empty() && line_.empty()) session_.finish(absl::OkStatus());
  }

  // What became of the messages that were not answered.
  std::string fate() const {
    std::size_t kept = 0;
    for (const auto& [id, answer] : unanswered_) kept += answer.kept ? 1U : 0U;
    if (kept == 0) return "nothing was kept";
    return absl::StrCat(kept, kept == 1 ? " message is" : " messages are",
                        " kept and will be sent by the next command of this home: do not send again");
  }

  Session& session_;
  const Options& options_;
  std::unique_ptr<StdinWatch> stdin_;
  std::string line_;  // read, and not yet sent
  bool at_end_ = false;
  bool waits_ = false;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Answer> unanswered_;
  int worst_ = exit_done;
};

}  // namespace

int run_send(const Options& options) {
  auto session = Session::open(options, Session::Holding::Any);
  if (!session.ok()) {
    report(session.status());
    return exit_code(session.status());
  }
  return Sender(**session, options).run();
}

}  // namespace chasqui::cli
