// Any text as chasquid.toml: a configuration or an error that says something, and the same text gives the same one.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/check.h"
#include "runtime/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chasqui;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = parse_config(text, "chasquid.toml");
  CHASQUI_ASSERT(config.ok() || !config.status().message().empty(), "an error says what is wrong");
  if (config.ok()) {
    const absl::Status checked = check_config(*config);
    CHASQUI_ASSERT(checked.ok() || !checked.message().empty(), "an error says what is wrong");
  }
  for (const char* profile : {"default", "bench"}) {
    const auto again = parse_config(text, "chasquid.toml", profile);
    CHASQUI_ASSERT(!again.ok() || again->limits_profile == profile, "the command line overrides the file");
  }
  return 0;
}
