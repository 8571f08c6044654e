// The command line's grammar (CLI11): it fills Options, prints help, and is what completion.h reads.
#pragma once

#include <CLI/App.hpp>
#include <memory>

#include "runtime/chasqui/options.h"

namespace chasqui::cli {

// `chasqui group` and its actions (arguments_group.cc).
void add_group_command(CLI::App& grammar, Options& options);

// `options` must outlive the App.
[[nodiscard]] std::unique_ptr<CLI::App> make_grammar(Options& options);

// Parses; returns true if `options` is to be carried out, else `exit_code` is what the program ends with (help was
// printed, or what is wrong).
[[nodiscard]] bool parse_arguments(CLI::App& grammar, Options& options, int argc, const char* const* argv,
                                   int& exit_code);

}  // namespace chasqui::cli
