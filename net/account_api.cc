#include "net/account_api.h"

#include <sodium.h>

#include <boost/json.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"

namespace chasqui {

namespace json = boost::json;

namespace {

// Memory of one parse, wiped at its end: the password is in it, and in the parser's own scratch.
class WipedMemory final : public json::memory_resource {
 public:
  ~WipedMemory() {
    for (auto& block : blocks_) {
      sodium_memzero(block.get(), block.get_deleter().size);
    }
  }

 private:
  struct Free {
    std::size_t size = 0;
    void operator()(unsigned char* p) const { ::operator delete(p, std::align_val_t{alignof(std::max_align_t)}); }
  };
  void* do_allocate(std::size_t bytes, std::size_t /*alignment*/) override {
    auto* p = static_cast<unsigned char*>(::operator new(bytes, std::align_val_t{alignof(std::max_align_t)}));
    blocks_.emplace_back(p, Free{bytes});
    return p;
  }
  void do_deallocate(void* /*p*/, std::size_t /*bytes*/, std::size_t /*alignment*/) override {}
  bool do_is_equal(const json::memory_resource& other) const noexcept override { return this == &other; }

  std::vector<std::unique_ptr<unsigned char, Free>> blocks_;
};

absl::Status missing(std::string_view member, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("\"", absl::string_view(member.data(), member.size()), "\" must be ",
                                                 absl::string_view(what.data(), what.size())));
}

absl::StatusOr<std::string_view> member(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(json::string_view(name.data(), name.size()));
  if (found == nullptr || !found->is_string()) {
    return missing(name, "a string");
  }
  const json::string& value = found->get_string();
  return std::string_view(value.data(), value.size());
}

absl::StatusOr<AccountRequest> parse(bool create, const std::string& body) {
  WipedMemory memory;
  json::parse_options options;
  options.max_depth = 32;
  json::parser parser(&memory, options);
  json::error_code code;
  parser.reset(&memory);
  parser.write(json::string_view(body.data(), body.size()), code);
  if (code) {
    return absl::InvalidArgumentError(absl::StrCat("the body is not JSON: ", code.message()));
  }
  const json::value value = parser.release();
  if (!value.is_object()) {
    return absl::InvalidArgumentError("the body is not a JSON object");
  }
  const json::object& object = value.get_object();
  const auto handle = member(object, "handle");
  const auto password = member(object, "password");
  const auto device_name = member(object, "device_name");
  const auto hash = member(object, "secret_hash");
  for (const auto& status : {handle.status(), password.status(), device_name.status(), hash.status()}) {
    if (!status.ok()) {
      return status;
    }
  }
  const auto is_hex = [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); };
  if (hash->size() != 2 * bounds::digest_bytes || !std::all_of(hash->begin(), hash->end(), is_hex)) {
    return missing("secret_hash", "64 hexadecimal digits: BLAKE2b-256 of the device's secret");
  }
  AccountRequest request;
  request.create = create;
  request.handle = std::string(*handle);
  request.password = Secret(*password);
  request.device_name = std::string(*device_name);
  request.secret_hash = absl::HexStringToBytes(absl::string_view(hash->data(), hash->size()));
  return request;
}

}  // namespace

absl::StatusOr<AccountRequest> parse_account_request(bool create, std::string& body) {
  auto request = parse(create, body);
  sodium_memzero(body.data(), body.size());
  body.clear();
  return request;
}

std::string account_answer_json(const AccountAnswer& answer) {
  json::object body;
  body["user"] = std::to_string(answer.user);
  body["device"] = answer.device;
  body["handle"] = answer.handle;
  return json::serialize(body);
}

bool is_json(std::string_view content_type) {
  const absl::string_view given(content_type.data(), content_type.size());
  const auto semicolon = given.find(';');
  if (!absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(given.substr(0, semicolon)), "application/json")) {
    return false;
  }
  return semicolon == absl::string_view::npos ||
         absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(given.substr(semicolon + 1)), "charset=utf-8");
}

std::string to_hex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

}  // namespace chasqui
