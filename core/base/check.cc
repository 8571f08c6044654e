#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace chasqui {

void assertion_failed(const char* file, int line, const char* condition, const char* sentence) noexcept {
  std::fprintf(stderr, "%s:%d: must hold: %s [%s]\n", file, line, sentence, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace chasqui
