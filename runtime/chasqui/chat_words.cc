#include "runtime/chasqui/chat_words.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "runtime/chasqui/content_json.h"

namespace chasqui::cli {
namespace {

using client::About;

constexpr char known_words[] =
    "/reply [#N] TEXT, /edit [#N] TEXT, /delete [#N], /react [#N] [SIGN], /pin [#N], /unpin [#N], /hide [#N], /info "
    "[#N], /poll QUESTION | OPTION | OPTION, /vote [#N] [OPTION ...], /timer TIME, /location LATITUDE LONGITUDE "
    "[NAME], "
    "/block, /unblock, /accept and /quit";

struct Word {
  std::string_view word;
  About::Kind kind;
  std::uint64_t LastMessages::* meant;  // without a number
};
constexpr Word words[] = {
    {"/reply", About::REPLY, &LastMessages::other},   {"/edit", About::EDIT, &LastMessages::own},
    {"/delete", About::DELETION, &LastMessages::own}, {"/react", About::REACTION, &LastMessages::other},
    {"/pin", About::PIN, &LastMessages::other},       {"/unpin", About::UNPIN, &LastMessages::other},
    {"/hide", About::NOTHING, &LastMessages::other},  {"/vote", About::VOTE, &LastMessages::poll},
    {"/info", About::NOTHING, &LastMessages::own}};

// The first word of `rest`, which begins after it then.
std::string take_word(std::string& rest) {
  const std::size_t begin = std::min(rest.find_first_not_of(' '), rest.size());
  const std::size_t end = std::min(rest.find(' ', begin), rest.size());
  std::string word = rest.substr(begin, end - begin);
  rest.erase(0, std::min(rest.find_first_not_of(' ', end), rest.size()));
  return word;
}

absl::Status read_votes(const std::string& rest, client::Payload& payload) {
  std::vector<std::uint32_t> votes;
  for (const auto& word : absl::StrSplit(rest, absl::ByAnyChar(" ,"), absl::SkipEmpty())) {
    std::uint32_t option = 0;
    if (!absl::SimpleAtoi(word, &option) || option == 0) {
      return absl::InvalidArgumentError(absl::StrCat(word, " is no option of a poll: they count from 1"));
    }
    votes.push_back(option - 1);
  }
  std::sort(votes.begin(), votes.end());
  payload.mutable_votes()->Assign(votes.begin(), votes.end());
  return absl::OkStatus();
}

absl::StatusOr<Said> parse_poll(const std::string& rest) {
  Said said;
  client::Poll& poll = *said.payload.mutable_poll();
  for (const auto& part : absl::StrSplit(rest, '|')) {
    const std::string text(absl::StripAsciiWhitespace(part));
    if (text.empty()) continue;
    if (poll.question().empty())
      poll.set_question(text);
    else
      poll.add_options(text);
  }
  if (poll.options_size() < 2)
    return absl::InvalidArgumentError("a poll is a question and its options: /poll when? | at 5 | at 6");
  return said;
}

absl::StatusOr<Said> parse_timer(const std::string& rest) {
  const auto seconds = parse_seconds({rest.data(), rest.size()});
  if (!seconds) return absl::InvalidArgumentError("/timer takes 30s, 10m, 24h, 7d, at most 366d, or off");
  Said said;
  said.payload.mutable_timer()->set_seconds(*seconds);
  return said;
}

absl::StatusOr<Said> parse_location(std::string rest) {
  const std::string latitude = take_word(rest);
  const std::string longitude = take_word(rest);
  auto payload = payload_of({{"location", {{"latitude", latitude}, {"longitude", longitude}, {"name", rest}}}});
  if (!payload.ok()) return payload.status();
  Said said;
  said.payload = *std::move(payload);
  return said;
}

Said plain(std::string text) {
  Said said;
  said.payload.set_text(std::move(text));
  return said;
}

// What stands behind the word and the number.
absl::Status read_rest(const Word& word, std::string rest, client::Payload& payload) {
  if (word.kind == About::VOTE) return read_votes(rest, payload);
  const bool may_have_text = word.kind == About::REPLY || word.kind == About::EDIT || word.kind == About::REACTION;
  if (!may_have_text && !rest.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(word.word), " takes nothing but a number: ", std::string(word.word), " #3"));
  }
  if (may_have_text && word.kind != About::REACTION && rest.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(std::string(word.word), " needs a text"));
  }
  if (!rest.empty()) payload.set_text(std::move(rest));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Said> parse_chat_line(const std::string& line, const LastMessages& last) {
  if (line.empty() || line[0] != '/') return plain(line);
  if (line.size() > 1 && line[1] == '/') return plain(line.substr(1));
  std::string rest = line;
  const std::string typed = take_word(rest);
  if (typed == "/poll") return parse_poll(rest);
  if (typed == "/timer") return parse_timer(rest);
  if (typed == "/location") return parse_location(std::move(rest));
  if (typed == "/block" || typed == "/unblock" || typed == "/accept") {
    Said said;
    said.gate = typed == "/block" ? client::BLOCKED : typed == "/accept" ? client::OPEN : client::REQUEST;
    return said;
  }
  const auto* word =
      std::find_if(std::begin(words), std::end(words), [&](const Word& one) { return one.word == typed; });
  if (word == std::end(words)) {
    return absl::InvalidArgumentError(absl::StrCat("there is no ", typed, ": there are ", known_words,
                                                   "; a message that begins with / is typed with //"));
  }
  std::uint64_t seq = last.*word->meant;
  if (!rest.empty() && rest[0] == '#') {
    const std::string number = take_word(rest);
    if (!absl::SimpleAtoi(number.substr(1), &seq) || seq == 0) {
      return absl::InvalidArgumentError(absl::StrCat(number, " is no number of a message"));
    }
  }
  if (seq == 0) return absl::NotFoundError("there is no message yet that it could be about");
  Said said;
  if (absl::Status status = read_rest(*word, std::move(rest), said.payload); !status.ok()) return status;
  if (word->kind == About::NOTHING) {
    (word->word == "/info" ? said.info : said.hide) = seq;
    return said;
  }
  said.payload.mutable_about()->set_kind(word->kind);
  said.payload.mutable_about()->set_seq(seq);
  return said;
}

}  // namespace chasqui::cli
