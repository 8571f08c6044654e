// One HTTP call with a JSON body, for accounts and login: connect, POST, answer, close. Blocks, so it belongs before a
// program's loop starts.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/now.h"
#include "net/client/endpoint.h"

namespace chasqui::net {

struct HttpReply {
  std::uint32_t status = 0;  // of HTTP
  std::string body;          // at most 64 KiB
};

// Unavailable: no answer, for the reason said. DeadlineExceeded: not within `timeout`. What the server then did is
// unknown, so the call must be one that may be repeated.
[[nodiscard]] absl::StatusOr<HttpReply> http_post(const Endpoint& endpoint, const std::string& path,
                                                  const std::string& json, Duration timeout);

}  // namespace chasqui::net
