#include "core/testing/case_runner.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/text.h"

namespace chasqui::testing {
namespace {

constexpr char divider[] = "----";

// Lines without their ends; a text that ends as a text should has no empty last one.
std::vector<std::string> lines_of(std::string_view bytes) {
  std::vector<std::string> lines = absl::StrSplit(text(bytes), '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::filesystem::path path_of(std::string_view folder) {
  return std::filesystem::path(CHASQUI_SOURCE_DIR) / folder;
}

std::string difference(std::string_view name, std::string_view expected, std::string_view found) {
  const std::vector<std::string> want = lines_of(expected);
  const std::vector<std::string> have = lines_of(found);
  std::size_t at = 0;
  while (at < want.size() && at < have.size() && want[at] == have[at]) ++at;
  const auto line = [at](const std::vector<std::string>& lines) { return at < lines.size() ? lines[at] : "(no line)"; };
  return absl::StrCat(text(name), ".txt:", at + 1, ":\n  expected: ", line(want), "\n  found:    ", line(have),
                      "\nIf what was found is right: CHASQUI_REWRITE=1, run again, and read the diff.");
}

}  // namespace

std::string run_cases(std::string_view bytes, const CaseHandler& handler) {
  std::string out;
  std::string input;
  const std::vector<std::string> lines = lines_of(bytes);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    absl::StrAppend(&out, lines[i], "\n");
    if (lines[i] != divider) {
      if (!lines[i].empty() && !absl::StartsWith(lines[i], "#")) absl::StrAppend(&input, lines[i], "\n");
      continue;
    }
    for (const std::string& line : lines_of(handler(input))) {
      if (!line.empty()) absl::StrAppend(&out, line, "\n");
    }
    input.clear();
    while (i + 1 < lines.size() && !lines[i + 1].empty()) ++i;  // what was expected
  }
  return out;
}

std::vector<std::string> case_names(std::string_view folder) {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(path_of(folder))) {
    if (file.path().extension() == ".txt") names.push_back(file.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string run_case_file(std::string_view folder, std::string_view name, const CaseHandler& handler) {
  const std::filesystem::path path = path_of(folder) / absl::StrCat(text(name), ".txt");
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::StrCat(path.string(), " cannot be read");
  const std::string expected{std::istreambuf_iterator<char>(file), {}};
  const std::string found = run_cases(expected, handler);
  if (found == expected) return "";
  if (const char* rewrite = std::getenv("CHASQUI_REWRITE"); rewrite != nullptr && std::string_view(rewrite) == "1") {
    std::ofstream(path, std::ios::binary) << found;
    return "";
  }
  return difference(name, expected, found);
}

}  // namespace chasqui::testing
