// Assertions: what the author knows. On in production, since a wrong state is worse than a restart. Never on what a
// client, peer, disk or operator can cause: that is an error with a test.
#pragma once

namespace chasqui {

// Prints the place and the sentence to stderr and aborts.
[[noreturn]] void assertion_failed(const char* file, int line, const char* condition, const char* sentence) noexcept;

}  // namespace chasqui

#define CHASQUI_ASSERT(condition, sentence) \
  (static_cast<bool>(condition) ? void(0) : ::chasqui::assertion_failed(__FILE__, __LINE__, #condition, sentence))

// For checks beyond O(1): dev, sim and fuzz builds.
#ifdef CHASQUI_SLOW_ASSERTS
#define CHASQUI_ASSERT_SLOW(condition, sentence) CHASQUI_ASSERT(condition, sentence)
#else
#define CHASQUI_ASSERT_SLOW(condition, sentence) void(0)
#endif
