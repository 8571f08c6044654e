#include "runtime/chasqui/chat_words.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace chasqui::cli {
namespace {

constexpr char known_words[] = "/reply [#N] TEXT, /edit [#N] TEXT, /delete [#N], /react [#N] [SIGN] and /quit";

client::About::Kind kind_of(std::string_view word) {
  if (word == "/reply") return client::About::REPLY;
  if (word == "/edit") return client::About::EDIT;
  if (word == "/delete") return client::About::DELETION;
  return word == "/react" ? client::About::REACTION : client::About::NOTHING;
}

// The first word of `rest`, which begins after it then.
std::string take_word(std::string& rest) {
  const std::size_t begin = std::min(rest.find_first_not_of(' '), rest.size());
  const std::size_t end = std::min(rest.find(' ', begin), rest.size());
  std::string word = rest.substr(begin, end - begin);
  rest.erase(0, std::min(rest.find_first_not_of(' ', end), rest.size()));
  return word;
}

}  // namespace

absl::StatusOr<Said> parse_chat_line(const std::string& line, const LastMessages& last) {
  if (line.empty() || line[0] != '/') return Said{{}, line};
  if (line.size() > 1 && line[1] == '/') return Said{{}, line.substr(1)};
  std::string rest = line;
  const std::string word = take_word(rest);
  const client::About::Kind kind = kind_of(word);
  if (kind == client::About::NOTHING) {
    return absl::InvalidArgumentError(absl::StrCat("there is no ", word, ": there are ", known_words,
                                                   "; a message that begins with / is typed with //"));
  }
  Said said;
  said.about.set_kind(kind);
  const bool of_own = kind == client::About::EDIT || kind == client::About::DELETION;
  std::uint64_t seq = of_own ? last.own : last.other;
  if (!rest.empty() && rest[0] == '#') {
    const std::string number = take_word(rest);
    if (!absl::SimpleAtoi(number.substr(1), &seq) || seq == 0) {
      return absl::InvalidArgumentError(absl::StrCat(number, " is no number of a message"));
    }
  }
  if (seq == 0) return absl::NotFoundError("there is no message yet that it could be about");
  said.about.set_seq(seq);
  said.text = std::move(rest);
  if (kind == client::About::DELETION && !said.text.empty()) {
    return absl::InvalidArgumentError("/delete takes nothing but a number: /delete #3");
  }
  if ((kind == client::About::REPLY || kind == client::About::EDIT) && said.text.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(word, " needs a text"));
  }
  return said;
}

}  // namespace chasqui::cli
