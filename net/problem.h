// What an HTTP client is told: answers as values, and errors as problem+json (RFC 9457).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chasqui {

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;  // beyond those that every answer has
  bool close = false;                                       // the connection ends with it
};

// Numbers and names of google.rpc.Code, as in proto/client.proto.
[[nodiscard]] std::string_view code_name(std::uint32_t code);
[[nodiscard]] unsigned http_status(std::uint32_t code);
[[nodiscard]] std::string_view reason_phrase(unsigned status);

// A refusal by a canonical code: the status follows from it.
[[nodiscard]] HttpResponse problem(std::uint32_t code, std::string_view detail, std::uint32_t retry_after_ms = 0);
// A refusal of the request as HTTP: the status is what says most; `code` its nearest canonical one.
[[nodiscard]] HttpResponse http_problem(unsigned status, std::string_view detail);

// As bytes, with the security fields that every answer has (RELIABILITY.md section 6).
[[nodiscard]] std::string serialized(const HttpResponse& response, bool keep_alive);

}  // namespace chasqui
