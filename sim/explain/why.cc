#include "sim/explain/why.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "sim/explain/causes.h"
#include "sim/explain/event_words.h"

namespace chasqui::sim {
namespace {

constexpr std::size_t slice_events_max = 24;
constexpr std::size_t naming_events_max = 10;
constexpr std::size_t fault_events_max = 6;
constexpr std::size_t lines_of_event_max = 3;
constexpr std::size_t columns_max = 200;

bool all_of(std::string_view text, const char* characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

// The second run: keeps the text of the slice, of the last events that speak of the right things, and of faults.
class Teller {
 public:
  struct Told {
    Event event;
    std::vector<std::string> lines;
    bool names = false;
  };

  Teller(std::vector<std::uint64_t> slice, std::vector<std::string> names)
      : slice_(std::move(slice)), names_(std::move(names)) {
    std::sort(slice_.begin(), slice_.end());
  }

  void event(const Event& event) {
    finish_event();
    current_.event = event;
  }
  void line(const std::string& line) {
    fault_ = fault_ || absl::StartsWith(line, "fault:");
    current_.names = current_.names || speaks_of(line, names_);
    if (current_.lines.size() < 64) current_.lines.push_back(line);
  }
  // In the order in which they happened.
  const std::map<std::uint64_t, Told>& all() {
    finish_event();
    return kept_;
  }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  void finish_event() {
    const bool in_slice = std::binary_search(slice_.begin(), slice_.end(), current_.event.number);
    if (in_slice) kept_.emplace(order_, current_);
    if (!in_slice && fault_) keep_among(faults_, fault_events_max);
    if (!in_slice && !fault_ && current_.names) keep_among(naming_, naming_events_max);
    current_ = {};
    fault_ = false;
    ++order_;
  }
  void keep_among(std::deque<std::uint64_t>& last_ones, std::size_t most) {
    kept_.emplace(order_, std::move(current_));
    last_ones.push_back(order_);
    if (last_ones.size() <= most) return;
    kept_.erase(last_ones.front());
    last_ones.pop_front();
  }

  std::vector<std::uint64_t> slice_;
  std::vector<std::string> names_;
  Told current_;
  bool fault_ = false;
  std::uint64_t order_ = 0;
  std::map<std::uint64_t, Told> kept_;
  std::deque<std::uint64_t> naming_;
  std::deque<std::uint64_t> faults_;
};

std::string cut(const std::string& line) {
  if (line.size() <= columns_max) return line;
  return absl::StrCat(line.substr(0, columns_max - 3), "...");
}

// `*` before the number: of the slice or not, it speaks of what the violation names.
void print(const Teller::Told& told, const std::vector<std::string>& names, std::string& out) {
  const Event& event = told.event;
  absl::StrAppendFormat(&out, "%5d.%06d %s#%d <- #%d  %s", event.at / second, event.at % second / microsecond,
                        told.names ? "*" : " ", event.number, event.cause, describe(event));
  // Of many lines the ones that matter: the first, what names the right things, the last.
  std::vector<std::size_t> chosen;
  const auto choose = [&](std::size_t i) {
    const bool known = std::find(chosen.begin(), chosen.end(), i) != chosen.end();
    if (i < told.lines.size() && !known && chosen.size() < lines_of_event_max) chosen.push_back(i);
  };
  choose(0);
  for (std::size_t i = 0; i < told.lines.size(); ++i) {
    if (speaks_of(told.lines[i], names)) choose(i);
  }
  if (!told.lines.empty()) choose(told.lines.size() - 1);
  std::sort(chosen.begin(), chosen.end());
  for (const std::size_t i : chosen) absl::StrAppend(&out, "\n", std::string(16, ' '), cut(told.lines[i]));
  if (chosen.size() < told.lines.size()) {
    absl::StrAppend(&out, "\n", std::string(16, ' '), "and ", told.lines.size() - chosen.size(), " more");
  }
  out += '\n';
}

}  // namespace

std::vector<std::string> names_in(const std::string& what) {
  std::vector<std::string> conversations, sessions, devices;
  const std::vector<std::string> words = absl::StrSplit(what, absl::ByAnyChar(" :,'"), absl::SkipEmpty());
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].size() == 32 && all_of(words[i], "0123456789abcdef")) {
      conversations.push_back(absl::StrCat(words[i].substr(8, 8), "..", words[i].substr(24)));
    }
    if (i + 1 == words.size() || !all_of(words[i + 1], "0123456789")) continue;
    if (words[i] == "session") sessions.push_back(absl::StrCat("session=", words[i + 1]));
    if (words[i] == "device") devices.push_back(absl::StrCat("device ", words[i + 1]));
  }
  return !conversations.empty() ? conversations : !sessions.empty() ? sessions : devices;
}

bool speaks_of(const std::string& line, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const std::size_t at = line.find(name);
    if (at == std::string::npos) return false;
    const std::size_t end = at + name.size();
    return end == line.size() || line[end] < '0' || line[end] > '9';  // session=1 is not session=12
  });
}

std::string explain(const Plan& plan, WorldOptions options) {
  options.stop_at_violation = true;
  options.trace = {};
  Causes causes;
  options.on_event = [&](const Event& event) { causes.event(event); };
  options.on_cause = [&](std::uint64_t cause) { causes.also(cause); };
  const Report report = World(plan, options).run();
  if (report.verdict.violations.empty()) return absl::StrCat("nothing to explain: ", report.verdict.text(), "\n");
  const Violation& first = report.verdict.violations.front();

  Teller teller(causes.slice(causes.last(), slice_events_max), names_in(first.what));
  options.on_event = [&](const Event& event) { teller.event(event); };
  options.on_cause = {};
  options.trace = [&](Time, const std::string& line) { teller.line(line); };
  (void)World(plan, options).run();

  const auto& all = teller.all();
  std::string out;
  absl::StrAppendFormat(&out, "%s at %d.%06d s: %s\n", report.verdict.text(), first.at / second,
                        first.at % second / microsecond, first.what);
  absl::StrAppend(
      &out, all.size(), " of ", causes.events(),
      " events led there: the slice back from the violation, the last faults, and the last events that name ",
      teller.names().empty() ? "nothing" : teller.names().front(), " (*)\n");
  for (const auto& [order, told] : all) print(told, teller.names(), out);
  return out;
}

}  // namespace chasqui::sim
