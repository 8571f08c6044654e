// Text cases: a transcript of what is asked and what comes back, reviewed like code.
//
//   # The story: what this shows, and why it matters.
//   send ana/1 -> beto n=1 "hola"
//   ----
//   accepted seq=1
//
// A block is its input lines, a line of four dashes, and the expected lines up to the next empty line. Lines that begin
// with # are comments. With CHASQUI_REWRITE=1 in the environment (./dev test --rewrite) a file is written anew with
// what really came back: the diff is the review. The only part of core that reads files and the environment, for tests
// alone.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui::testing {

// What a block's input (its lines, without comments, each ended) brings. Empty lines in it are dropped.
using CaseHandler = std::function<std::string(std::string_view input)>;

// The whole text with the outputs that really came back: equal to `text` if all is as expected.
[[nodiscard]] std::string run_cases(std::string_view text, const CaseHandler& handler);

// Stems of the *.txt files of a folder (a path from the root of the source tree), sorted.
[[nodiscard]] std::vector<std::string> case_names(std::string_view folder);

// Runs one file. Empty: as expected, or rewritten. Else the first line that differs and how to accept it.
[[nodiscard]] std::string run_case_file(std::string_view folder, std::string_view name, const CaseHandler& handler);

}  // namespace chasqui::testing
