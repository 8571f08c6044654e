// The grammar of what can be said beside plain text, and about earlier messages: reply, pin, poll, location, ...
#pragma once

#include <CLI/App.hpp>

#include "runtime/chasqui/options.h"

namespace chasqui::cli {

// A command of the grammar, which falls back on the common options.
CLI::App* add_command(CLI::App& grammar, Options& options, Command command, const char* name, const char* description);

void add_message_commands(CLI::App& grammar, Options& options);

}  // namespace chasqui::cli
