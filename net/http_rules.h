// What an HTTP/1.1 request's header must look like, byte for byte, before any parser sees it.
//
// Two readers of one connection (a proxy and we) must never disagree on where a request ends: whatever two parsers have
// been known to read differently is refused, not repaired (RELIABILITY.md section 6).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace chasqui {

struct HttpLimits {
  std::size_t header_bytes = 8192;
  std::size_t fields = 64;
  std::size_t target_bytes = 4096;
  std::size_t body_bytes = 16384;
};

struct HttpRefusal {
  unsigned status = 400;
  std::string detail;
};

// `block`: from the request line to the empty line, both included. nullopt: it may be parsed.
[[nodiscard]] std::optional<HttpRefusal> refuse_header(std::string_view block, const HttpLimits& limits);

// Of bytes that are not a whole header yet: a refusal as soon as it is certain, so that nobody waits for a time-out.
[[nodiscard]] std::optional<HttpRefusal> refuse_partial_header(std::string_view bytes, const HttpLimits& limits);

}  // namespace chasqui
