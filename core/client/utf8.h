// Is it text? Valid UTF-8 (RFC 3629: no surrogates, nothing above U+10FFFF, shortest form) without NUL.
#pragma once

#include <string_view>

namespace chasqui::client {

[[nodiscard]] bool is_text(std::string_view bytes);

}  // namespace chasqui::client
