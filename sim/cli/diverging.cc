#include "sim/cli/diverging.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/digest.h"

namespace chasqui::sim {
namespace {

// Lines of `records`: "checkpoint N HASH", "end N HASH"; "record N SIZE DIGEST", "bytes HEX", and the text of the trace
// behind two spaces. A line of text belongs to the record behind it, or to outputs of the one before.
std::string hex(const std::string& bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text.push_back(digits[static_cast<std::uint8_t>(c) >> 4]);
    text.push_back(digits[static_cast<std::uint8_t>(c) & 15]);
  }
  return text;
}

using Lines = std::vector<std::string>;

// What a program prints. None: it could not be run; who dies on the way has printed something all the same.
std::optional<Lines> output_of(const Lines& words) {
  int pipe[2];
  if (::pipe(pipe) != 0) return std::nullopt;
  const pid_t pid = ::fork();
  if (pid < 0) return std::nullopt;
  if (pid == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    ::close(pipe[0]);
    ::close(pipe[1]);
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    std::perror(argv[0]);
    ::_exit(127);
  }
  ::close(pipe[1]);
  std::string text;
  std::array<char, 65'536> buffer{};
  for (ssize_t got; (got = ::read(pipe[0], buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
    std::fprintf(stderr, "%s ended with status %d\n", words[0].c_str(), WEXITSTATUS(status));
    return std::nullopt;
  }
  if (WIFSIGNALED(status)) std::fprintf(stderr, "%s ended with signal %d\n", words[0].c_str(), WTERMSIG(status));
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

class Side {
 public:
  Side(std::string program, const Options& options, std::uint64_t perturb) : words_{std::move(program), "records"} {
    for (const absl::string_view word :
         absl::StrSplit(absl::StrCat(options.plan_words(options.first_seed), options.how()), ' ')) {
      words_.emplace_back(word);
    }
    if (perturb > 0) words_.insert(words_.end(), {"--perturb", absl::StrCat(perturb)});
  }
  [[nodiscard]] std::optional<Lines> checkpoints() const { return output_of(words_); }
  [[nodiscard]] std::optional<Lines> records(std::uint64_t from, std::uint64_t to) const {
    Lines words = words_;
    words.insert(words.end(), {"--from", absl::StrCat(from), "--to", absl::StrCat(to)});
    return output_of(words);
  }

 private:
  Lines words_;
};

bool is_record(const std::string& line) {
  return absl::StartsWith(line, "record ");
}

// Where the n-th record stands; the number of lines if there is none.
std::size_t find_record(const Lines& lines, std::size_t n) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (is_record(lines[i]) && n-- == 0) return i;
  }
  return lines.size();
}

void print_side(const char* name, const Lines& lines, std::size_t n) {
  std::printf("%s:\n", name);
  const std::size_t at = find_record(lines, n);
  if (at == lines.size()) std::printf("  it has no such record: the run was over\n");
  std::size_t begin = at;
  while (begin > 0 && at - begin < 4 && !is_record(lines[begin - 1])) --begin;
  for (std::size_t i = begin; i < lines.size() && i < at + 8; ++i) {
    if (i > at && is_record(lines[i])) break;
    std::printf("  %s%s\n", i == at ? "" : "  ", std::string(absl::StripLeadingAsciiWhitespace(lines[i])).c_str());
  }
}

// The bytes around the first that differs.
void print_bytes(const Lines& one, const Lines& two) {
  const auto bytes = [](const Lines& lines) {
    const auto it =
        std::find_if(lines.begin(), lines.end(), [](const auto& line) { return absl::StartsWith(line, "bytes "); });
    return it == lines.end() ? std::string() : it->substr(6);
  };
  const std::string a = bytes(one);
  const std::string b = bytes(two);
  std::size_t at = 0;
  while (at < std::min(a.size(), b.size()) && a[at] == b[at]) ++at;
  at /= 2;
  const std::size_t from = at < 16 ? 0 : at - 16;
  std::printf("byte %zu, with those around it (from %zu on):\n  %s\n  %s\n", at, from,
              a.substr(std::min(a.size(), 2 * from), 64).c_str(), b.substr(std::min(b.size(), 2 * from), 64).c_str());
}

}  // namespace

int run_records(const Options& options, const Plan& plan) {
  WorldOptions world = options.world_options();
  world.perturb = options.perturb;
  std::uint64_t number = 0;  // of the record whose outputs are being carried out
  const bool bytes = options.from_record == options.to_record;
  if (options.from_record > 0) {
    const auto within = [&](std::uint64_t n) { return n >= options.from_record && n <= options.to_record; };
    world.trace = [&, within](Time at, const std::string& line) {
      if (within(number) || within(number + 1)) {
        std::printf("  %lld.%06lld %s\n", static_cast<long long>(at / second),
                    static_cast<long long>(at % second / microsecond), line.c_str());
      }
    };
    world.on_record = [&, within](std::uint64_t n, const std::string& record) {
      number = n;
      if (!within(n)) return;
      std::printf("record %llu %zu %016llx\n", static_cast<unsigned long long>(n), record.size(),
                  static_cast<unsigned long long>(xxh3_64(record)));
      if (bytes) std::printf("bytes %s\n", hex(record).c_str());
    };
  }
  const Report report = World(plan, world).run();
  if (options.from_record > 0) return 0;
  for (std::size_t i = 0; i < report.checkpoints.size(); ++i) {
    std::printf("checkpoint %llu %s\n", static_cast<unsigned long long>((i + 1) * TraceHash::records_per_checkpoint),
                report.checkpoints[i].hex().c_str());
  }
  std::printf("end %llu %s\n", static_cast<unsigned long long>(report.records), report.hash.hex().c_str());
  return 0;
}

int run_diverge(const Options& options) {
  std::array<char, 4'096> path{};
  if (::readlink("/proc/self/exe", path.data(), path.size() - 1) <= 0) {
    std::perror("/proc/self/exe");
    return 3;
  }
  const std::string here = path.data();
  const Side side_a(here, options, 0);
  const Side side_b(options.against.empty() ? here : options.against, options, options.perturb);
  const auto ends_a = side_a.checkpoints();
  const auto ends_b = side_b.checkpoints();
  if (!ends_a || !ends_b || ends_a->empty()) return 3;
  if (*ends_a == *ends_b) {
    std::printf("equal: %s\n", ends_a->back().c_str());
    return 0;
  }
  std::size_t checkpoint = 0;
  while (checkpoint < std::min(ends_a->size(), ends_b->size()) && (*ends_a)[checkpoint] == (*ends_b)[checkpoint])
    ++checkpoint;
  const std::uint64_t from = checkpoint * TraceHash::records_per_checkpoint + 1;
  const std::uint64_t to = from + TraceHash::records_per_checkpoint - 1;
  const auto a = side_a.records(from, to);
  const auto b = side_b.records(from, to);
  if (!a || !b) return 3;
  std::size_t n = 0;
  for (;; ++n) {
    const std::size_t at_a = find_record(*a, n);
    const std::size_t at_b = find_record(*b, n);
    if (at_a == a->size() || at_b == b->size() || (*a)[at_a] != (*b)[at_b]) break;
  }
  std::printf("they differ from record %llu on\n", static_cast<unsigned long long>(from + n));
  print_side("first", *a, n);
  print_side("second", *b, n);
  const auto bytes_a = side_a.records(from + n, from + n);
  const auto bytes_b = side_b.records(from + n, from + n);
  if (bytes_a && bytes_b) print_bytes(*bytes_a, *bytes_b);
  return 1;
}

}  // namespace chasqui::sim
