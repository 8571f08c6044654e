// Shell completions, made from the grammar itself, so that they cannot lag behind it.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <string_view>

namespace chasqui::cli {

// `shell`: bash, zsh or fish.
[[nodiscard]] std::string completion(const CLI::App& grammar, std::string_view shell);

}  // namespace chasqui::cli
