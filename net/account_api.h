// The JSON of POST /v1/accounts and POST /v1/login.
//
//   {"handle": "ana", "password": "...", "device_name": "laptop", "secret_hash": "<64 hex digits>"}
//   -> 201 or 200 {"user": "<decimal>", "device": 1, "handle": "ana"}
//
// `user` is a string, since JavaScript's numbers end at 53 bits. secret_hash: BLAKE2b-256 of the 32-byte secret that
// the device has drawn; the secret itself never leaves it here. Unknown members are ignored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "net/secret.h"

namespace chasqui {

struct AccountRequest {
  bool create = false;  // else: log in
  std::string handle;
  Secret password;
  std::string device_name;
  std::string secret_hash;  // 32 bytes
};

struct AccountAnswer {
  std::uint32_t code = 0;  // of google.rpc.Code; 0: done
  std::string message;
  std::uint32_t retry_after_ms = 0;
  std::uint64_t user = 0;
  std::uint64_t device = 0;
  std::string handle;
};

// Wipes `body`, whatever comes of it. InvalidArgument says which member is wrong.
[[nodiscard]] absl::StatusOr<AccountRequest> parse_account_request(bool create, std::string& body);
[[nodiscard]] std::string account_answer_json(const AccountAnswer& answer);

// "application/json", alone or with charset=utf-8.
[[nodiscard]] bool is_json(std::string_view content_type);

[[nodiscard]] std::string to_hex(std::string_view bytes);

}  // namespace chasqui
