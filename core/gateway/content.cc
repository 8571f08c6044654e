#include "core/gateway/content.h"

#include "absl/strings/str_cat.h"
#include "core/gateway/typed_content.h"
#include "google/protobuf/arena.h"
#include "proto/client.pb.h"

namespace chasqui::gateway {

absl::StatusOr<std::string> fold_handle(std::string_view typed, const Limits& limits) {
  if (!typed.empty() && typed.front() == '@') typed.remove_prefix(1);
  std::string folded;
  for (const char c : typed.substr(0, limits.handle_bytes_max + 1)) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool legal = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '_' || lower == '.';
    if (!legal) return absl::InvalidArgumentError("a handle is made of a-z, 0-9, '_' and '.' only");
    folded.push_back(lower);
  }
  if (folded.size() < limits.handle_bytes_min || folded.size() > limits.handle_bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat("a handle has ", limits.handle_bytes_min, " to ",
                                                   limits.handle_bytes_max, " characters, this one has ",
                                                   typed.size()));
  }
  if (folded.front() == '.' || folded.back() == '.') {
    return absl::InvalidArgumentError("a handle neither begins nor ends with '.'");
  }
  return folded;
}

absl::Status check_payload(std::string_view bytes, const Limits& limits, log::Send& facts) {
  if (bytes.size() > limits.message_bytes_max + bounds::payload_overhead_bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat("a message has at most ", limits.message_bytes_max,
                                                   " bytes, this one has ", bytes.size(), ": split it"));
  }
  google::protobuf::Arena arena;
  auto* payload = google::protobuf::Arena::CreateMessage<client::Payload>(&arena);
  // Parsing a proto3 string refuses what is not UTF-8.
  if (!payload->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("a message's payload is malformed, or its text is not UTF-8");
  }
  if (payload->nonce().size() != bounds::nonce_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("a payload's nonce has ", bounds::nonce_bytes, " bytes"));
  }
  std::size_t size = 0;
  switch (payload->content_case()) {
    case client::Payload::kText:
      size = payload->text().size();
      if (payload->text().find('\0') != std::string::npos) {
        return absl::InvalidArgumentError("a text may not contain NUL");
      }
      break;
    case client::Payload::kSealed: size = payload->sealed().size(); break;
    case client::Payload::kLocation:
    case client::Payload::kContact:
    case client::Payload::kPoll:
    case client::Payload::kTimer: break;
    case client::Payload::kChange: break;          // core/gateway/group_content.h looks at it
    case client::Payload::CONTENT_NOT_SET: break;  // of a kind that only newer clients know: stored as it is
  }
  if (payload->content_case() == client::Payload::kText && size == 0) {
    return absl::InvalidArgumentError("a text may not be empty");
  }
  if (size > limits.message_bytes_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("a message has at most ", limits.message_bytes_max, " bytes, this one has ", size, ": split it"));
  }
  return check_typed(*payload, facts);
}

absl::Status check_device_name(std::string_view name, const Limits& limits) {
  if (name.size() > limits.device_name_bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat("a device's name has at most ", limits.device_name_bytes_max,
                                                   " bytes, this one has ", name.size()));
  }
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return absl::InvalidArgumentError("a device's name may not contain control characters");
    }
  }
  if (!is_utf8(name)) return absl::InvalidArgumentError("a device's name must be UTF-8");
  return absl::OkStatus();
}

// Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view bytes) {
  const auto at = [&bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  for (std::size_t i = 0; i < bytes.size();) {
    const unsigned first = at(i);
    if (first < 0x80) {
      ++i;
      continue;
    }
    const std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || i + more >= bytes.size()) return false;
    const unsigned second = at(i + 1);
    const unsigned least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (second < least || second > most) return false;
    for (std::size_t j = 2; j <= more; ++j) {
      if ((at(i + j) & 0xc0) != 0x80) return false;
    }
    i += more + 1;
  }
  return true;
}

}  // namespace chasqui::gateway
