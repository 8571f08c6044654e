#include "runtime/chasqui/credentials.h"

#include <sodium.h>

#include <boost/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "runtime/chasqui/outcome.h"

namespace chasqui::cli {
namespace {

namespace json = boost::json;

std::string string_of(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string().c_str()) : std::string();
}

std::string from_hex(const std::string& hex) {
  const bool digits = hex.size() % 2 == 0 && hex.find_first_not_of("0123456789abcdef") == std::string::npos;
  return digits ? absl::HexStringToBytes(hex) : std::string();
}

absl::StatusOr<json::object> read_object(const std::string& path) {
  auto bytes = read_file(path);
  if (!bytes.ok()) return bytes.status();
  boost::system::error_code error;
  json::value value = json::parse(*bytes, error);
  if (error || !value.is_object()) {
    return absl::DataLossError(absl::StrCat(path, " is damaged: move it away, and log in anew"));
  }
  return value.get_object();
}

}  // namespace

std::string to_hex(std::string_view bytes) {
  return absl::BytesToHexString(text(bytes));
}

absl::StatusOr<Login> read_login(const Home& home) {
  const std::string path = home.path("credentials.json");
  auto object = read_object(path);
  if (absl::IsNotFound(object.status())) {
    return usage_error("nobody is logged in here: run `chasqui register HANDLE` or `chasqui login HANDLE` first");
  }
  if (!object.ok()) return object.status();
  Login login;
  login.server = string_of(*object, "server");
  login.credentials.handle = string_of(*object, "handle");
  login.credentials.secret = from_hex(string_of(*object, "secret"));
  std::uint64_t user = 0;
  std::uint64_t device = 0;
  if (!absl::SimpleAtoi(string_of(*object, "user"), &user) ||
      !absl::SimpleAtoi(string_of(*object, "device"), &device) ||
      login.credentials.secret.size() != bounds::secret_bytes) {
    return absl::DataLossError(absl::StrCat(path, " is damaged: move it away, and log in anew"));
  }
  login.credentials.user = UserId(user);
  login.credentials.device = DeviceId(device);
  return login;
}

absl::Status write_login(const Home& home, const Login& login) {
  const json::object object{{"server", login.server},
                            {"handle", login.credentials.handle},
                            {"user", absl::StrCat(login.credentials.user.value())},
                            {"device", absl::StrCat(login.credentials.device.value())},
                            {"secret", to_hex(login.credentials.secret)}};
  return write_file_durably(home.path("credentials.json"), json::serialize(object) + "\n");
}

absl::Status forget_login(const Home& home) {
  // Credentials first: without them the rest means nothing.
  for (const char* name : {"credentials.json", "pending.json", "journal", "journal.torn", "names.json"}) {
    if (absl::Status removed = remove_file(home.path(name)); !removed.ok()) return removed;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> pending_secret(const Home& home, const std::string& server, const std::string& handle,
                                           const std::string& kind) {
  const std::string path = home.path("pending.json");
  if (const auto object = read_object(path); object.ok()) {
    const std::string secret = from_hex(string_of(*object, "secret"));
    const bool same = string_of(*object, "server") == server && string_of(*object, "handle") == handle &&
                      string_of(*object, "kind") == kind;
    if (same && secret.size() == bounds::secret_bytes) return secret;
  }
  CHASQUI_ASSERT(::sodium_init() >= 0, "the system has a random generator");
  std::string secret(bounds::secret_bytes, '\0');
  ::randombytes_buf(secret.data(), secret.size());
  const json::object object{{"server", server}, {"handle", handle}, {"kind", kind}, {"secret", to_hex(secret)}};
  if (absl::Status kept = write_file_durably(path, json::serialize(object) + "\n"); !kept.ok()) return kept;
  return secret;
}

absl::Status forget_pending(const Home& home) {
  return remove_file(home.path("pending.json"));
}

}  // namespace chasqui::cli
